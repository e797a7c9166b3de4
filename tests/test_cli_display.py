"""What people see: help, the live line, and a word about compilation."""

import io
import os
import re
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pytest
import typer
from rich.console import Console

import fastpc
from commands import SMALL
from fastpc import network, optimizers, schedules
from fastpc.cli import main, notice
from fastpc.cli.app import app
from fastpc.cli.progress import ProgressLine

COMMANDS = (
    "train",
    "tune",
    "evaluate",
    "predict",
    "generate",
    "plot",
    "notebook",
    "reproduce",
    "bench",
    "warmup",
    "info",
)


class TestHelp:
    def help(self, capsys: pytest.CaptureFixture[str], *command: str) -> str:
        assert main([*command, "--help"]) == 0
        # Without the frames, and with the lines joined that were broken to fit in them.
        return " ".join(capsys.readouterr().out.replace("│", " ").split())

    def test_every_command_is_listed(self, capsys):
        text = self.help(capsys)
        assert all(name in text for name in COMMANDS)

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_has_examples(self, capsys, command):
        text = self.help(capsys, command)
        assert "Examples fastpc " in text
        assert text.count(f"fastpc {command}") > 1

    @pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
    def test_help_names_no_types_of_python(self, capsys, command):
        assert not re.search(r"<\w|\[\[|\(\(|: \(", self.help(capsys, *command))

    @pytest.mark.parametrize("command", [None, *COMMANDS])
    def test_examples_fit_on_a_terminal_of_80_columns(self, command):
        group = typer.main.get_command(app)
        epilog = (group if command is None else group.commands[command]).epilog
        assert max(len(re.sub(r"\[/?bold\]", "", line)) for line in epilog.splitlines()) <= 78

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_example_is_taken_by_the_command_line(self, command):
        group = typer.main.get_command(app)
        for line in re.findall(r"^fastpc .*$", group.commands[command].epilog, flags=re.MULTILINE):
            # What stands behind two spaces says what it does.
            name, *arguments = shlex.split(line.partition("  ")[0])[1:]
            group.commands[name].make_context(name, arguments)  # raises for an option it does not know

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_shells_can_complete_commands(self, shell):
        words = {"COMP_WORDS": "fastpc ev", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "fastpc ev"}
        environment = {**os.environ, **words, "_FASTPC_COMPLETE": f"complete_{shell}"}
        if shell == "fish":
            environment["_TYPER_COMPLETE_FISH_ACTION"] = "get-args"
        command = [sys.executable, "-m", "fastpc"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert "evaluate" in done.stdout

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
            "data layers hidden activation loss preset config rule steps step-size momentum nudge beta beta-growth "
            "epochs batch-size lr optimizer schedule validation seed threads out json quiet"
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
            "123k samples/s",
            "energy 0.1235",
            "98.76%",
            "1:15 left",
        ):
            assert part in text

    def test_there_is_room_for_the_bar_on_80_columns(self):
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=True, width=80, color_system=None)
        with ProgressLine(console) as line:
            line.on_fit_begin(None)
            line.on_chunk(None, SimpleNamespace(**{**vars(self.PROGRESS), "epoch": 20, "epochs": 25}))
        assert "1:15 left" in stream.getvalue()
        assert max(stream.getvalue().count(piece * 8) for piece in "━-") > 0

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
