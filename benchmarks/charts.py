"""Charts of recordings: the comparison, the history, and the race to an accuracy, as PNG.

Colours are Okabe and Ito's, which the colour-blind tell apart; shapes and hatching say the same again, for print.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import results
from benchmarks.report import network_of, ours_by_workload, sorted_rows
from benchmarks.results import Measurement, measurements
from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE: dict[str, tuple[str, str]] = {
    "fastpc": ("#0072B2", "D"),
    "jax": ("#009E73", "s"),
    "torch": ("#CC79A7", "P"),
    "torch-compile": ("#882255", "X"),
    "tensorflow": ("#E69F00", "^"),
    "keras": ("#D55E00", "v"),
    "numpy": ("#555555", "o"),
    "numpy-notebook": ("#555555", "p"),
}
OURS = STYLE["fastpc"][0]
DPI = 160


def draw_all(record: dict[str, Any], folder: Path, earlier: Sequence[dict[str, Any]] = ()) -> list[Path]:
    """Draw every chart that a recording has figures for; the history is of all recordings kept, and of this one."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "none"})
    folder.mkdir(parents=True, exist_ok=True)
    known = {str(item["datetime"]): item for item in (*results.history(), *earlier, record)}
    past = [known[when] for when in sorted(known) if not known[when].get("quick") or known[when] is record]
    drawn = {"comparison": comparison(record), "history": history(past)}
    if record.get("race"):
        drawn["race"] = race(record["race"])
    paths = []
    for name, figure in drawn.items():
        paths.append(folder / f"{name}.png")
        # No date and no version inside: the same figures give the same file.
        figure.savefig(paths[-1], dpi=DPI, metadata={"Software": None})
    return paths


def comparison(record: dict[str, Any]) -> "Figure":
    """Draw samples a second of everyone on every workload, and fastpc's roofline fractions beside them."""
    from matplotlib.figure import Figure

    found = sorted_rows(record)
    names = list(dict.fromkeys(network_of(item.workload) for item in found))
    figure = Figure(figsize=(8.4, 1.5 + 0.46 * len(names)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    _speeds(left, found, names)
    _fractions(right, found, names)
    left.set_yticks(range(len(names)), names)
    left.set_ylim(len(names) - 0.4, -0.6)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    return figure


def _speeds(axes: "Axes", found: Sequence[Measurement], names: Sequence[str]) -> None:
    for row, name in enumerate(names):
        speeds = [item.samples_per_second for item in found if network_of(item.workload) == name]
        axes.plot((min(speeds), max(speeds)), (row, row), color="#cccccc", zorder=1)
    seen = set()
    for item in sorted(found, key=lambda item: list(STYLE).index(item.implementation)):
        # A little lower, so that the two rules do not hide each other.
        backprop = item.workload.endswith("-backprop")
        text = item.implementation + (" backprop" if backprop else "")
        color, marker = STYLE[item.implementation]
        axes.plot(
            item.samples_per_second,
            names.index(network_of(item.workload)) + (0.27 if backprop else 0),
            marker=marker,
            markersize=9 if item.implementation == "fastpc" else 6.5,
            color=color,
            markerfacecolor="white" if backprop else color,
            markeredgewidth=1.3,
            linestyle="none",
            label=None if text in seen else text,
            zorder=3 if item.implementation == "fastpc" else 2,
        )
        seen.add(text)
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    # Few labels in plain thousands: powers of ten run into each other.
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:g}k"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("training samples per second (logarithmic)")
    axes.grid(axis="x", color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)


def _fractions(axes: "Axes", found: Sequence[Measurement], names: Sequence[str]) -> None:
    ours = ours_by_workload(found)
    blank = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    marked = False
    for row, name in enumerate(names):
        if name not in ours:
            continue
        item = ours[name]
        axes.barh(row, item.fraction, height=0.5, color=OURS, alpha=0.85)
        # Beyond the bar's mark as well, which it would cross otherwise.
        axes.text(max(item.fraction, item.bar or 0) + 0.06, row, f"{item.fraction:.2f}", va="center", bbox=blank)
        if item.bar is not None:
            ends = (row - 0.36, row + 0.36)
            text = None if marked else "bar to reach"
            axes.plot((item.bar, item.bar), ends, color="black", linewidth=1.6, label=text)
            marked = True
    axes.axvline(1, color="#777777", linewidth=0.8, linestyle=":")
    reach = max((max(item.fraction, item.bar or 0) for item in ours.values()), default=1)
    axes.set_xlim(0, 1.25 * max(reach, 1))
    axes.set_xlabel("fastpc: roofline fraction\n1 = dense arithmetic at full speed")
    if marked:
        axes.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1))


def history(records: Sequence[dict[str, Any]]) -> "Figure":
    """Draw fastpc's roofline fraction of every workload over the recordings."""
    from matplotlib.figure import Figure

    tables = [ours_by_workload(measurements(record)) for record in records]
    commits = [record["commit_info"]["id"][:7] for record in records]
    names = [name for name in WORKLOADS if any(name in found for found in tables)]
    rows = max(1, -(-len(names) // 3))
    figure = Figure(figsize=(8.4, 0.6 + 1.7 * rows), layout="constrained")
    grid = figure.subplots(rows, 3, squeeze=False, sharex=True).ravel()
    for axes, name in zip(grid, names, strict=False):
        points = [(i, found[name].fraction) for i, found in enumerate(tables) if name in found]
        axes.plot(*zip(*points, strict=True), color=OURS, marker="D", markersize=4, linewidth=1.3)
        bar = WORKLOADS[name].bar
        if bar is not None:
            axes.axhline(bar, color="black", linewidth=0.9, linestyle="--")
        top = max(value for _, value in points)
        axes.set_ylim(0, 1.2 * max(top, bar or 0))
        axes.set_title(name, loc="left", fontsize=9, fontweight="bold")
        shown = sorted({*range(0, len(commits), max(1, len(commits) // 4)), len(commits) - 1})
        axes.set_xticks(shown, [commits[i] for i in shown], rotation=30, ha="right", fontsize=7)
        axes.set_xlim(-0.5, len(commits) - 0.5)
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    figure.supylabel("roofline fraction (dashed: bar to reach)", fontsize=9)
    return figure


def race(found: dict[str, Any]) -> "Figure":
    """Draw the seconds of training until 97% and 98%, and until 98% with everything before it."""
    from matplotlib.figure import Figure

    def value(name: str, kind: str, target: str) -> float | None:
        seconds: float | None = found[name][kind][target]
        return seconds

    targets = list(next(iter(found.values()))["train_seconds"])
    kinds = [("train_seconds", target, f"training alone, to {float(target):.0%}") for target in targets]
    kinds.append(("total_seconds", targets[-1], f"from process start, to {float(targets[-1]):.0%}"))
    looks = [("#56B4E9", ""), (OURS, ""), ("#dddddd", "////")]
    figure = Figure(figsize=(8.4, 1.2 + 0.62 * len(found)), layout="constrained")
    axes = figure.subplots()
    height = 0.26
    longest = max((value(name, kind, target) or 0) for name in found for kind, target, _ in kinds)
    for k, ((kind, target, text), (color, hatch)) in enumerate(zip(kinds, looks, strict=True)):
        for row, name in enumerate(found):
            seconds = value(name, kind, target)
            at = row + (k - 1) * height
            if seconds is not None:
                axes.barh(at, seconds, height, color=color, hatch=hatch, edgecolor="#444444", linewidth=0.5,
                          label=text if row == 0 else None)  # fmt: skip
            axes.text((seconds or 0) + longest * 0.008, at, "not reached" if seconds is None else f"{seconds:.1f}",
                      va="center", fontsize=7)  # fmt: skip
    labels = [f"{name}\n({found[name]['settings']['rule']})" for name in found]
    axes.set_yticks(range(len(found)), labels)
    axes.set_ylim(len(found) - 0.45, -0.55)
    axes.set_xlabel("seconds, median of the seeds")
    axes.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    return figure
