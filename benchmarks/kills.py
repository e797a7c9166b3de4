"""Runs that are killed and resumed, in processes of their own, and what they leave.

``python -m benchmarks.kills PLACE COUNT ARGUMENTS`` is ``fastpc ARGUMENTS``, killed by SIGKILL at one of `PLACES`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError

ROOT = Path(__file__).resolve().parents[1]
FILE = "checkpoint.safetensors"
SETTINGS = ("--data", "digits", "--batch-size", "16", "--checkpoint-every", "13", "--validation", "0.1")
# Rules whose states differ: running vectors and a rate that rises and falls; a beta that grows, with turns; two sets
# of weights; two networks.
RUNS = {
    "pc": ("--hidden", "32", "--step-size", "auto", "--optimizer", "adamw", "--warmup", "0.2"),
    "ipc": ("--hidden", "24", "--rule", "ipc", "--nudge", "centred", "--beta-growth", "0.02"),
    "bpc": ("--hidden", "24", "--rule", "bpc"),
    "hybrid": ("--hidden", "24", "--rule", "hybrid", "--direction", "generative"),
}


def run(*arguments: str, place: tuple[str, int] | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run ``fastpc ARGUMENTS`` to its end, or to a place where it is killed."""
    command = _command(*arguments, place=place)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False, **more)


def _command(*arguments: str, place: tuple[str, int] | None = None) -> list[str]:
    module = ["fastpc"] if place is None else ["benchmarks.kills", place[0], str(place[1])]
    return [sys.executable, "-m", *module, *arguments]


def left(folder: Path) -> dict[str, Any]:
    """Return what a finished run left, but for what clocks said: files, every tensor, every metric."""
    from fastpc.tensor_file import read_tensors
    from fastpc.training_checkpoint import COLUMNS, FORMAT

    description, tensors = read_tensors(folder / FILE, FORMAT)
    history = tensors.pop("history").copy()
    history[:, COLUMNS.index("train_seconds")] = 0
    metrics = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    timed = ("train_seconds", "samples_per_second")
    return {
        "model": (folder / "model.safetensors").read_bytes(),
        "configuration": (folder / "config.toml").read_bytes(),
        "position": description["position"] | {"seconds": 0},
        "history": history.tobytes(),
        "metrics": [{key: value for key, value in line.items() if key not in timed} for line in metrics],
        **{name: tensor.tobytes() for name, tensor in tensors.items()},
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the names of what two runs left differently."""
    return [name for name in {**one, **other} if one.get(name) != other.get(name)]


@dataclass
class Tally:
    """What many kills did.

    Attributes
    ----------
    kills : int
    in_saves : int
        How many of these came while a checkpoint was being written: half a file lay beside.
    runs : int
        Runs that came to their end, each after some kills.
    different : list of str
        What in these was not as in the run that nobody killed.
    """

    kills: int = 0
    in_saves: int = 0
    runs: int = 0
    different: list[str] = field(default_factory=list)


def kill_at_random(name: str, kills: int, folder: Path, epochs: int, seed: int = 0) -> Tally:
    """Kill a run again and again at random moments, each life on another number of threads, until it has ended.

    Then begin anew, until there were as many kills; the last run is let live.

    Parameters
    ----------
    name : str
        One of `RUNS`.
    kills : int
    folder : pathlib.Path
        An empty one.
    epochs : int
    seed : int
        Of the moments and the numbers of threads.

    Raises
    ------
    BenchmarkError
        If a run ends in any other way.
    """
    begin = ("train", *SETTINGS, *RUNS[name], "--epochs", str(epochs), "--quiet")
    expected_folder, folder = folder / "expected", folder / "killed"
    for threads in ("1", "2", "2"):  # kernels for one thread and for more are compiled before the last is timed
        started = time.monotonic()
        _require(run(*begin, "--out", str(expected_folder), "--threads", threads).returncode == 0, "the first run")
        lasted = time.monotonic() - started
    expected, tally, randoms = left(expected_folder), Tally(), random.Random(seed)
    while tally.kills < kills or folder.exists():
        threads = ("--threads", randoms.choice("124"))
        resumable = (folder / FILE).exists()
        start = ("train", "--resume", str(folder)) if resumable else (*begin, "--out", str(folder))
        process = subprocess.Popen(
            _command(*start, *threads), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            moment = randoms.uniform(0, 1.2 * lasted) if tally.kills < kills else None
            _, complaint = process.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            tally.kills += 1
            tally.in_saves += any(folder.glob(f".{FILE}.*"))
            continue
        _require(process.returncode == 0, f"a resumed run ({complaint.strip()})")
        tally.runs += 1
        tally.different += differences(left(folder), expected)
        shutil.rmtree(folder)
    return tally


def _require(well: bool, what: str) -> None:
    if not well:
        raise BenchmarkError(f"expected {what} to end well, got a failure")


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _after_batches(count: int) -> None:
    from fastpc import run
    from fastpc.run import Run

    run._FIRST_CHUNK = 1
    report = Run._report

    def killed(self: Any, *arguments: Any) -> None:
        report(self, *arguments)
        if self.done >= count:
            _kill()

    Run._report = killed  # type: ignore[method-assign]


def _after_epochs(count: int) -> None:
    """Before the checkpoint, but with the epoch's metrics written."""
    from fastpc.cli.run import MetricsWriter

    write = MetricsWriter.on_epoch_end

    def killed(self: Any, trainer: Any, record: Any) -> None:
        write(self, trainer, record)
        if record.epoch >= count:
            _kill()

    MetricsWriter.on_epoch_end = killed  # type: ignore[method-assign]


def _in_save(patch: Callable[[], None]) -> Callable[[int], None]:
    """Return what has a patch in place from the COUNT-th checkpoint on."""

    def install(count: int) -> None:
        from fastpc.training_checkpoint import Checkpoint

        save, saves = Checkpoint.save, []

        def counted(self: Any, *arguments: Any) -> None:
            saves.append(1)
            if len(saves) == count:
                patch()
            save(self, *arguments)

        Checkpoint.save = counted  # type: ignore[method-assign]

    return install


def _half_written() -> None:
    fdopen = os.fdopen

    def half(descriptor: int, mode: str) -> Any:
        class Half:
            def write(self, content: Any) -> None:
                os.write(descriptor, bytes(content)[: len(content) // 2])
                _kill()

            def __enter__(self) -> Half:
                return self

            def __exit__(self, *_: object) -> None:
                pass

        return Half() if mode == "wb" else fdopen(descriptor, mode)

    os.fdopen = half  # type: ignore[assignment]


def _unflushed() -> None:
    os.fsync = lambda _: _kill()  # type: ignore[assignment]


def _not_renamed() -> None:
    os.replace = lambda *_: _kill()  # type: ignore[assignment]


def _renamed() -> None:
    replace = os.replace

    def killed(*paths: Any) -> None:
        replace(*paths)
        _kill()

    os.replace = killed  # type: ignore[assignment]


PLACES: dict[str, Callable[[int], None]] = {
    "after batches": _after_batches,
    "after epochs": _after_epochs,
    "in a save, half written": _in_save(_half_written),
    "in a save, not flushed": _in_save(_unflushed),
    "in a save, not renamed": _in_save(_not_renamed),
    "in a save, just renamed": _in_save(_renamed),
}


if __name__ == "__main__":
    from fastpc.cli import main

    PLACES[sys.argv[1]](int(sys.argv[2]))
    sys.exit(main(sys.argv[3:]))
