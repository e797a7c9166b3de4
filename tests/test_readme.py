"""The README's quick start: two commands, one line each, that stand for what the package offers."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


COMMANDS = blocks("sh", section("Quick start"))


def test_the_quick_start_is_two_commands_of_one_line():
    assert len(COMMANDS) == 2
    assert all(command.count("\n") == 1 and "\\\n" not in command for command in COMMANDS)


def test_one_trains_and_the_other_tests():
    train, test = COMMANDS
    assert train.rstrip().endswith("/fastpc train")
    assert "/pytest" in test.rpartition("&&")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_needs_only_python_and_pip(command):
    steps = [shlex.split(step) for step in command.split("&&")]
    made = steps[0][-1]
    assert steps[0] == ["python3", "-m", "venv", made]
    assert all(step[0].startswith(f"{made}/bin/") for step in steps[1:])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_asks_for_extras_that_exist(command):
    (extras,) = re.findall(r"\.\[([a-z,]+)\]", command)
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


@pytest.mark.parametrize("command", blocks("sh", section("The command line"))[0].splitlines())
def test_the_commands_shown_are_taken_by_the_command_line(command):
    typer = pytest.importorskip("typer")
    from fastpc.cli.app import app

    program, name, *arguments = shlex.split(command, comments=True)
    assert program == "fastpc"
    group = typer.main.get_command(app)
    group.commands[name].make_context(name, arguments)  # raises for an option it does not know


def test_the_library_example_is_python_with_public_names_only():
    (example,) = blocks("python", README)
    compile(example, "README.md", "exec")
    names = re.search(r"from fastpc import (.*)", example)
    assert names is not None

    import fastpc

    assert set(names[1].split(", ")) <= set(fastpc.__all__)


def test_figures_come_in_marked_blocks():
    opened = re.findall(r"<!-- figures: [a-z-]+ -->", README)
    assert opened
    assert len(opened) == README.count("<!-- /figures -->")
