"""The command line: what commands print, and what they keep."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fastpc
from commands import SMALL, complaint, run_json
from fastpc import network, optimizers, plots, schedules
from fastpc.cli import configuration, main, notice
from fastpc.presets import BY_RULE, DEFAULT
from fastpc.rules import BY_NAME

FIELDS = {
    "test_accuracy",
    "epochs",
    "train_seconds",
    "compile_seconds",
    "samples_seen",
    "samples_per_second",
    "rule",
    "layers",
    "parameters_sha256",
}


class TestTrain:
    def test_json_is_one_object_alone_on_standard_output(self, capsys):
        assert main([*SMALL, "--json"]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        result = json.loads(line)
        assert result.keys() >= FIELDS
        assert result["layers"] == [64, 16, 10]
        assert result["rule"] == "pc"
        assert result["epochs"] == 2
        assert result["samples_seen"] == 2 * 1437
        assert 0 < result["test_accuracy"] <= 1
        speed = result["samples_seen"] / result["train_seconds"]
        assert result["samples_per_second"] == pytest.approx(speed)

    @pytest.mark.parametrize("rule", BY_RULE)
    def test_every_rule_trains_and_tells_its_name(self, capsys, rule):
        # The notebook's own rates diverge on a stream, and its networks learn slowly.
        options = ["--step-size", "auto"] if rule == "notebook" else ["--lr", "0.02", "--epochs", "5"]
        result = run_json(capsys, *SMALL, "--rule", rule, *options)
        assert result["rule"] == rule
        assert rule == "notebook" or float(str(result["test_accuracy"])) > 0.5
        assert main([*SMALL, "--rule", rule, *options]) == 0
        assert re.search(rf"rule +│ {rule}\b", capsys.readouterr().out)

    def test_a_generative_network_has_labels_below_and_is_measured_by_relaxing(self, capsys):
        result = run_json(
            capsys, *SMALL, "--direction", "generative", "--hidden", "64", "--batch-size", "16", "--epochs", "10"
        )
        assert result["layers"] == [10, 64, 64]
        assert result["direction"] == "generative"
        assert float(str(result["test_accuracy"])) > 0.5
        assert result["train_accuracy"] is None

    @pytest.mark.parametrize("rule", ["pc", "hybrid"])
    @pytest.mark.parametrize("direction", ["generative", "unsupervised"])
    def test_evaluate_measures_as_train_did(self, capsys, tmp_path, rule, direction):
        options = ("--rule", rule, "--direction", direction, "--steps", "5", "--out", str(tmp_path))
        trained = run_json(capsys, *SMALL, *options)
        again = run_json(capsys, "evaluate", str(tmp_path))
        assert again["test_accuracy"] == trained["test_accuracy"]
        assert again["loss"] == trained["test_loss"]

    def test_an_unsupervised_network_is_measured_by_its_reconstructions(self, capsys, tmp_path):
        options = ("--direction", "unsupervised", "--steps", "5")
        result = run_json(capsys, *SMALL, *options)
        assert result["layers"] == [32, 16, 64]
        assert result["test_accuracy"] is None
        assert float(str(result["test_loss"])) > 0
        assert main([*SMALL, *options, "--quiet", "--out", str(tmp_path)]) == 0
        said = capsys.readouterr().out
        assert said.startswith("test reconstruction error ")
        assert main(["evaluate", str(tmp_path), "--quiet"]) == 0
        assert capsys.readouterr().out == said

    def test_people_get_a_table(self, capsys):
        assert main([*SMALL]) == 0
        out = capsys.readouterr().out
        assert all(word in out for word in ("test accuracy", "training time", "samples/s", "digits"))

    def test_the_quiet_get_one_line(self, capsys):
        assert main([*SMALL, "--quiet"]) == 0
        assert capsys.readouterr().out.startswith("test accuracy ")

    def test_nothing_is_drawn_into_a_pipe(self, capsys, monkeypatch):
        monkeypatch.setattr(notice, "PATIENCE", 3600.0)
        assert main([*SMALL]) == 0
        assert capsys.readouterr().err == ""

    @pytest.mark.parametrize("command", [["--help"], ["info"], [*SMALL], [*SMALL, "--rule", "magic"]], ids=" ".join)
    def test_no_colour_goes_into_a_pipe(self, command):
        environment = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "PY_COLORS")}
        done = subprocess.run(
            [sys.executable, "-m", "fastpc", *command], env=environment, capture_output=True, check=False
        )
        assert done.stdout + done.stderr
        assert b"\x1b" not in done.stdout + done.stderr

    def test_a_disk_that_is_full_is_a_failure_in_one_sentence(self, capsys, tmp_path, monkeypatch):
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.replace", full)
        assert main([*SMALL, "--out", str(tmp_path)]) == 1
        assert "No space left" in complaint(capsys)

    def test_layers_says_with_all_sizes_what_hidden_says_with_its_own(self, capsys):
        all_sizes = run_json(capsys, "train", "--data", "digits", "--layers", "64,16,10", "--epochs", "2")
        hidden = run_json(capsys, *SMALL)
        assert all_sizes["parameters_sha256"] == hidden["parameters_sha256"]

    def test_hidden_none_is_a_network_of_one_layer(self, capsys):
        result = run_json(capsys, "train", "--data", "digits", "--hidden", "none", "--epochs", "1")
        assert result["layers"] == [64, 10]

    def test_the_seed_decides_the_run(self, capsys):
        first, again, other = (run_json(capsys, *SMALL, "--seed", seed) for seed in ("1", "1", "2"))
        assert first["parameters_sha256"] == again["parameters_sha256"]
        assert first["parameters_sha256"] != other["parameters_sha256"]

    def test_validation_holds_out_a_part_of_the_training_set(self, capsys):
        result = run_json(capsys, *SMALL, "--validation", "0.25")
        assert result["samples_seen"] == 2 * (1437 - 359)
        assert 0 < result["validation_accuracy"] <= 1

    def test_options_reach_the_run(self, capsys):
        options = {
            "loss": "cross_entropy",
            "dtype": "float32",
            "steps": 5,
            "step_size": "auto",
            "momentum": 0.25,
            "nudge": "centred",
            "beta": 0.75,
            "beta_growth": 0.125,
            "optimizer": "adamw",
            "schedule": "warmup",
            "batch_size": 50,
        }
        words = [w for name, value in options.items() for w in (f"--{name.replace('_', '-')}", str(value))]
        result = run_json(capsys, *SMALL, *words, "--lr", "0.003", "--activation", "tanh")
        assert {name: result[name] for name in options} == options
        assert result["learning_rate"] == 0.003
        assert result["activations"] == ["tanh"]

    def test_residual_networks_run_with_scales_and_without(self, capsys):
        deep = ("train", "--data", "digits", "--hidden", "16,16,16", "--epochs", "1", "--residual")
        for scaling, initializer in ((None, "orthogonal"), ("mupc", "standard_normal")):
            result = run_json(capsys, *deep, *(() if scaling is None else ("--scaling", scaling)))
            assert (result["residual"], result["scaling"], result["initializer"]) == (True, scaling, initializer)
        assert main([*deep, "--scaling", "mupc"]) == 0
        assert "residual, mupc" in capsys.readouterr().out

    def test_incremental_learning_runs_by_its_name(self, capsys):
        plain = run_json(capsys, *SMALL)
        incremental = run_json(capsys, *SMALL, "--rule", "ipc", "--nudge", "positive")
        assert incremental["rule"] == "ipc"
        assert incremental["parameters_sha256"] != plain["parameters_sha256"]
        assert main([*SMALL, "--rule", "ipc", "--nudge", "positive"]) == 0
        assert "positive nudge" in capsys.readouterr().out

    def test_where_no_mnist_can_be_had_it_says_so_and_takes_the_digits(self, capsys, monkeypatch, tmp_path):
        monkeypatch.delenv("FASTPC_DATA", raising=False)
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        monkeypatch.setitem(sys.modules, "tensorflow", None)
        assert main(["train", "--hidden", "16", "--epochs", "1", "--json", "--quiet"]) == 0
        printed = capsys.readouterr()
        assert json.loads(printed.out)["data"] == "digits"
        assert "warning" in printed.err
        assert "install fastpc[tensorflow]" in printed.err
        assert main(["train", "--data", "mnist"]) == 2
        assert "install fastpc[tensorflow]" in complaint(capsys)


class TestOut:
    def test_a_run_leaves_model_metrics_and_settings(self, capsys, tmp_path):
        result = run_json(capsys, *SMALL, "--out", str(tmp_path / "new" / "run"))
        folder = tmp_path / "new" / "run"
        left = {"model.safetensors", "metrics.jsonl", "config.toml"} | ({"curves.png"} if plots.available() else set())
        assert {path.name for path in folder.iterdir()} == left
        metrics = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        assert [line["epoch"] for line in metrics] == [1, 2]
        assert metrics[-1]["accuracy"] == result["train_accuracy"]
        said = configuration.read(folder)
        assert said["layers"] == (64, 16, 10)
        assert said["hidden"] == (16,)
        assert said["data"] == "digits"
        assert said["fastpc"] == fastpc.__version__

    def test_the_same_run_leaves_the_same_bytes_in_any_folder(self, capsys, tmp_path):
        for name in ("one", "two", "one"):
            run_json(capsys, *SMALL, "--out", str(tmp_path / name))
        one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
        assert one == two

    @pytest.mark.slow  # the serial kernels are compiled too
    def test_the_same_run_leaves_the_same_bytes_on_any_number_of_threads(self, capsys, tmp_path):
        for threads in ("1", "2", "4"):
            run_json(capsys, *SMALL, "--out", str(tmp_path / threads), "--threads", threads)
        models = {(tmp_path / threads / "model.safetensors").read_bytes() for threads in "124"}
        assert len(models) == 1

    @pytest.mark.parametrize("suffix", [(), ("model.safetensors",)])
    def test_evaluate_reads_it_back(self, capsys, tmp_path, suffix):
        trained = run_json(capsys, *SMALL, "--out", str(tmp_path))
        found = run_json(capsys, "evaluate", str(tmp_path.joinpath(*suffix)), "--data", "digits")
        assert found["test_accuracy"] == trained["test_accuracy"]
        assert found["layers"] == trained["layers"]
        assert sum(map(sum, found["confusion"])) == found["samples"] == 360

    def test_a_folder_that_cannot_be_written_to_is_found_before_the_data_is_read(self, capsys, monkeypatch, tmp_path):
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setattr("fastpc.data.find", lambda *_, **__: pytest.fail("data was read"))
        assert main([*SMALL, "--out", str(tmp_path / "file")]) == 2
        assert "expected --out to be a folder" in complaint(capsys)

    def test_divergence_is_a_failure_that_leaves_an_earlier_run_as_it_was(self, capsys, tmp_path):
        run_json(capsys, *SMALL, "--out", str(tmp_path))
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        wild = ("--optimizer", "sgd", "--lr", "1e9", "--out", str(tmp_path))
        assert main([*SMALL, *wild]) == 1
        assert "training diverged in epoch 1, batch" in complaint(capsys)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

    def test_divergence_leaves_no_model_where_there_was_none(self, capsys, tmp_path):
        assert main([*SMALL, "--optimizer", "sgd", "--lr", "1e9", "--out", str(tmp_path)]) == 1
        assert "training diverged in epoch 1, batch" in complaint(capsys)
        assert {path.name for path in tmp_path.iterdir()} == {"config.toml", "metrics.jsonl"}

    def test_wrong_use_leaves_an_earlier_run_alone(self, capsys, tmp_path):
        run_json(capsys, *SMALL, "--out", str(tmp_path))
        before = (tmp_path / "model.safetensors").read_bytes()
        assert main([*SMALL, "--steps", "-1", "--out", str(tmp_path)]) == 2
        assert main([*SMALL, "--epochs", "0", "--out", str(tmp_path)]) == 2
        assert main([*SMALL, "--batch-size", "0", "--out", str(tmp_path)]) == 2
        assert (tmp_path / "model.safetensors").read_bytes() == before

    def test_an_interrupt_leaves_the_model_as_it_stands(self, capsys, monkeypatch, tmp_path):
        from fastpc.trainer import Trainer

        def interrupted(self: Trainer, *_: object, **__: object) -> None:
            self.network.biases[0] = [0.5] * 16
            self.history.interrupted = True
            raise KeyboardInterrupt

        monkeypatch.setattr(Trainer, "fit", interrupted)
        assert main([*SMALL, "--out", str(tmp_path)]) == 130
        assert str(tmp_path / "model.safetensors") in capsys.readouterr().err
        assert (fastpc.PCNetwork.load(tmp_path / "model.safetensors").biases[0] == 0.5).all()

    @pytest.mark.slow  # a run of its own, long enough to be interrupted
    def test_ctrl_c_in_a_real_run(self, tmp_path):
        command = [sys.executable, "-m", "fastpc", *SMALL[:-1], "1000000", "--out", str(tmp_path)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            metrics = tmp_path / "metrics.jsonl"
            while process.poll() is None and not (metrics.exists() and metrics.read_bytes().count(b"\n") >= 20):
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=300)
        assert process.returncode == 130
        assert "Traceback" not in err
        network = fastpc.PCNetwork.load(tmp_path / "model.safetensors")
        assert fastpc.Trainer(network).evaluate(fastpc.load_digits()[1]).accuracy > 0.5


def test_warmup_says_how_long_it_took(capsys):
    assert run_json(capsys, "warmup")["compile_seconds"] > 0
    assert main(["warmup", "--dtype", "float16"]) == 2
    assert "'float16'" in complaint(capsys)


def test_info_says_what_fastpc_runs_on(capsys):
    record = run_json(capsys, "info")
    assert record["fastpc"] == fastpc.__version__
    assert record["threads"] >= 1
    assert record["sgemm_gflops"] > 0
    assert record["threading_layer"] in ("omp", "tbb", "workqueue", "none")
    assert record["vector_bits"] in (128, 256, 512)
    assert all(library["library"] for library in record["blas"])
    assert record["packages"]["numpy"]
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("numba", "CPU features", "BLAS", "sgemm", "compiled kernels"))


def test_info_tells_what_is_forced_upon_blas(capsys, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert run_json(capsys, "info")["forced_blas"]["OPENBLAS_CORETYPE"] == "Haswell"


def test_every_rule_has_a_preset_and_a_class():
    assert list(BY_RULE) == [preset.rule for preset in BY_RULE.values()]
    assert set(BY_RULE) == set(BY_NAME)


def test_the_notebook_prints_what_it_printed_and_the_honest_figure(capsys, mnist_npz: Path):
    assert main(["notebook", "--data", str(mnist_npz)]) == 0
    out = capsys.readouterr().out
    assert "Batch Accuracy: 100.00%" in out
    assert "0.09432863, 0.15351399, 0.09415026" in out
    assert "Honest accuracy" in out
    assert main(["notebook", "--data", str(mnist_npz), "--quiet"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_python_can_run_the_package():
    done = subprocess.run([sys.executable, "-m", "fastpc", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("fastpc ")


def test_the_default_settings_are_ones_that_exist():
    assert set(DEFAULT.activation) <= set(network.ACTIVATIONS)
    assert DEFAULT.loss in network.LOSSES
    assert DEFAULT.optimizer in optimizers.NAMES
    assert DEFAULT.schedule in schedules.NAMES
