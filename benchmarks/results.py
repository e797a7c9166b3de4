"""Recordings: JSON as pytest-benchmark writes it, with what else was measured under names of its own."""

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import mean, median, quantiles, stdev
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.mnist import CHECKOUT
from benchmarks.workloads import WORKLOADS

FOLDER = CHECKOUT / "benchmarks" / "results"
GROUP = "workloads"


@dataclass(frozen=True)
class Measurement:
    """What one implementation reached on one workload."""

    workload: str
    implementation: str
    fraction: float
    samples_per_second: float
    gemm_gflops: float
    steady: bool
    threads: int
    handover_ns: float | None = None
    """Between cores; None where it was not measured."""

    @property
    def bar(self) -> float | None:
        """The fraction that fastpc must reach on two threads, if there is one."""
        return WORKLOADS[self.workload].bar if self.implementation == "fastpc" else None


def measurements(record: dict[str, Any]) -> list[Measurement]:
    """Return a recording's measurements of workloads."""
    fields = Measurement.__dataclass_fields__
    return [
        Measurement(**{name: entry["extra_info"][name] for name in fields if name in entry["extra_info"]})
        for entry in record["benchmarks"]
        if entry["group"] == GROUP
    ]


def new_record(found: Iterable[dict[str, Any]], machine: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Return a recording of what `measure.measure` found, and of other parts by name."""
    return {
        "machine_info": machine,
        "commit_info": commit_info(),
        "benchmarks": [_entry(item) for item in found],
        "datetime": datetime.now(UTC).isoformat(),
        "version": _version("pytest-benchmark"),
        **{name: part for name, part in parts.items() if part is not None},
    }


def save(record: dict[str, Any], path: Path | None = None) -> Path:
    """Write a recording, by default as FOLDER/COMMIT.json, and return where it is."""
    if path is None:
        info = record["commit_info"]
        path = FOLDER / f"{info['id'][:12]}{'-dirty' if info['dirty'] else ''}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return path


def load(path: Path | str) -> dict[str, Any]:
    """Read a recording.

    Raises
    ------
    BenchmarkError
        If the file is not one.
    """
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"expected a recording in {path}, got {error}; make one with record") from error
    if not isinstance(record, dict) or "benchmarks" not in record:
        raise BenchmarkError(f"expected a recording in {path}, got other JSON; make one with record")
    return record


def history(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Return all recordings of a folder, the oldest first."""
    return sorted((load(path) for path in folder.glob("*.json")), key=lambda record: str(record["datetime"]))


def commit_info() -> dict[str, Any]:
    """Describe the commit that is checked out, as pytest-benchmark does."""
    commit = _git("rev-parse", "HEAD")
    return {
        "id": commit or "unversioned",
        "time": _git("show", "-s", "--format=%cI", "HEAD"),
        "author_time": _git("show", "-s", "--format=%aI", "HEAD"),
        # A new recording does not make the code it measured another one.
        "dirty": bool(_git("status", "--porcelain", "--", ".", ":!benchmarks/results", ":!docs", ":!README.md")),
        "project": "fastpc",
        "branch": _git("rev-parse", "--abbrev-ref", "HEAD"),
    }


def statistics(seconds: Sequence[float]) -> dict[str, Any]:
    """Return pytest-benchmark's statistics of at least two rounds."""
    ordered = sorted(seconds)
    q1, _, q3 = quantiles(ordered, n=4, method="inclusive")
    middle, spread, iqr = mean(ordered), stdev(ordered), q3 - q1
    mild = sum(abs(s - middle) > spread for s in ordered)
    far = sum(s < q1 - 1.5 * iqr or s > q3 + 1.5 * iqr for s in ordered)
    return {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": middle,
        "stddev": spread,
        "rounds": len(ordered),
        "median": median(ordered),
        "iqr": iqr,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": far,
        "stddev_outliers": mild,
        "outliers": f"{mild};{far}",
        "ld15iqr": min(s for s in ordered if s >= q1 - 1.5 * iqr),
        "hd15iqr": max(s for s in ordered if s <= q3 + 1.5 * iqr),
        "ops": 1 / middle,
        "total": sum(ordered),
        "data": list(seconds),
        "iterations": 1,
    }


def _entry(found: dict[str, Any]) -> dict[str, Any]:
    name = f"{found['workload']}-{found['implementation']}"
    extra = {key: value for key, value in found.items() if key != "machine"}
    return {
        "group": GROUP,
        "name": f"epoch[{name}]",
        "fullname": f"benchmarks/record.py::epoch[{name}]",
        "params": {"workload": found["workload"], "implementation": found["implementation"]},
        "param": name,
        "extra_info": extra | {"machine": found.get("machine")},
        "options": {"disable_gc": False, "timer": "perf_counter", "min_rounds": 5, "warmup": True},
        "stats": statistics([reading["run_seconds"] for reading in found["readings"]]),
    }


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "0"
