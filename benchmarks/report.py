"""The table of a recording, and what changed between two: ``python -m benchmarks report A.json [B.json]``.

Runs are compared by their ratio to the matrix product measured beside them, which survives a change of machine.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.mnist import CHECKOUT
from benchmarks.results import Measurement, measurements

LOSS = 0.10
"""A workload that lost more than this part of its fraction is flagged."""

FIGURES = CHECKOUT / "docs" / "figures"


def columns(rows: Sequence[Sequence[str]], left: int = 2) -> str:
    """Align rows of text; the first `left` columns to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = zip(row, widths, strict=True)
        lines.append("  ".join(cell.ljust(w) if i < left else cell.rjust(w) for i, (cell, w) in enumerate(cells)))
    return "\n".join(line.rstrip() for line in lines)


def markdown(rows: list[list[str]], left: int = 2) -> str:
    """Return rows, the header first, as a table; the first `left` columns to the left."""
    rule = ["---" if i < left else "---:" for i in range(len(rows[0]))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (rows[0], rule, *rows[1:]))


def network_of(workload: str) -> str:
    """Return the workload that a row stands under: backpropagation under the network it trains."""
    return workload.removesuffix("-backprop")


def ours_by_workload(found: Sequence[Measurement]) -> dict[str, Measurement]:
    """Return fastpc's measurement of each workload."""
    return {item.workload: item for item in found if item.implementation == "fastpc"}


def label(item: Measurement) -> str:
    """Name an implementation, and its rule where that is not the workload's own."""
    return item.implementation + (" (backprop)" if item.workload.endswith("-backprop") else "")


def sorted_rows(record: dict[str, Any]) -> list[Measurement]:
    """Return measurements by workload, fastpc first, then the fastest first."""
    found = measurements(record)
    order = list(dict.fromkeys(network_of(item.workload) for item in found))
    return sorted(
        found,
        key=lambda item: (
            order.index(network_of(item.workload)),
            item.implementation != "fastpc",
            item.implementation == "fastpc" and item.workload != network_of(item.workload),
            -item.samples_per_second,
        ),
    )


def times(ratio: float) -> str:
    """Write a ratio, close ones more exactly."""
    return f"{ratio:.2f} ×" if ratio < 2 else f"{ratio:.1f} ×"


def also(record: dict[str, Any]) -> str:
    """Say what else was measured, a line each: threads, growth, overheads, memory, compilation."""
    lines = []
    scaling, footprint, start = record.get("scaling"), record.get("footprint"), record.get("compile")
    if handovers := [item.handover_ns for item in measurements(record) if item.handover_ns is not None]:
        again = len(record.get("measured_again", []))
        lines.append(
            f"handover between cores: {min(handovers):.0f} to {max(handovers):.0f} ns; {again} measured again, as it "
            "took more than twice the least"
        )
    if scaling:
        for name, found in scaling["threads"].items():
            if found is not None:
                lines.append(f"{found['threads']} threads on {name}: {found['relative']:.2f} of sgemm's own gain")
        for kind in ("samples", "steps", "depth"):
            fit = scaling[kind]
            lines.append(f"{kind}: {fit['slope']:.3g} s each, worst residual {fit['worst_residual']:.1%} from a line")
    for activation, found in record.get("solver", {}).items():
        lines.append(
            f'PC(solver="errors") on B with {activation}: {found["multiplication ratio"]:.2f} of the multiplications '
            f"of 20 plain steps, {found['excess ratio']:.2f} of their excess energy, gradient's cosine with a long "
            f"relaxation's {found['sweeps cosine']:.4f} beside {found['plain cosine']:.4f}"
        )
    if footprint:
        lines.append(f"time outside compiled code on A64: {footprint['outside_compiled_code']['share']:.1%}")
        lines.append(f"allocations a batch in compiled code: {footprint['allocations']['per_batch']:g}")
        peaks = footprint["memory"]["peak_mb"], footprint["memory_compiling"]["peak_mb"]
        lines.append(f"peak memory of a training run: {peaks[0]:.0f} MB, where it compiles {peaks[1]:.0f} MB")
    if start:
        lines.append(f"compilation with an empty cache: {start['cold_compile_seconds']:.1f} s")
        lines.append(f"process start to first trained batch, warm: {start['warm_first_batch_seconds']:.2f} s")
        beyond = start["import_seconds_beyond_numpy"], start["help_seconds_beyond_numpy"]
        lines.append(f"beyond numpy: import fastpc {beyond[0]:.3f} s, fastpc --help {beyond[1]:.2f} s")
    return "\n".join(lines)


def table_rows(record: dict[str, Any]) -> list[list[str]]:
    """Return the table side by side: a row for each implementation of each workload, the header first."""
    rows = [["workload", "", "samples/s", "fastpc is faster", "roofline fraction", "bar"]]
    found = sorted_rows(record)
    ours = ours_by_workload(found)
    for item in found:
        own = ours.get(network_of(item.workload))
        is_ours = own is None or item.implementation == own.implementation
        ratio = "" if is_ours else times(own.samples_per_second / item.samples_per_second)
        note = "" if item.steady else " ~"
        bar = "" if item.bar is None else f"{item.bar:.2f}"
        rows.append(
            [network_of(item.workload), label(item), f"{item.samples_per_second:,.0f}", ratio,
             f"{item.fraction:.2f}{note}", bar]
        )  # fmt: skip
    return rows


def table(record: dict[str, Any]) -> str:
    """Return the table as text."""
    text = columns(table_rows(record))
    if any(not item.steady for item in measurements(record)):
        text += "\n~ the machine was not steady: the matrix product's own rate varied by more than a tenth"
    return text


@dataclass(frozen=True)
class Change:
    """A workload in two recordings."""

    workload: str
    implementation: str
    before: float
    after: float

    @property
    def relative(self) -> float:
        """The fraction's change, as a part of what it was."""
        return self.after / self.before - 1

    @property
    def flagged(self) -> bool:
        """Whether fastpc lost more than it may."""
        return self.implementation == "fastpc" and self.relative < -LOSS


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """Return what both recordings measured."""
    old = {(item.workload, item.implementation): item.fraction for item in measurements(before)}
    return [
        Change(item.workload, item.implementation, old[key], item.fraction)
        for item in sorted_rows(after)
        if (key := (item.workload, item.implementation)) in old
    ]


def changes(found: Sequence[Change]) -> str:
    """Return the comparison as text."""
    rows = [["workload", "", "before", "after", "change", ""]]
    for item in found:
        flag = f"LOST MORE THAN {LOSS:.0%}" if item.flagged else ""
        rows.append(
            [
                item.workload,
                item.implementation,
                f"{item.before:.3f}",
                f"{item.after:.3f}",
                f"{item.relative:+.1%}",
                flag,
            ]
        )
    return columns(rows)


def machine_line(record: dict[str, Any]) -> str:
    """Describe in one line what a recording was measured on."""
    info = record["machine_info"]
    blas = next((library for library in info["blas"] if library["architecture"]), None)
    kernels = f", BLAS kernels for {blas['architecture']}" if blas else ""
    layer = info.get("numba_threading_layer")
    threads = max((item.threads for item in measurements(record)), default=info["cores"])
    rates = [item.gemm_gflops for item in measurements(record) if not item.workload.startswith("N64")]
    rate = f", sgemm {sorted(rates)[len(rates) // 2]:.0f} GFLOP/s" if rates else ""
    return (
        f"{info['cpu']}, {threads} thread{'s' if threads > 1 else ''}"
        f"{f' ({layer})' if layer else ''}{kernels}{rate}; commit {record['commit_info']['id'][:12]}"
    )


def main(arguments: list[str]) -> None:
    """Print the table, or the comparison, and draw the charts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks report", description=__doc__)
    parser.add_argument("first", metavar="A.json")
    parser.add_argument("second", metavar="B.json", nargs="?", help="a later recording, to compare with the first")
    parser.add_argument("--figures", type=Path, default=FIGURES, help="folder for the charts")
    parser.add_argument("--no-charts", action="store_true")
    options = parser.parse_args(arguments)
    first = results.load(options.first)
    last = first if options.second is None else results.load(options.second)
    print(machine_line(last))
    print(table(last))
    print(also(last))
    if options.second is not None:
        found = compare(first, last)
        print("\n" + changes(found))
        lost = [item.workload for item in found if item.flagged]
        print(f"\nLost more than {LOSS:.0%}: {', '.join(lost) if lost else 'none'}")
    if not options.no_charts:
        import benchmarks.charts as charts

        earlier = [first] if options.second is not None else []
        for path in charts.draw_all(last, options.figures, earlier=earlier):
            print(f"drew {path}")
