"""House rules: imports go downward, Numba stays in the engine, files stay short."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "fastpc"
FILES = sorted(PACKAGE.rglob("*.py"))

# From the bottom to the top. A module imports from lower lines; modules of one line do not know
# of each other, but those of one package do.
LAYERS = [
    ("errors", "blas"),
    ("checks", "extras", "files", "hardware", "images", "lock", "ranks", "stop", "team"),
    (
        "tensor_file",
        "structure",
        "clamp",
        "relaxation",
        "presets",
        "schedules",
        "initializers",
        "parameters",
        "history",
    ),
    ("optimizers", "data", "reproductions", "training_checkpoint"),
    ("engine",),
    ("generation", "conversion", "saving"),
    ("rules", "network"),
    ("bidirectional",),
    ("divergence", "spectrum"),
    ("evaluation",),
    ("inference", "checkpoint", "keras"),
    ("session", "generative"),
    ("run", "notebook", "incremental", "hybrid", "bidirectional_session", "distributed"),
    ("trainer", "tensorboard", "build"),
    ("estimators", "plots", "tuning"),
    ("cli",),
    ("__main__",),
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

# Doors upward: a function (never a module as it loads) that hands on to the layer doing its work,
# so that the method stands where people look for it.
DOORS = {
    ("network", "rules"),
    ("network", "inference"),
    ("saving", "checkpoint"),
    ("conversion", "keras"),
    ("bidirectional", "bidirectional_session"),
    ("rules", "session"),
    ("rules", "bidirectional_session"),
    ("rules", "notebook"),
    ("rules", "incremental"),
    ("rules", "generative"),
    ("rules", "hybrid"),
    ("generation", "inference"),
}
MOST_LINES = 320


def room(path: Path) -> str:
    """The module or package directly below fastpc that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield the modules a file imports as it runs, and whether only inside of a function.

    What stands under ``if TYPE_CHECKING`` never runs.
    """

    def walk(node: ast.AST, deferred: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Import):
                yield from ((alias.name, deferred) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path.name}: imports are absolute here"
                assert child.module is not None
                if child.module == "fastpc":
                    yield from ((f"fastpc.{alias.name}", deferred) for alias in child.names)
                else:
                    yield child.module, deferred
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from walk(child, deferred or is_function)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False)


def rooms_imported(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield the other rooms of fastpc that a file imports from."""
    for module, deferred in imports(path):
        if module.startswith("fastpc.") and module != "fastpc.__version__":
            other = module.split(".")[1]
            if other != room(path):
                yield other, deferred


def test_every_room_has_its_place():
    rooms = {room(path) for path in FILES} - {"__init__"}
    assert rooms == set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downward(path):
    own = room(path)
    if own == "__init__":
        assert all(module == "importlib" or module == "typing" for module, _ in imports(path))
        return
    upward = {
        (own, other)
        for other, deferred in rooms_imported(path)
        if LEVEL[other] >= LEVEL[own] and not (deferred and (own, other) in DOORS)
    }
    assert not upward


def test_every_door_upward_is_used():
    used = {(room(path), other) for path in FILES for other, deferred in rooms_imported(path)}
    assert used >= DOORS


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_engine_knows_the_compiler(path):
    if room(path) == "engine":
        return
    compilers = {"numba", "llvmlite"}
    assert not compilers & {module.partition(".")[0] for module, _ in imports(path)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_can_be_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"fastmath\s*=\s*True", "it lets the compiler assume that NaN never occurs"),
        (r"allow_pickle\s*=\s*True", "a data file could run code"),
        (r"except( Exception)?:\s*pass", "it hides failures"),
    ],
)
def test_nothing_forbidden_is_done(pattern, reason):
    # In backquotes, prose may speak of it.
    offenders = [
        path.name for path in FILES if re.search(pattern, re.sub(r"`[^`\n]*`", "", path.read_text(encoding="utf-8")))
    ]
    assert not offenders, reason
