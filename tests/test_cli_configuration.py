"""Configurations in TOML: what a run's folder keeps, and what ``fastpc train --config`` takes."""

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import SMALL, complaint, run_json
from fastpc.cli import configuration, main
from fastpc.errors import ConfigurationError
from fastpc.presets import BY_DIRECTION, BY_RULE, DEFAULT
from fastpc.reproductions import REPRODUCTIONS


@pytest.mark.parametrize("preset", [*BY_RULE.values(), *(found.preset for found in REPRODUCTIONS.values())])
def test_every_preset_is_read_back_as_it_was_written(tmp_path, preset):
    configuration.write(asdict(preset), tmp_path / "config.toml")
    assert configuration.preset_of(configuration.read(tmp_path)) == preset


@given(st.text(max_size=20), st.floats(allow_nan=False), st.lists(st.integers(0, 2**31), max_size=4))
def test_any_text_and_any_number_are_read_back(tmp_path_factory, text, number, sizes):
    path = tmp_path_factory.mktemp("config") / "config.toml"
    text = text.encode("utf-8", "ignore").decode()
    said = {"data": text, "learning_rate": number, "hidden": tuple(sizes), "residual": True}
    configuration.write(said, path)
    assert configuration.read(path) == said


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--rule", "backprop"),
        ("--rule", "zil", "--validation", "0.25"),
        ("--rule", "bpc", "--hidden", "16", "--seed", "3"),
        ("--nudge", "centred", "--beta", "0.25", "--step-size", "auto"),
        ("--direction", "unsupervised", "--layers", "5,16,64", "--steps", "4"),
        ("--hidden", "none"),
        ("--preset", "pc-ce", "--hidden", "16", "--epochs", "2"),
    ],
    ids=" ".join,
)
def test_a_run_s_own_configuration_runs_it_again(capsys, tmp_path, options):
    first = run_json(capsys, *SMALL[:3], "--epochs", "1", *options, "--out", str(tmp_path))
    for source in (tmp_path, tmp_path / "config.toml"):
        again = run_json(capsys, "train", "--config", str(source))
        assert again["parameters_sha256"] == first["parameters_sha256"]
        assert again["validation_accuracy"] == first["validation_accuracy"]


def test_any_option_goes_before_the_file(capsys, tmp_path):
    run_json(capsys, *SMALL, "--out", str(tmp_path))
    found = run_json(capsys, "train", "--config", str(tmp_path), "--hidden", "8,8", "--seed", "7", "--epochs", "1")
    assert (found["layers"], found["seed"], found["epochs"]) == ([64, 8, 8, 10], 7, 1)
    found = run_json(capsys, "train", "--config", str(tmp_path), "--rule", "ipc")
    assert (found["rule"], found["steps"]) == ("ipc", BY_RULE["ipc"].steps)


def test_what_a_file_does_not_say_is_the_rule_s_own(capsys, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('data = "digits"\nhidden = [16]\nepochs = 1\nlearning_rate = 1\n')
    said = configuration.read(file)
    assert configuration.preset_of(said) == replace(DEFAULT, hidden=(16,), epochs=1, learning_rate=1)
    assert configuration.preset_of({"direction": "generative"}) == BY_DIRECTION["generative"]
    assert run_json(capsys, "train", "--config", str(file))["layers"] == [64, 16, 10]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hidden = [16", "TOML"),
        ('hidden = "16"', "hidden in .* to be a list, each a whole number"),
        ("hidden = [1.5]", "hidden"),
        ("epochs = 2.0", "epochs in .* to be a whole number"),
        ("epochs = true", "epochs"),
        ('step_size = "fast"', "step_size in .* to be a number or 'auto'"),
        ("residual = 1", "residual in .* to be true or false"),
        ("lr = 0.1", "'lr'"),
        ('[network]\nhidden = "16"', "'network'"),
    ],
)
def test_a_file_that_says_what_no_run_can_be_asked_for_is_refused(tmp_path, text, says):
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=says):
        configuration.read(tmp_path)


def test_wrong_use_is_one_sentence_and_code_2(capsys, tmp_path):
    assert main(["train", "--config", str(tmp_path / "none.toml")]) == 2
    assert "none.toml" in complaint(capsys)
    (tmp_path / "config.toml").write_text('rule = "magic"')
    assert main(["train", "--config", str(tmp_path)]) == 2
    assert "'magic'" in complaint(capsys)
    (tmp_path / "config.toml").write_text('rule = "ipc"\nmomentum = 0.5')
    assert main(["train", "--config", str(tmp_path)]) == 2
    assert "expected --momentum with a rule that has use for it" in complaint(capsys)
    assert main(["train", "--config", str(tmp_path), "--preset", "pc-se"]) == 2
    assert "expected --preset or --config, got both" in complaint(capsys)
