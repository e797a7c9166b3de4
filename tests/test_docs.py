"""The documentation: every public name is there, and what it shows is taken."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

import fastpc

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
REFERENCE = "".join(path.read_text(encoding="utf-8") for path in sorted((DOCS / "api").glob("*.rst")))
MODULES = ("fastpc", "fastpc.rules", "fastpc.data", "fastpc.plots", "fastpc.estimators")


def blocks(language: str) -> list[tuple[str, str]]:
    """Return the blocks of code of all pages, each with its page's name."""
    pattern = rf"^```{language}\n(.*?)^```$"
    return [
        (path.name, block)
        for path in PAGES
        for block in re.findall(pattern, path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    ]


LINES = [re.sub(r"^mpiexec -n \d+ ", "", line) for _, block in blocks("sh") for line in block.splitlines()]
COMMANDS = sorted({line for line in LINES if line.startswith("fastpc ")})


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_has_every_public_name(module):
    directives = re.findall(r"^\.\. \w+:: (fastpc\.[\w.]+)$", REFERENCE, re.MULTILINE)
    documented = {name.rpartition(".")[2] for name in directives}
    documented |= {"__version__"}
    assert set(import_module(module).__all__) <= documented


def test_the_reference_has_every_module_of_the_engine():
    modules = {path.stem for path in Path(fastpc.__file__).parent.joinpath("engine").glob("[a-z]*.py")}
    assert modules <= set(re.findall(r"^\.\. automodule:: fastpc\.engine\.(\w+)$", REFERENCE, re.MULTILINE))


def test_the_citation_is_of_this_version():
    citation = (DOCS.parent / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [fastpc.__version__]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_shown_are_taken_by_the_command_line(command):
    typer = pytest.importorskip("typer")
    from fastpc.cli.app import app

    _, name, *arguments = shlex.split(command, comments=True)
    typer.main.get_command(app).commands[name].make_context(name, arguments)


@pytest.mark.parametrize(("page", "code"), blocks("python"))
def test_the_programs_shown_are_python_with_public_names_only(page, code):
    compile(code, page, "exec")
    names = {name for line in re.findall(r"^from fastpc import (.*)$", code, re.MULTILINE) for name in line.split(", ")}
    assert names <= set(fastpc.__all__)
