"""Record everything that is tracked: ``python -m benchmarks record [--quick]``.

Every measurement runs in a process of its own. The recording goes to ``results/COMMIT.json``.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import mnist, processes, results
from benchmarks.errors import BenchmarkError
from benchmarks.machine import cores, machine
from benchmarks.measure import EPOCH, IMPLEMENTATIONS, command, line, samples_of
from benchmarks.report import also, table
from benchmarks.workloads import WORKLOADS
from benchmarks.yardstick import MOVED

TABLE = (
    *("A64", "A64t", "A256", "B", "P", "W", "N32", "N64", "G"),
    *("A64-ipc", "A64-fpa", "A64-zil", "B-epc", "D", "H", "U"),
)
"""The workloads that are rows of the table: plain predictive coding first, then the other rules."""

BACKPROP = ("A64-backprop", "B-backprop")
"""Where all train the same network by backpropagation, beside its row."""

COMPARED_QUICKLY = ("A64", "A64-backprop", "N64")
"""What a quick recording measures the baselines on."""

PARTS = ("footprint", "compile", "scaling", "solver", "train", "race")

TURNS = 3
"""How often, at the end, those are measured again that fell into a slow moment of the machine."""


def say(message: str) -> None:
    """Tell how far the recording is, beside the results."""
    print(message, file=sys.stderr, flush=True)


def interpreters(pythons: Sequence[str]) -> dict[str, str]:
    """Return, for each implementation, the first Python that has what it needs; ours comes first."""
    found: dict[str, str] = {}
    for python in (sys.executable, *pythons):
        for name in processes.run(["-m", "benchmarks", "available"], python):
            found.setdefault(name, python)
    return found


def cases(names: Sequence[str], pythons: dict[str, str], quick: bool) -> list[tuple[str, str]]:
    """Return (workload, implementation) of everything to measure.

    A workload brings backpropagation on the same network with it, where that is compared.
    """
    asked = [*names, *(name for name in BACKPROP if name.removesuffix("-backprop") in names)]
    compared = asked if not quick else [name for name in asked if name in COMPARED_QUICKLY]
    return [
        (workload, name)
        for workload in dict.fromkeys(asked)
        for name, kind in IMPLEMENTATIONS.items()
        if name in pythons
        and kind.supports(WORKLOADS[workload])
        and (name == "fastpc" or workload in compared)
        and not (quick and name == "torch-compile")
    ]


def measure_case(
    workload: str, name: str, pythons: dict[str, str], data: Path, quick: bool, threads: int
) -> dict[str, Any]:
    """Measure one implementation on one workload, in a process of its own."""
    samples = samples_of(WORKLOADS[workload], quick, EPOCH)
    attempts = 1 if quick else 5 if name == "fastpc" else 3
    found: dict[str, Any] = processes.run(command(name, workload, str(data), samples, threads, attempts), pythons[name])
    say(line(found))
    return found


def measure_cases(
    names: Sequence[str], pythons: dict[str, str], data: Path, quick: bool, threads: int
) -> list[dict[str, Any]]:
    """Measure, and go on where a baseline fails: what others ship must not cost us the recording."""
    found = []
    for workload, name in cases(names, pythons, quick):
        try:
            found.append(measure_case(workload, name, pythons, data, quick, threads))
        except BenchmarkError as error:
            if name == "fastpc":
                raise
            say(f"{workload:14} {name:15} failed: {error}")
    return found


def measure_again(
    found: list[dict[str, Any]], least: float, measure: Callable[[str], dict[str, Any]], turns: int = TURNS
) -> list[dict[str, Any]]:
    """Measure again, in place, what fell into a moment when the machine's cores were far apart or not steady.

    What a figure itself says is not looked at: only the handover between cores beside it, against the least of all.

    Parameters
    ----------
    found : list of dict
        Each with ``workload``, ``handover_ns`` (None: left alone) and ``steady``.
    least : float
        The least handover of the recording, in nanoseconds.
    measure : callable
        From a workload's name.
    turns : int
        How often to try.

    Returns
    -------
    list of dict
        What was replaced.
    """
    replaced = []
    for _ in range(turns):
        for i, item in enumerate(found):
            nanoseconds = item["handover_ns"]
            if nanoseconds is not None and (nanoseconds > MOVED * least or not item["steady"]):
                replaced.append(item)
                found[i] = measure(item["workload"])
    return replaced


def slow_moments_again(
    found: list[dict[str, Any]], measured: dict[str, Any], pythons: dict[str, str], data: Path, threads: int
) -> list[dict[str, Any]]:
    """Measure workloads, and gains from threads, of slow moments again, in place; return what they replace."""
    gains = [gain for gain in measured.get("scaling", {}).get("threads", {}).values() if gain is not None]
    handovers = [item["handover_ns"] for item in [*found, *gains] if item["handover_ns"] is not None]
    if not handovers:
        return []

    def speed(workload: str) -> dict[str, Any]:
        return measure_case(workload, "fastpc", pythons, data, False, threads)

    def gain(workload: str) -> dict[str, Any]:
        say(f"measuring again: threads on {workload}")
        return dict(processes.run(["-m", "benchmarks", "scaling", "--part", "threads", workload, "--data", str(data)]))

    least = min(handovers)
    replaced = measure_again(found, least, speed) + measure_again(gains, least, gain)
    if gains:
        measured["scaling"]["threads"] = {found["workload"]: found for found in gains}
    return replaced


def record(names: Sequence[str], parts: Sequence[str], options: argparse.Namespace) -> dict[str, Any]:
    """Measure these workloads and parts."""
    data = mnist.find(options.data)
    pythons = interpreters(options.python)
    if options.only:
        pythons = {name: python for name, python in pythons.items() if name in options.only}
    found = measure_cases(names, pythons, data, options.quick, options.threads)
    more = ["--data", str(data), *(["--quick"] if options.quick else [])]
    others = [argument for python in options.python for argument in ("--python", python)]
    measured: dict[str, Any] = {}
    for part in parts:
        say(f"measuring: {part}")
        arguments = ["-m", "benchmarks", part, *more, *(others if part == "race" else []), "--json"]
        measured[part] = processes.run(arguments)
    if not options.quick:
        measured["measured_again"] = slow_moments_again(found, measured, pythons, data, options.threads)
    return results.new_record(found, _machine(found), quick=options.quick, **measured)


def _machine(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Describe the machine as a process of ours saw it: with its threading layer and BLAS's own choice of kernels."""
    return next((dict(item["machine"]) for item in found if item["implementation"] == "fastpc"), None) or machine()


def main(arguments: list[str]) -> None:
    """Record, save, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks record", description=__doc__)
    parser.add_argument("workloads", nargs="*", help=f"of {', '.join(TABLE)}; all, and all parts, by default")
    parser.add_argument("--quick", action="store_true", help="few samples, one round, baselines on a few workloads")
    parser.add_argument("--data", help="MNIST as Keras stores it, an .npz file")
    parser.add_argument("--python", action="append", default=[], help="another Python for baselines not installed here")
    parser.add_argument("--parts", nargs="*", choices=PARTS, help="what to measure beside the workloads")
    parser.add_argument("--only", nargs="*", choices=IMPLEMENTATIONS, help="implementations; all by default")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--out", type=Path, help="file to write, - for none; by default a whole recording's own")
    options = parser.parse_args(arguments)
    if unknown := set(options.workloads) - set(TABLE):
        raise BenchmarkError(f"expected workloads among {', '.join(TABLE)}, got {', '.join(sorted(unknown))}")
    names = options.workloads or TABLE
    whole = not options.workloads
    default = () if not whole else ("footprint", "compile") if options.quick else PARTS
    parts = default if options.parts is None else options.parts
    found = record(names, parts, options)
    found["command"] = " ".join(["python -m benchmarks record", *options.workloads])
    if options.only:
        found["command"] = " ".join([found["command"], "--only", *options.only])
    if options.parts is not None:
        found["command"] = " ".join([found["command"], "--parts", *options.parts])
    print(table(found))
    print(also(found))
    # A part of the suite, or a quick look, is no record of a commit.
    if str(options.out) != "-" and (options.out or (whole and not options.quick)):
        print(f"\nRecorded in {results.save(found, options.out)}")
