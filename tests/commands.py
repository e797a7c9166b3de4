"""Running commands in this process, and reading what they print."""

import json

import pytest

from fastpc.cli import main

SMALL = ("train", "--data", "digits", "--hidden", "16", "--epochs", "2")
"""A run of a fraction of a second."""


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    """Run a command with --json, and return the object on the last line of its output."""
    assert main([*arguments, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was said on standard error: one line, in the house's form."""
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("fastpc: ")
    assert line.endswith(".")
    return line
