"""``fastpc train --preset``: everything at once, and any option before it."""

import json
from dataclasses import asdict, replace

import pytest

from commands import complaint, run_json
from fastpc import build
from fastpc.cli import main
from fastpc.presets import BY_RULE, DEFAULT, OF_THE_RULE, UNSUPERVISED
from fastpc.reproductions import REPRODUCTIONS

NOTHING = dict.fromkeys(asdict(DEFAULT))
TRAIN = ("train", "--data", "digits", "--hidden", "8", "--epochs", "1")


def test_a_preset_sets_everything():
    for name, found in REPRODUCTIONS.items():
        assert build.chosen(build.named(name), None, NOTHING) == found.preset


def test_without_one_the_rule_says():
    for rule, preset in BY_RULE.items():
        assert build.chosen(None, rule, NOTHING) == preset
    assert build.chosen(None, None, NOTHING) == DEFAULT


def test_any_option_goes_before_the_preset():
    given = {
        "hidden": (8,),
        "loss": "cross_entropy",
        "steps": 7,
        "learning_rate": 0.5,
        "weight_decay": 0.25,
        "epochs": 2,
    }
    assert build.chosen(build.named("pc-se"), None, NOTHING | given) == replace(REPRODUCTIONS["pc-se"].preset, **given)


def test_another_rule_brings_what_is_its_own():
    found = build.chosen(build.named("nudge-centred"), "fpa", NOTHING)
    preset = REPRODUCTIONS["nudge-centred"].preset
    for setting, value in asdict(found).items():
        whose = BY_RULE["fpa"] if setting in ("rule", *OF_THE_RULE) else preset
        assert value == getattr(whose, setting)


def test_the_preset_s_nudge_has_use_for_beta():
    assert build.chosen(build.named("nudge-centred"), None, NOTHING | {"beta": 0.125}).beta == 0.125


def test_another_schedule_leaves_the_preset_s_warmup():
    settings = build.chosen(build.named("pc-se"), None, NOTHING | {"schedule": "constant"})
    assert build.optimizer(settings).schedule.factors(0, 1, 9, 9) == 1


def test_the_weights_of_a_scaled_network_are_standard_normal_unless_others_are_asked_for():
    given = NOTHING | {"hidden": (8, 8), "residual": True, "scaling": "mupc"}
    assert build.chosen(build.named("pc-se"), None, given).initializer == "standard_normal"
    assert build.chosen(None, None, given).initializer == "standard_normal"
    assert build.chosen(build.named("mupc-30"), None, NOTHING | {"initializer": "he_normal"}).initializer == "he_normal"


def test_a_preset_reaches_the_run(capsys):
    result = run_json(capsys, *TRAIN, "--preset", "backprop-ce", "--initializer", "he_normal", "--warmup", "0.5")
    preset = replace(REPRODUCTIONS["backprop-ce"].preset, hidden=(8,), epochs=1, initializer="he_normal", warmup=0.5)
    assert {name: result[name] for name in asdict(preset)} == json.loads(json.dumps(asdict(preset)))


def test_the_list_says_what_each_one_reproduces(capsys):
    assert main(["train", "--preset", "list"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in REPRODUCTIONS)
    listed = run_json(capsys, "train", "--preset", "list")
    assert {name: entry["bar"] for name, entry in listed.items()} == {
        name: found.bar for name, found in REPRODUCTIONS.items()
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--preset", "pc-sq"), "expected --preset to be one of pc-se"),
        (("--preset", "backprop-se", "--steps", "3"), "got --rule backprop; leave it out"),
        (("--preset", "pc-se", "--beta", "0.5"), "expected --beta with --nudge"),
        (("--preset", "pc-se", "--rule", "magic"), "'magic'"),
        (("--initializer", "zeros"), "'zeros'"),
        (("--weight-decay", "-1"), "weight_decay"),
        (("--warmup", "1"), "warmup"),
        (("--warmup", "0.1", "--schedule", "constant"), "expected warmup with a schedule that rises"),
        (("--rule", "notebook", "--weight-decay", "0.1"), "leave it out"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_one_clear_sentence_and_code_2(capsys, arguments, says):
    assert main([*TRAIN, *arguments]) == 2
    assert says in complaint(capsys)


@pytest.mark.parametrize(("sizes", "expected"), [((8, 64), (10.0,)), ((8, 5, 6, 64), (100.0, 100.0, 10.0))])
def test_default_precisions_hold_at_any_depth(sizes, expected):
    settings = build.fitted(UNSUPERVISED, sizes)
    assert settings.precisions == expected
    assert (settings.latents, settings.hidden) == (sizes[0], sizes[1:-1])
