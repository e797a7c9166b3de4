"""``fastpc reproduce``: each preset and seed once, the mean held to its bar."""

import json
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest

from commands import complaint, run_json
from fastpc import PCNetwork, plots
from fastpc.cli import configuration, main, reproduction, sampled
from fastpc.data import load_digits
from fastpc.presets import Preset
from fastpc.reproductions import REPRODUCTIONS, Reproduction

SMALL = Preset(hidden=(32,), epochs=4, batch_size=32, learning_rate=0.01)
EASY = Reproduction("easy", "Small digits", 0.5, SMALL, 0.9)
HARD = replace(EASY, name="hard", bar=0.9999)
WILD = replace(EASY, name="wild", preset=replace(SMALL, optimizer="sgd", learning_rate=1e9))


@pytest.fixture(autouse=True)
def presets(monkeypatch):
    monkeypatch.setattr(reproduction, "REPRODUCTIONS", {found.name: found for found in (EASY, HARD, WILD)})
    for name in ("easy", "hard", "wild"):
        monkeypatch.setitem(REPRODUCTIONS, name, reproduction.REPRODUCTIONS[name])


@pytest.fixture
def reproduce(tmp_path):
    def run(*arguments):
        return main(["reproduce", "--data", "digits", "--out", str(tmp_path), *arguments])

    return run


def results(folder):
    return json.loads((folder / "results.json").read_text())


def test_the_exit_code_says_whether_every_bar_was_met(reproduce, tmp_path):
    assert reproduce("easy", "--seeds", "1") == 0
    assert results(tmp_path)["met"]
    assert reproduce("easy", "hard", "--seeds", "1") == 1
    found = results(tmp_path)
    assert not found["met"]
    assert [entry["met"] for entry in found["presets"].values()] == [True, False]


def test_the_mean_of_all_seeds_is_what_counts(reproduce, tmp_path):
    assert reproduce("easy", "--seeds", "2") == 0
    found = results(tmp_path)["presets"]["easy"]
    seeds = found["values"]
    assert len(seeds) == 2
    assert seeds[0] != seeds[1]
    assert found["mean"] == fmean(seeds)
    assert found["train_seconds"] == sum(run["train_seconds"] for run in found["runs"])
    row = reproduction.Row(EASY, fmean(seeds), found["runs"])
    assert row.met
    assert not replace(row, bar=row.bar + 1e-9).met
    assert not replace(row, runs=[*row.runs, None]).met
    assert not replace(row, runs=[]).met


def test_a_run_is_what_train_does(reproduce, tmp_path, capsys):
    reproduce("easy", "--seeds", "2")
    capsys.readouterr()
    options = ("--hidden", "32", "--epochs", "4", "--batch-size", "32", "--lr", "0.01", "--seed", "1")
    alone = run_json(capsys, "train", "--data", "digits", *options)
    run = results(tmp_path)["presets"]["easy"]["runs"][1]
    assert run["parameters_sha256"] == alone["parameters_sha256"]
    assert run["test_accuracy"] == alone["test_accuracy"]
    assert run["samples_seen"] == 4 * 1437
    assert [epoch["epoch"] for epoch in run["metrics"]] == [1, 2, 3, 4]
    folder = tmp_path / "easy" / "seed-1"
    assert configuration.read(folder)["seed"] == 1
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 4


def test_finished_runs_are_not_repeated(reproduce, tmp_path, monkeypatch):
    assert reproduce("easy", "--seeds", "1") == 0
    first = results(tmp_path)
    ran = []
    run = reproduction.Job.run
    monkeypatch.setattr(reproduction.Job, "run", lambda job, **how: ran.append(job) or run(job, **how))
    assert reproduce("easy", "--seeds", "1") == 0
    assert not ran
    assert results(tmp_path) == first
    assert reproduce("easy", "--seeds", "2") == 0
    assert len(ran) == 1


@pytest.mark.parametrize("damage", ["", "[]", '{"run": {}}', '{"configuration": {}, "run": {}}'])
def test_a_run_that_was_cut_short_or_had_other_settings_is_repeated(reproduce, tmp_path, damage):
    assert reproduce("easy", "--seeds", "1") == 0
    first = results(tmp_path)
    (tmp_path / "easy" / "seed-0" / "result.json").write_text(damage)
    assert reproduce("easy", "--seeds", "1") == 0
    again = results(tmp_path)["presets"]["easy"]
    assert again["values"] == first["presets"]["easy"]["values"]


def test_an_interrupt_leaves_what_was_finished(reproduce, tmp_path, monkeypatch):
    run = reproduction.Job.run

    def interrupted(job, **how):
        if job.configuration["seed"] == 1:
            raise KeyboardInterrupt
        return run(job, **how)

    monkeypatch.setattr(reproduction.Job, "run", interrupted)
    assert reproduce("easy", "--seeds", "2") == 130
    assert (tmp_path / "easy" / "seed-0" / "result.json").is_file()
    assert not (tmp_path / "easy" / "seed-1" / "result.json").exists()


def test_a_run_that_diverges_fails_its_bar_and_no_other(reproduce, tmp_path, capsys):
    assert reproduce("wild", "easy", "--seeds", "1") == 1
    assert "wild, seed-0: training diverged" in capsys.readouterr().err
    found = results(tmp_path)["presets"]
    assert found["wild"]["mean"] is None
    assert found["easy"]["met"]
    assert "diverged" in (tmp_path / "table.md").read_text()


def test_quick_runs_are_short_with_one_seed_and_looser_bars(reproduce, tmp_path, monkeypatch):
    monkeypatch.setattr(reproduction, "QUICK_EPOCHS", 1)
    reproduce("easy", "--quick")
    found = results(tmp_path)
    (run,) = found["presets"]["easy"]["runs"]
    assert found["quick"]
    assert run["epochs"] == 1
    assert found["presets"]["easy"]["bar"] == EASY.bar - reproduction.QUICK_SLACK
    assert reproduction.QUICK_SLACK > 0


def test_the_table_has_a_row_for_each_preset(reproduce, tmp_path, capsys):
    reproduce("easy", "hard", "--seeds", "1")
    header, rule, *rows = (tmp_path / "table.md").read_text().splitlines()
    assert {line.count("|") for line in (header, rule, *rows)} == {header.count("|")}
    for row, name, met in zip(rows, ("easy", "hard"), ("met", "not met"), strict=True):
        assert f"| {name} |" in row
        assert "| 64-32-10 |" in row
        assert row.endswith(f"| {met} |")
    shown = capsys.readouterr().out
    assert "easy" in shown
    assert "not met" in shown


def test_curves_are_numbers_always_and_a_picture_with_matplotlib(reproduce, tmp_path):
    reproduce("easy", "--seeds", "2")
    drawn = json.loads((tmp_path / "curves.json").read_text())["easy"]
    runs = results(tmp_path)["presets"]["easy"]["runs"]
    assert drawn["training"] == [[1 - epoch["accuracy"] for epoch in run["metrics"]] for run in runs]
    assert drawn["test"] == [1 - run["test_accuracy"] for run in runs]
    assert drawn["bar"] == 0.5
    pytest.importorskip("matplotlib")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_it_says_so(reproduce, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    assert reproduce("easy", "--seeds", "1") == 0
    assert "fastpc[plots]" in capsys.readouterr().err
    assert (tmp_path / "curves.json").is_file()
    assert not (tmp_path / "curves.png").exists()


def test_an_error_has_to_fall_below_that_of_principal_components(reproduce, tmp_path, monkeypatch):
    preset = Preset(
        direction="unsupervised", hidden=(16,), latents=4, steps=10, step_size="auto", epochs=2, batch_size=32
    )
    free = Reproduction("free", "Latents", None, preset)
    judge = replace(EASY, name="pc-ce", preset=replace(SMALL, loss="cross_entropy"))
    for known in (REPRODUCTIONS, reproduction.REPRODUCTIONS):
        monkeypatch.setitem(known, "free", free)
        monkeypatch.setitem(known, "pc-ce", judge)
    reproduce("free", "--seeds", "1")
    found = results(tmp_path)["presets"]["free"]
    train, test = load_digits()
    images, new = (data.inputs * np.float64(data.scale) for data in (train, test))
    right = np.linalg.svd(images - images.mean(axis=0), full_matrices=False)[2]
    rest = (new - images.mean(axis=0)) @ (np.eye(64) - right[:4].T @ right[:4])
    assert found["measure"] == "test reconstruction error"
    assert found["bar"] == pytest.approx(0.5 * np.mean(np.sum(rest**2, axis=1)))
    (run,) = found["runs"]
    assert found["values"] == [run["test_loss"]]
    assert found["met"] == (run["test_loss"] < found["bar"])
    row = reproduction.Row(free, run["test_loss"], [run])
    assert not row.met
    assert replace(row, bar=1.01 * row.bar).met
    drawn = json.loads((tmp_path / "curves.json").read_text())["free"]
    assert drawn["bar"] == found["bar"]
    assert drawn["training"] == [[sum(epoch["energy"]) for epoch in run["metrics"]]]
    assert reproduction._bar(free, "digits", quick=True) > found["bar"]


def test_a_classifier_says_what_it_recognises_of_sampled_digits(reproduce, tmp_path, monkeypatch):
    preset = Preset(
        direction="unsupervised", hidden=(16,), latents=4, steps=10, step_size="auto", epochs=2, batch_size=32
    )
    judge = replace(EASY, name="pc-ce", preset=replace(SMALL, loss="cross_entropy"))
    for found in (Reproduction("free", "Latents", None, preset), judge):
        for known in (REPRODUCTIONS, reproduction.REPRODUCTIONS):
            monkeypatch.setitem(known, found.name, found)
    monkeypatch.setattr(sampled, "SAMPLES", 500)
    reproduce("free", "--seeds", "2")
    found = results(tmp_path)["sampled"]
    classifier = PCNetwork.load(tmp_path / "pc-ce" / "seed-0" / "model.safetensors")
    parts = []
    for seed in (0, 1):
        network = PCNetwork.load(tmp_path / "free" / f"seed-{seed}" / "model.safetensors")
        images = np.clip(network.sample(500, seed), 0, 1)
        parts.append(np.mean(classifier.predict_proba(images).max(axis=1) > found["confident"]))
    assert found["seeds"] == pytest.approx(parts)
    assert found["recognised"]["from the prior"] == pytest.approx(np.mean(parts))
    assert sum(found["classes"]) == round(500 * parts[0])
    assert found["recognised"]["test images"] > found["recognised"]["pixels shuffled"]
    if plots.available():
        assert (tmp_path / "sampled.png").read_bytes().startswith(b"\x89PNG")


def test_without_an_unsupervised_network_nothing_is_sampled(reproduce, tmp_path):
    reproduce("easy", "--seeds", "1")
    assert results(tmp_path)["sampled"] is None


def test_json_is_one_object_alone_on_standard_output(reproduce, capsys):
    assert reproduce("easy", "--seeds", "1", "--json") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["presets"]["easy"]["met"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("pc-sq",), "'pc-sq'"),
        (("easy", "--seeds", "0"), "--seeds"),
        (("easy", "--data", "no-such-file.npz"), "no-such-file.npz"),
        (("easy", "--out", "/dev/null/runs"), "expected --out to be a folder"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_one_clear_sentence_and_code_2(reproduce, capsys, arguments, says):
    assert reproduce(*arguments) == 2
    assert says in complaint(capsys)
