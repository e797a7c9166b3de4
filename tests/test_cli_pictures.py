"""``fastpc plot``, ``predict`` and ``generate``: what becomes of a run afterwards."""

import json
import sys

import numpy as np
import pytest

from commands import SMALL, complaint, run_json
from fastpc import PCNetwork, load_digits, plots
from fastpc.cli import main
from fastpc.cli.pictures import NAMES

RUNS = {
    "pc": (),
    "ipc": ("--rule", "ipc"),
    "backprop": ("--rule", "backprop"),
    "epc": ("--rule", "epc"),
    "bpc": ("--rule", "bpc"),
    "notebook": ("--rule", "notebook", "--step-size", "auto"),
    "hybrid": ("--rule", "hybrid"),
    "generative": ("--direction", "generative"),
    "unsupervised": ("--direction", "unsupervised", "--steps", "4"),
    "hybrid-unsupervised": ("--rule", "hybrid", "--direction", "unsupervised"),
}
PICTURES = {
    "pc": {"curves", "energy", "weights", "confusion"},
    "ipc": {"curves", "energy", "weights", "confusion"},
    "backprop": {"curves", "weights", "confusion"},
    "epc": {"curves", "energy", "weights", "confusion"},
    "bpc": {"curves", "energy", "weights", "confusion", "generated"},
    "notebook": {"curves", "weights", "confusion", "generated"},
    "hybrid": {"curves", "energy", "weights", "confusion", "generated"},
    "generative": {"curves", "energy", "weights", "confusion", "generated"},
    "unsupervised": {"curves", "energy", "weights", "generated", "reconstructions"},
    "hybrid-unsupervised": {"curves", "energy", "weights", "generated", "reconstructions"},
}
RECOGNISE = [name for name in RUNS if "unsupervised" not in name]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, options in RUNS.items():
        assert main([*SMALL, *options, "--out", str(folder / name), "--quiet"]) == 0
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    _, test = load_digits()
    path = tmp_path_factory.mktemp("images") / "digits.npy"
    np.save(path, np.asarray(test.inputs).reshape(-1, 8, 8))
    return path


class TestPlot:
    @pytest.mark.parametrize("name", RUNS)
    def test_a_run_has_the_pictures_that_mean_something_for_it(self, capsys, runs, tmp_path, name):
        pytest.importorskip("matplotlib")
        found = run_json(capsys, "plot", str(runs / name), "--out", str(tmp_path))
        assert {path.stem for path in tmp_path.iterdir()} == PICTURES[name]
        assert found["pictures"] == [str(tmp_path / f"{stem}.png") for stem in sorted(PICTURES[name], key=NAMES.index)]
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.iterdir())

    def test_some_alone_in_another_format(self, runs, tmp_path, capsys):
        pytest.importorskip("matplotlib")
        assert (
            main(["plot", str(runs / "pc"), "--only", "weights,curves", "--format", "svg", "--out", str(tmp_path)]) == 0
        )
        assert {path.name for path in tmp_path.iterdir()} == {"weights.svg", "curves.svg"}
        assert capsys.readouterr().out.splitlines() == [str(tmp_path / "curves.svg"), str(tmp_path / "weights.svg")]

    def test_several_runs_are_compared(self, runs, tmp_path, monkeypatch):
        pytest.importorskip("matplotlib")
        monkeypatch.chdir(tmp_path)
        assert main(["plot", str(runs / "pc"), str(runs / "ipc"), str(runs / "generative")]) == 0
        assert {path.name for path in tmp_path.iterdir()} == {"comparison.png"}

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("nowhere",), "nowhere"),
            (("pc", "--only", "losses"), "'losses'"),
            (("pc", "--format", "bmp"), "'bmp'"),
            (("pc", "--only", "generated"), "generated"),
            (("pc", "ipc", "--only", "curves"), "expected --only with one run"),
            (("pc", "pc"), "got one twice"),
            (("pc", "--shape", "3,4"), "shape"),
            (("pc", "--out", "/dev/null/x"), "expected --out to be a folder"),
        ],
        ids=str,
    )
    def test_wrong_use_is_one_sentence_and_code_2(self, runs, capsys, arguments, says):
        pytest.importorskip("matplotlib")
        known = [str(runs / word) if word in RUNS or word == "nowhere" else word for word in arguments]
        assert main(["plot", *known]) == 2
        assert says in complaint(capsys)

    def test_without_matplotlib_it_says_what_to_install(self, runs, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        assert main(["plot", str(runs / "pc")]) == 2
        assert "install fastpc[plots]" in complaint(capsys)


class TestPredict:
    @pytest.mark.parametrize("name", RECOGNISE)
    def test_it_says_what_evaluate_measures(self, capsys, runs, images, name):
        found = run_json(capsys, "predict", str(runs / name), str(images))
        _, test = load_digits()
        accuracy = run_json(capsys, "evaluate", str(runs / name))["test_accuracy"]
        assert np.mean(np.array(found["labels"]) == test.targets) == pytest.approx(accuracy)

    def test_files_hold_labels_and_probabilities(self, capsys, runs, images, tmp_path):
        _, test = load_digits()
        network = PCNetwork.load(runs / "pc" / "model.safetensors")
        for name in ("a.npy", "a.npz", "a.csv"):
            assert main(["predict", str(runs / "pc"), str(images), "--out", str(tmp_path / "new" / name)]) == 0
            assert "360 images" in capsys.readouterr().out
        labels, probabilities = network.predict(test), network.predict_proba(test)
        np.testing.assert_array_equal(np.load(tmp_path / "new" / "a.npy"), labels)
        archive = np.load(tmp_path / "new" / "a.npz")
        np.testing.assert_array_equal(archive["labels"], labels)
        np.testing.assert_allclose(archive["probabilities"], probabilities, atol=1e-6)
        header, *lines = (tmp_path / "new" / "a.csv").read_text().splitlines()
        assert header == "label," + ",".join(f"p{k}" for k in range(10))
        table = np.loadtxt(lines, delimiter=",")
        np.testing.assert_allclose(table, np.column_stack([labels, probabilities]), atol=1e-6)

    def test_without_a_file_each_class_has_a_line(self, capsys, runs, images):
        assert main(["predict", str(runs / "pc"), str(images), "--quiet"]) == 0
        labels = PCNetwork.load(runs / "pc" / "model.safetensors").predict(load_digits()[1])
        assert list(map(int, capsys.readouterr().out.split())) == labels.tolist()

    def test_the_scale_is_that_of_the_run_or_what_is_asked_for(self, capsys, runs, images, tmp_path):
        np.save(tmp_path / "scaled.npy", np.load(images) / 16)
        np.save(tmp_path / "large.npy", np.load(images).astype(float))
        expected = run_json(capsys, "predict", str(runs / "pc"), str(images))["labels"]
        assert run_json(capsys, "predict", str(runs / "pc"), str(tmp_path / "scaled.npy"))["labels"] == expected
        large = run_json(capsys, "predict", str(runs / "pc"), str(tmp_path / "large.npy"), "--scale", str(1 / 16))
        assert large["labels"] == expected

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("unsupervised",), "fastpc generate"),
            (("pc", "--out", "answers.txt"), "expected --out to end in .npy, .npz, .csv"),
            (("pc", "--out", "/dev/null/a.npy"), "expected --out to be a file that can be written"),
            (("pc", "--scale", "0"), "scale"),
        ],
        ids=str,
    )
    def test_wrong_use_is_one_sentence_and_code_2(self, runs, images, capsys, arguments, says):
        name, *options = arguments
        assert main(["predict", str(runs / name), str(images), *options]) == 2
        assert says in complaint(capsys)

    def test_images_that_do_not_fit_are_refused(self, runs, capsys, tmp_path):
        np.save(tmp_path / "wide.npy", np.zeros((2, 65)))
        for name in RECOGNISE:
            assert main(["predict", str(runs / name), str(tmp_path / "wide.npy")]) == 2
            assert "65" in complaint(capsys)


class TestGenerate:
    @pytest.mark.parametrize("name", ["bpc", "notebook", "hybrid", "generative"])
    def test_each_class_has_its_image(self, capsys, runs, tmp_path, name):
        found = run_json(capsys, "generate", str(runs / name), "--out", str(tmp_path / "all.npz"))
        assert (found["samples"], found["shape"]) == (10, [10, 8, 8])
        archive = np.load(tmp_path / "all.npz")
        assert main(["generate", str(runs / name), "--labels", "3,1,3", "--out", str(tmp_path / "some.npz")]) == 0
        some = np.load(tmp_path / "some.npz")
        np.testing.assert_array_equal(archive["labels"], np.arange(10))
        np.testing.assert_array_equal(some["labels"], [3, 1, 3])
        np.testing.assert_allclose(some["images"], archive["images"][[3, 1, 3]], rtol=1e-5, atol=1e-6)
        assert (tmp_path / "all.png").exists() is plots.available()

    def test_an_unsupervised_network_samples_from_its_prior(self, capsys, runs):
        folder = runs / "unsupervised"
        assert main(["generate", str(folder), "--samples", "7", "--seed", "5"]) == 0
        assert str(folder / "generated.npz") in capsys.readouterr().out
        archive = np.load(folder / "generated.npz")
        expected = PCNetwork.load(folder / "model.safetensors").sample(7, 5)
        np.testing.assert_array_equal(archive["images"].reshape(7, -1), expected)
        assert archive.files == ["images"]

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("pc",), "expected a network that generates"),
            (("bpc", "--labels", "10"), "classes from 0 to 9"),
            (("bpc", "--labels", "one"), "classes from 0 to 9"),
            (("bpc", "--samples", "3"), "--samples with a network that generates from latents"),
            (("unsupervised", "--labels", "3"), "--labels with a network that generates from labels"),
            (("unsupervised", "--samples", "0"), "n to be a whole number"),
            (("bpc", "--out", "digits.png"), "expected --out to end in .npz"),
            (("bpc", "--shape", "5,5"), "shape"),
        ],
        ids=str,
    )
    def test_wrong_use_is_one_sentence_and_code_2(self, runs, capsys, arguments, says):
        name, *options = arguments
        assert main(["generate", str(runs / name), *options]) == 2
        assert says in complaint(capsys)


def test_a_run_has_its_curves(runs):
    for name in RUNS:
        assert (runs / name / "curves.png").exists() is plots.available()


def test_without_matplotlib_a_run_is_kept_all_the_same(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main([*SMALL, "--out", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["out"] == str(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"model.safetensors", "metrics.jsonl", "config.toml"}
