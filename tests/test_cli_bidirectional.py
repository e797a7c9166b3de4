"""``fastpc train --rule bpc``: a run in both directions, and what reads it back."""

import numpy as np

from commands import complaint, run_json
from fastpc import BidirectionalNetwork
from fastpc.cli import configuration, main
from fastpc.presets import BIDIRECTIONAL

RUN = ("train", "--rule", "bpc", "--data", "digits", "--hidden", "32", "--epochs", "3")


def test_a_run_is_kept_and_read_back(capsys, tmp_path):
    trained = run_json(capsys, *RUN, "--out", str(tmp_path))
    assert (trained["rule"], trained["layers"]) == ("bpc", [64, 32, 10])
    assert (trained["steps"], trained["step_size"]) == (BIDIRECTIONAL.steps, BIDIRECTIONAL.step_size)
    assert len(trained["energy"]) == 4  # two layers from below, two from above
    found = run_json(capsys, "evaluate", str(tmp_path), "--data", "digits")
    assert found["test_accuracy"] == trained["test_accuracy"] > 0.5
    assert configuration.read(tmp_path)["rule"] == "bpc"
    images = BidirectionalNetwork.load(tmp_path / "model.safetensors").generate(np.arange(10))
    assert images.shape == (10, 64)


def test_the_seed_decides_the_run(capsys):
    first, again, other = (run_json(capsys, *RUN, "--seed", seed) for seed in ("1", "1", "2"))
    assert first["parameters_sha256"] == again["parameters_sha256"]
    assert first["parameters_sha256"] != other["parameters_sha256"]


def test_people_get_a_table(capsys):
    assert main([*RUN]) == 0
    out = capsys.readouterr().out
    assert f"bpc, {BIDIRECTIONAL.steps} steps of {BIDIRECTIONAL.step_size}" in out
    assert "BidirectionalNetwork(64-32-10" in out


def test_an_option_without_effect_is_refused(capsys):
    assert main([*RUN, "--momentum", "0.5"]) == 2
    assert (
        "expected --momentum with a rule that has use for it, pc or hybrid, got --rule bpc; leave it out"
        in complaint(capsys)
    )


def test_divergence_leaves_no_model(capsys, tmp_path):
    wild = ("--step-size", "100", "--steps", "50", "--out", str(tmp_path))
    assert main([*RUN, *wild]) == 1
    assert "training diverged in epoch 1, batch" in complaint(capsys)
    assert not (tmp_path / "model.safetensors").exists()
