"""What is searched, and that no trial gets settings that cannot be trained with."""

import pytest

from fastpc import ConfigurationError, build
from fastpc.presets import BY_RULE, DEFAULT, HYBRID
from fastpc.reproductions import REPRODUCTIONS
from fastpc.tuning.space import BY_DEFAULT, SEARCHABLE, space_of

optuna = pytest.importorskip("optuna")

GENERATIVE = {"direction": "generative"}


def drawn(space, n=30):
    """Draw trials at random: what a sampler that knows nothing would give."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trials = [study.ask() for _ in range(n)]
    return trials, [space.draw(trial) for trial in trials]


def test_by_default_all_that_has_a_range_is_searched():
    space = space_of(None, {}, {})
    assert tuple(space.domains) == BY_DEFAULT
    _, presets = drawn(space, 60)
    assert {preset.rule for preset in presets} == {"pc", "ipc", "epc"}
    assert len({preset.hidden for preset in presets}) > 20
    assert {len(preset.hidden) for preset in presets} == {1, 2, 3}
    assert {preset.step_size == "auto" for preset in presets} == {True, False}


@pytest.mark.parametrize("rule", BY_RULE)
def test_no_rule_is_ever_given_what_means_nothing_to_it(rule):
    fixed = GENERATIVE if rule == "hybrid" else {}
    trials, presets = drawn(space_of(None, {"rule": rule}, fixed))
    for trial, preset in zip(trials, presets, strict=True):
        assert preset.rule == rule
        assert all(build.takes(rule, name) for name in ("steps", "step_size") if name in trial.params)
        sizes = (3, *preset.hidden, 2)
        made = build.network(preset, sizes, seed=0)
        build.rule(preset, build.encoder(preset, made))  # raises where it cannot be
        build.optimizer(preset)


def test_rules_that_are_mixed_are_each_given_their_own():
    trials, presets = drawn(space_of(None, {"rule": "pc,zil,fpa", "step_size": "auto,0.1:1"}, {}), 60)
    for trial, preset in zip(trials, presets, strict=True):
        assert ("steps" in trial.params) == (preset.rule != "zil")
        assert preset.rule != "fpa" or preset.step_size != "auto"
    assert any(preset.step_size == "auto" for preset in presets)


def test_a_value_fixes_and_a_range_searches():
    texts = {"lr": "0.002", "steps": "4:6", "rule": "pc"}
    space = space_of(None, texts, {"hidden": (7, 5), "epochs": 2})
    _, presets = drawn(space)
    assert {(p.learning_rate, p.hidden, p.epochs, p.rule) for p in presets} == {(0.002, (7, 5), 2, "pc")}
    assert {p.steps for p in presets} == {4, 5, 6}
    assert not {"lr", "depth", "width", "rule"} & set(space.domains)


def test_search_names_what_is_searched_and_the_rest_stays_as_it_is():
    base = REPRODUCTIONS["pc-se"].preset
    space = space_of(base, {}, {}, "steps,lr")
    assert set(space.domains) == {"steps", "lr"}
    _, presets = drawn(space, 5)
    assert {(p.hidden, p.activation, p.momentum) for p in presets} == {(base.hidden, base.activation, base.momentum)}


def test_beta_is_drawn_where_there_is_a_nudge():
    trials, presets = drawn(space_of(None, {"rule": "pc", "nudge": "none,positive", "beta": "0.1:1"}, {}, "lr"), 20)
    assert {preset.nudge for preset in presets} == {"none", "positive"}
    assert all(("beta" in trial.params) == (p.nudge != "none") for trial, p in zip(trials, presets, strict=True))


@pytest.mark.parametrize("preset", [DEFAULT, HYBRID])
def test_the_first_trial_is_what_would_be_taken_without_a_search(preset):
    space = space_of(preset, {}, {}, "steps,step_size,lr,batch_size,activation")
    found = space.draw(optuna.trial.FixedTrial(space.start() | {"step_size": 0.05}))
    for name in ("steps", "step_size", "learning_rate", "batch_size", "activation"):
        assert getattr(found, name) == getattr(preset, name)


@pytest.mark.parametrize(
    ("texts", "fixed", "search", "reason"),
    [
        ({"rule": "pc,nil"}, {}, None, "expected --rule to be one of"),
        ({"activation": "relu,step"}, {}, None, "expected activation to be one of"),
        ({"rule": "pc,zil", "steps": "3"}, {}, None, "expected --steps with a rule that has use for it"),
        ({"rule": "ipc", "momentum": "0:0.9"}, {}, None, "expected --momentum with a rule that has use for it"),
        ({"rule": "fpa", "step_size": "0.1:3"}, {}, None, "of at most 1"),
        ({"lr": "-1:1"}, {}, None, "expected learning_rate to be a number"),
        ({"batch_size": "0:8"}, {}, None, "--batch-size to be a whole number from 1"),
        ({"depth": "0:2"}, {}, None, "--depth to be a whole number from 1"),
        ({"beta": "0.1:1"}, {}, None, "expected --nudge with --beta"),
        ({"width": "8:16"}, {"hidden": (3,)}, None, "expected --hidden or --width, got both"),
        ({}, {"epochs": 0}, None, "expected --epochs to be a whole number from 1"),
        ({}, {"direction": "unsupervised"}, "lr", "expected a direction that recognises"),
        ({}, {}, "lr,rate", "expected --search to be one of"),
        ({}, {}, "nudge", "expected --nudge with a range or several values"),
        ({"lr": "0.1"}, {}, "lr", "expected --lr to be a range or several values"),
        ({name: "1" for name in SEARCHABLE if name in ("steps", "lr")}, {}, "", "expected --search to be one of"),
    ],
)
def test_wrong_use_is_one_sentence_before_anything_is_spent(texts, fixed, search, reason):
    with pytest.raises(ConfigurationError, match=reason) as caught:
        space_of(None, texts, fixed, search)
    assert str(caught.value).count("\n") == 0
    assert ", got " in str(caught.value)


def test_with_a_value_for_everything_there_is_nothing_to_search():
    with pytest.raises(ConfigurationError, match="expected something to search"):
        space_of(DEFAULT, {"lr": "0.1"}, {})
