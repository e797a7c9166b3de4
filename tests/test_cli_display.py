"""What people see: help, the live line, and a word about compilation."""

import io
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

import fastpc
from commands import SMALL
from fastpc import network, optimizers, schedules
from fastpc.cli import main, notice
from fastpc.cli.progress import ProgressLine


class TestHelp:
    def help(self, capsys: pytest.CaptureFixture[str], *command: str) -> str:
        assert main([*command, "--help"]) == 0
        # Without the frames, and with the lines joined that were broken to fit in them.
        return " ".join(capsys.readouterr().out.replace("│", " ").split())

    def test_every_command_is_listed(self, capsys):
        text = self.help(capsys)
        assert all(name in text for name in ("train", "evaluate", "notebook", "info", "warmup"))

    @pytest.mark.parametrize("command", ["train", "evaluate", "notebook", "info", "warmup"])
    def test_every_command_has_examples(self, capsys, command):
        assert f"Examples fastpc {command}" in self.help(capsys, command)

    @pytest.mark.parametrize(
        "names",
        [network.ACTIVATIONS, network.LOSSES, network.DTYPES, optimizers.NAMES, schedules.NAMES],
    )
    def test_every_choice_is_named(self, capsys, names):
        text = self.help(capsys, "train")
        assert all(name in text for name in names)

    def test_every_option_of_the_main_job_is_there(self, capsys):
        text = self.help(capsys, "train")
        options = (
            "data layers hidden activation loss rule steps step-size momentum nudge beta beta-growth epochs "
            "batch-size lr optimizer schedule validation seed threads out json quiet"
        )
        assert all(f"--{option} " in text for option in options.split())

    def test_nothing_at_all_shows_the_help_as_wrong_use(self, capsys):
        assert main([]) == 2
        printed = capsys.readouterr()
        assert "Usage: fastpc" in printed.out + printed.err

    def test_version(self, capsys):
        assert main(["--version"]) == 0
        assert capsys.readouterr().out == f"fastpc {fastpc.__version__}\n"


class TestProgressLine:
    PROGRESS = SimpleNamespace(
        epoch=2,
        epochs=4,
        batch=50,
        batches=100,
        samples_per_second=123456.7,
        energy=0.12345,
        accuracy=0.9876,
        seconds_left=75.2,
    )

    def drawn(self, **changes: object) -> str:
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=True, width=140, color_system=None)
        with ProgressLine(console) as line:
            line.on_fit_begin(None)
            line.on_chunk(None, SimpleNamespace(**{**vars(self.PROGRESS), **changes}))
        return stream.getvalue()

    def test_it_shows_epoch_speed_energy_accuracy_and_time_left(self):
        text = self.drawn()
        for part in (
            "epoch 2/4",
            "38%",
            "123,457 samples/s",
            "energy 0.1235",
            "98.76%",
            "1:15 left",
        ):
            assert part in text

    def test_without_labels_there_is_no_accuracy(self):
        assert "accuracy -" in self.drawn(accuracy=None)

    def test_it_draws_ten_times_a_second_at_most(self):
        stream = io.StringIO()
        with ProgressLine(Console(file=stream, force_terminal=True, width=140)) as line:
            line.on_fit_begin(None)
            for epoch in range(1, 100):
                line.on_chunk(None, SimpleNamespace(**{**vars(self.PROGRESS), "epoch": epoch}))
        assert "epoch 1/4" in stream.getvalue()
        assert "epoch 99/4" not in stream.getvalue()


class TestCompileNotice:
    def test_it_speaks_when_the_wait_is_long(self, capsys, monkeypatch):
        monkeypatch.setattr(notice, "PATIENCE", 0.0)
        with notice.CompileNotice() as waiting:
            waiting._timer.join(timeout=10)
        assert "Compiling kernels" in capsys.readouterr().err

    def test_it_is_silent_when_the_wait_is_short(self, capsys, monkeypatch):
        monkeypatch.setattr(notice, "PATIENCE", 3600.0)
        with notice.CompileNotice():
            pass
        assert capsys.readouterr().err == ""

    @pytest.mark.slow  # compiles
    def test_after_a_warmup_nobody_waits(self, tmp_path):
        environment = {**os.environ, "FASTPC_CACHE_DIR": str(tmp_path)}
        for command, compiles in ((("warmup",), True), ((*SMALL, "--json"), False)):
            done = subprocess.run(
                [sys.executable, "-m", "fastpc", *command],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
                timeout=600,
            )
            assert ("Compiling kernels" in done.stderr) is compiles
