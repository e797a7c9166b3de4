"""Compiled kernels on disk: never stale, never in the way, whatever happens to the folder."""

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastpc
from fastpc.engine import cache
from fastpc.engine.cache import engine_digest
from fastpc.engine.jit import driver
from limits import largest_file

PACKAGE = Path(fastpc.__file__).parent


# -- freshness -----------------------------------------------------------------------------------


def test_the_digest_changes_with_every_engine_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = tmp_path / "engine"
    shutil.copytree(PACKAGE / "engine", engine, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache, "__file__", str(engine / "cache.py"))
    before = engine_digest()
    assert len(before) == 16
    int(before, 16)
    seen = {before}
    for source in sorted(engine.glob("*.py")):
        content = source.read_bytes()
        source.write_bytes(content + b"\n")
        seen.add(engine_digest())
        source.write_bytes(content)
    assert len(seen) == 1 + len(list(engine.glob("*.py")))
    (engine / "products.py").rename(engine / "product.py")
    seen.add(engine_digest())
    assert len(seen) == 2 + len(list(engine.glob("*.py")))
    (engine / "product.py").rename(engine / "products.py")
    assert engine_digest() == before


@pytest.mark.parametrize("name", ["numba", "llvmlite", "np"])
def test_the_digest_changes_with_the_compiler_s_versions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = engine_digest()
    monkeypatch.setattr(getattr(cache, name), "__version__", "0.0")
    assert engine_digest() != before


def test_the_engine_has_no_source_in_subfolders() -> None:
    """The digest looks at one folder."""
    assert not [path for path in (PACKAGE / "engine").rglob("*.py") if path.parent.name != "engine"]


# A driver in a file that never changes. It calls `activate`, which calls `sigmoid`, of two other files.
PROBE = """
from fastpc.engine.activations import activate
from fastpc.engine.jit import driver


@driver
def probe(thread, code, tile):
    activate(code, tile, 0, 1, 2, 1)
"""
SCRIPT = """
import numpy as np
from fastpc.engine.activations import SIGMOID
from fastpc.engine.cache import cache_folder
from fastpc.engine.probe import probe
tile = np.zeros(3)
probe(1, SIGMOID, tile)
print(tile[1], sum(probe._share.stats.cache_hits.values()), cache_folder())
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with a copy of the package, and the probe in its engine."""
    left_out = shutil.ignore_patterns("__pycache__", "data", "cli")
    shutil.copytree(PACKAGE, tmp_path / "fastpc", ignore=left_out)
    (tmp_path / "fastpc" / "engine" / "probe.py").write_text(PROBE)
    return tmp_path


def start(copy: Path, prelude: str = "", **changed: str) -> "subprocess.Popen[str]":
    """Run the probe in a process of its own."""
    environment = {
        **os.environ,
        "FASTPC_CACHE_DIR": str(copy / "cache"),
        "PYTHONPATH": str(copy),
        # An edit within a second that keeps a file's length would pass by Python's own cache.
        "PYTHONDONTWRITEBYTECODE": "1",
        **changed,
    }
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", prelude + SCRIPT],
        env=environment,
        cwd=copy,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process: "subprocess.Popen[str]") -> tuple[float, int, str]:
    """Return the probe's sigmoid of 0, how often the disk had it, and the folder of kernels."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert not err
    number, hits, folder = out.split()
    return float(number), int(hits), folder


def test_an_edited_kernel_never_runs_stale(copy: Path) -> None:
    number, hits, folder = answer(start(copy))
    assert (number, hits) == (0.5, 0)
    assert answer(start(copy)) == (0.5, 1, folder)
    path = copy / "fastpc" / "engine" / "elementary.py"
    source = path.read_text(encoding="utf-8")
    line = "return _one(x) / (_one(x) + exp(-x))"
    assert source.count(line) == 1
    path.write_text(source.replace(line, line.replace("_one", "_two", 1)), encoding="utf-8")
    number, hits, other = answer(start(copy))
    assert (number, hits) == (1.0, 0)
    assert other != folder
    path.write_text(source, encoding="utf-8")
    assert answer(start(copy)) == (0.5, 1, folder), "what was compiled before is still there"


def test_two_processes_may_compile_at_once(copy: Path) -> None:
    both = [start(copy) for _ in range(2)]
    assert {answer(process)[0] for process in both} == {0.5}
    assert answer(start(copy))[:2] == (0.5, 1)


def test_an_upgraded_package_has_a_folder_of_its_own(copy: Path) -> None:
    number, hits, folder = answer(start(copy))
    assert (number, hits) == (0.5, 0)
    upgraded = "import numba; numba.__version__ += '.1'\n"
    number, hits, other = answer(start(copy, upgraded))
    assert (number, hits) == (0.5, 0)
    assert other != folder
    assert answer(start(copy, upgraded)) == (0.5, 1, other)


def test_kernels_with_bounds_checks_are_not_those_without(copy: Path) -> None:
    answer(start(copy))
    assert answer(start(copy, NUMBA_BOUNDSCHECK="1"))[:2] == (0.5, 0)


def test_a_full_disk_only_costs_a_compilation(copy: Path) -> None:
    """Files of no more than 1 KB hold an index at most."""
    for _ in range(2):
        with largest_file(1000):
            number, hits, folder = answer(start(copy))
        assert (number, hits) == (0.5, 0)
    assert not [path for path in Path(folder).iterdir() if ".tmp." in path.name]
    assert answer(start(copy))[:2] == (0.5, 0)
    assert answer(start(copy))[:2] == (0.5, 1)


def test_a_home_that_nobody_has_only_costs_a_compilation(copy: Path) -> None:
    """Without the variable, and of a user that no list knows, the home's name stays a tilde."""
    homeless = "import os; os.path.expanduser = lambda path: path\n"
    for _ in range(2):
        number, hits, folder = answer(start(copy, homeless, FASTPC_CACHE_DIR="", XDG_CACHE_HOME=""))
        assert (number, hits, folder) == (0.5, 0, "None")
    assert not (copy / "~").exists()


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_garbage_in_place_of_files_only_costs_a_compilation(kind: str, copy: Path) -> None:
    *_, folder = answer(start(copy))
    for path in Path(folder).glob(f"*.{kind}"):
        path.write_bytes(b"\x80garbage" * 100)
    assert answer(start(copy)) == (0.5, 0, folder)
    assert answer(start(copy)) == (0.5, 1, folder)


# -- damage --------------------------------------------------------------------------------------


def _double(thread, numbers):
    numbers[thread] *= 2


def double(between: Callable[[], Any] = lambda: None) -> int:
    """Compile or load a small driver as a new process would; return how often the disk had it."""
    doubling = driver(_double)
    between()
    numbers = np.ones(3)
    doubling(1, numbers)
    assert numbers.tolist() == [2, 1, 1]
    return sum(doubling._share.stats.cache_hits.values())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of kernels for this test."""
    monkeypatch.setattr(cache, "_folder_known", True)
    monkeypatch.setattr(cache, "_folder", tmp_path)
    return tmp_path


def garble(path: Path) -> None:
    path.write_bytes(b"\x80garbage")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_the_disk_saves_a_second_compilation(folder: Path) -> None:
    assert [double(), double()] == [0, 1]
    assert sorted(path.suffix for path in folder.iterdir()) == [".nbc", ".nbi"]


def flip(path: Path) -> None:
    """Change one bit in the middle: of machine code, it would run."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [garble, empty, halve, flip, Path.unlink])
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_damaged_file_only_costs_a_compilation(kind: str, damage: Callable[[Path], Any], folder: Path) -> None:
    double()
    (file,) = folder.glob(f"*.{kind}")
    damage(file)
    assert double() == 0
    assert double() == 1, "the compilation mends the cache"


def test_every_bit_of_a_file_is_checked(folder: Path) -> None:
    double()
    for path in folder.iterdir():
        content = path.read_bytes()
        for place in np.random.default_rng(0).integers(0, len(content), 20):
            changed = bytearray(content)
            changed[place] ^= 1 << (int(place) % 8)
            path.write_bytes(changed)
            files = driver(_double)._share._cache._cache_file
            with pytest.raises(ValueError, match="as it was written, got other bytes"):
                files._read(str(path))
        path.write_bytes(content)
    assert double() == 1


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_folder_in_a_file_s_place_only_costs_compilations(kind: str, folder: Path) -> None:
    double()
    (file,) = folder.glob(f"*.{kind}")
    make_folder(file)
    assert double() == 0
    double()


def test_code_under_another_s_name_is_not_run(folder: Path) -> None:
    driver(_double)(1, np.ones(3))
    driver(_double)(1, np.ones(3, np.float32))
    one, other = folder.glob("*.nbc")
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    for dtype in (np.float32, np.float64):
        numbers = np.ones(3, dtype)
        doubling = driver(_double)
        doubling(1, numbers)
        assert numbers.tolist() == [2, 1, 1]
        assert not doubling._share.stats.cache_hits


def test_two_that_save_at_once_for_other_types_never_get_each_other_s_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both read the index before either writes it, and one loses its entry: that is all."""
    read = cache._CheckedFiles._load_index
    monkeypatch.setattr(cache._CheckedFiles, "_load_index", lambda self: {})
    for dtype in (np.float32, np.float64):
        driver(_double)(1, np.ones(3, dtype))
    monkeypatch.setattr(cache._CheckedFiles, "_load_index", read)
    hits = []
    for dtype in (np.float32, np.float64):
        numbers = np.ones(3, dtype)
        doubling = driver(_double)
        doubling(1, numbers)
        assert numbers.tolist() == [2, 1, 1]
        hits.append(sum(doubling._share.stats.cache_hits.values()))
    assert hits == [0, 1]


def test_without_a_folder_kernels_live_in_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_folder", None)
    assert [double(), double()] == [0, 0]
    assert not list(folder.iterdir())


def test_a_folder_that_goes_away_only_costs_a_compilation(folder: Path) -> None:
    def vanish() -> None:
        shutil.rmtree(folder)
        folder.write_text("a file stands in its place")

    assert double(vanish) == 0
    assert double() == 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_only_costs_a_compilation(
    number: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(cache._CheckedFiles, "_write", refuse)
    assert [double(), double()] == [0, 0]
    assert not list(folder.glob("*.nbc"))


# -- the folder ----------------------------------------------------------------------------------


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `cache_folder` look again, and forget afterwards what it found."""
    monkeypatch.setattr(cache, "_folder_known", False)
    monkeypatch.setattr(cache, "_folder", None)


@pytest.mark.usefixtures("fresh")
def test_kernels_lie_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"kernels-{engine_digest()}"
    monkeypatch.delenv("FASTPC_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache._find_folder() == tmp_path / "home" / ".cache" / "fastpc" / name
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache._find_folder() == tmp_path / "xdg" / "fastpc" / name
    monkeypatch.setenv("FASTPC_CACHE_DIR", str(tmp_path / "chosen"))
    folder = cache.cache_folder()
    assert folder == tmp_path / "chosen" / name
    assert folder.stat().st_mode & 0o777 == 0o700, "compiled code is nobody else's business"
    monkeypatch.setenv("FASTPC_CACHE_DIR", str(tmp_path / "later"))
    assert cache.cache_folder() == folder, "one process keeps to one folder"


@pytest.mark.usefixtures("fresh")
def test_where_nothing_can_be_written_there_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    for place in (blocked, blocked / "below"):
        monkeypatch.setenv("FASTPC_CACHE_DIR", str(place))
        assert cache._find_folder() is None
    read_only = tmp_path / "read-only"
    read_only.mkdir(mode=0o500)
    monkeypatch.setenv("FASTPC_CACHE_DIR", str(read_only))
    if os.geteuid() != 0:  # root may write to any folder
        assert cache._find_folder() is None
    monkeypatch.setattr(os, "access", lambda *arguments: False)
    assert cache.cache_folder() is None


# -- folders of other engines --------------------------------------------------------------------


def aged(folder: Path, days: float) -> Path:
    """Make a folder of kernels that was last begun with so many days ago."""
    folder.mkdir(parents=True)
    (folder / "train.train_chunk.nbc").write_bytes(bytes(1000))
    when = time.time() - days * 86400
    os.utime(folder, (when, when))
    return folder


@pytest.mark.usefixtures("fresh")
def test_a_new_engine_removes_what_was_long_unused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTPC_CACHE_DIR", str(tmp_path))
    old, cut_short = aged(tmp_path / "kernels-old", 31), aged(tmp_path / "kernels-cut.removed", 40)
    recent, foreign = aged(tmp_path / "kernels-recent", 29), aged(tmp_path / "results", 400)
    (tmp_path / "kernels-link").symlink_to(foreign)
    (tmp_path / "kernels-file").write_text("no folder")
    own = cache.cache_folder()
    assert own is not None
    assert not old.exists()
    assert not cut_short.exists()
    assert sorted(tmp_path.iterdir()) == sorted(
        [own, recent, foreign, tmp_path / "kernels-link", tmp_path / "kernels-file"]
    )
    assert (foreign / "train.train_chunk.nbc").exists()


@pytest.mark.usefixtures("fresh")
def test_to_begin_with_a_folder_is_to_use_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTPC_CACHE_DIR", str(tmp_path))
    own = aged(tmp_path / f"kernels-{engine_digest()}", 400)
    unlooked_at = aged(tmp_path / "kernels-old", 400)
    assert cache._find_folder() == own
    assert own.stat().st_mtime > time.time() - 60
    assert unlooked_at.exists(), "only what is new looks for what is old"
    cache.remove_unused(own)
    assert not unlooked_at.exists()
    assert own.exists()


def test_many_may_remove_at_once(tmp_path: Path) -> None:
    for i in range(50):
        aged(tmp_path / f"kernels-{i}", 31)
    own = tmp_path / "kernels-own"
    own.mkdir()
    workers = [threading.Thread(target=cache.remove_unused, args=(own,)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [path for path in tmp_path.iterdir() if not path.name.endswith(".removed")] == [own]
    os.utime(own, (0, 0))
    cache.remove_unused(own)
    assert list(tmp_path.iterdir()) == [own]


def test_a_process_whose_folder_was_removed_compiles_again(folder: Path) -> None:
    double()
    assert double(lambda: shutil.rmtree(folder)) == 0
    assert double() == 1, "and has a folder again"


def test_the_size_is_that_of_all_engines(tmp_path: Path) -> None:
    own = aged(tmp_path / "kernels-own", 0)
    aged(tmp_path / "kernels-other", 3)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "large").write_bytes(bytes(10_000))
    assert cache.cache_size(own) == 2000
