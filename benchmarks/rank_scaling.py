"""How training grows with the ranks of MPI, and what adding more would bring, into docs/distributed.md.

``python -m benchmarks scaling --ranks`` starts ``mpiexec`` itself: 1 and 2 ranks of one thread on workload B, strong
(the batch is divided) and weak (it grows), in turns; and what a model of the cost needs (`rank_model`).
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import mnist, processes
from benchmarks.errors import BenchmarkError
from benchmarks.machine import cores, machine
from benchmarks.mnist import CHECKOUT
from benchmarks.rank_model import NETWORK, RANKS, model_in_words, model_of
from benchmarks.report import FIGURES, markdown
from benchmarks.results import commit_info
from benchmarks.sections import fill
from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = CHECKOUT / "docs" / "distributed.md"
FIGURE = "ranks.png"
B = WORKLOADS["B"]
BATCHES, QUICK_BATCHES = 60, 8
TURNS = 5
SPEED_BAR, JOINING_BAR = 1.6, 0.10
# Of one rank, whose seconds a batch tell what a sample costs and what a batch costs beyond its samples.
SHARES = (32, 64, 128, 256)
VECTORS = (1, 1_000, 30_000, 100_000, 300_000, 1_000_000)


# -- in a rank -----------------------------------------------------------------------------------


def work(options: argparse.Namespace) -> None:
    """Be a rank: train, or add up vectors; the first one prints what it measured as JSON."""
    from mpi4py import MPI

    found = joined_vectors(MPI) if options.vectors else trained(MPI.COMM_WORLD, options)
    if MPI.COMM_WORLD.rank == 0:
        print(json.dumps(found))


def trained(communicator: Any, options: argparse.Namespace) -> dict[str, float]:
    """Train epochs of workload B, and return the median seconds of a batch, and of them those of the all-reduce."""
    from fastpc import PC, Adam, PCNetwork, Trainer
    from fastpc.data import Dataset

    data = mnist.load(mnist.find(options.data))
    n = options.batches * options.batch_size
    # As many as asked for, whole batches, again and again where MNIST is too small.
    rows = np.arange(n) % len(data.labels)
    dataset = Dataset(data.images[rows], data.labels[rows], n_classes=10, scale=1 / 255)
    trainer = Trainer(
        PCNetwork(B.sizes, activation=B.activation, loss=B.loss),
        PC(steps=B.steps, step_size=B.step_size),
        Adam(B.learning_rate),
        options.batch_size,
        threads=1,
        communicator=None if options.plain else communicator,
    )
    trainer.fit(dataset)
    seconds, joining = [], []
    for _ in range(3):
        session: Any = trainer._session
        before = getattr(session, "seconds_joining", 0.0)
        history = trainer.fit(dataset)
        seconds.append(history.train_seconds / options.batches)
        joining.append((getattr(session, "seconds_joining", 0.0) - before) / options.batches)
    best = int(np.argmin(seconds))
    return {"seconds": seconds[best], "joining": joining[best]}


def joined_vectors(mpi: Any) -> list[tuple[int, float]]:
    """Return the seconds of an all-reduce of float32 vectors by their length, all ranks being ready for it."""
    found = []
    for n in VECTORS:
        numbers, seconds = np.ones(n, np.float32), []
        for _ in range(60):
            mpi.COMM_WORLD.Barrier()
            begin = perf_counter()
            mpi.COMM_WORLD.Allreduce(mpi.IN_PLACE, numbers)
            seconds.append(perf_counter() - begin)
            numbers[:] = 1
        found.append((n, median(seconds)))
    return found


# -- measuring -----------------------------------------------------------------------------------


def launch(ranks: int, *arguments: str) -> Any:
    """Run a measurement on so many ranks, and return what the first one says."""
    command = ["mpiexec", "-n", str(ranks), sys.executable, "-m", "benchmarks", "scaling", "--rank", *arguments]
    # The launcher of the environment that Python is of, whether that is activated or not.
    beside = Path(sys.executable).parent / "mpiexec"
    command[0] = str(beside) if beside.exists() else command[0]
    try:
        done = subprocess.run(
            command, env=processes.environment(), capture_output=True, text=True, timeout=300, check=False
        )
    except OSError as error:
        raise BenchmarkError(f"expected mpiexec, got none ({error}); install fastpc[mpi]") from error
    if done.returncode != 0:
        raise BenchmarkError(f"expected {ranks} ranks to succeed, got: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(data: str, quick: bool) -> dict[str, Any]:
    """Measure everything that the page says, in turns, so that a bad moment falls on no single figure."""
    batches = QUICK_BATCHES if quick else BATCHES

    def batch(ranks: int, size: int, *more: str) -> Callable[[], Any]:
        flags = ["--data", data, "--batches", str(max(4, batches * B.batch_size // size)), "--batch-size", str(size)]
        return lambda: launch(ranks, *flags, *more)

    runs = {
        "plain": batch(1, B.batch_size, "--plain"),
        "one": batch(1, B.batch_size),
        "strong": batch(2, B.batch_size),
        "weak": batch(2, 2 * B.batch_size),
    }
    turns = [{name: run() for name, run in runs.items()} for _ in range(1 if quick else TURNS)]
    return {
        "turns": turns,
        "shares": [(size, batch(1, size)()["seconds"]) for size in SHARES],
        "vectors": launch(2, "--vectors"),
        "machine": machine(),
    }


# -- the page ------------------------------------------------------------------------------------


def medians(found: dict[str, Any]) -> dict[str, float]:
    """Return the figures that have bars, each a median over the turns."""
    turns = found["turns"]
    return {
        "strong": median(turn["one"]["seconds"] / turn["strong"]["seconds"] for turn in turns),
        "weak": median(2 * turn["one"]["seconds"] / turn["weak"]["seconds"] for turn in turns),
        "overhead": median(turn["one"]["seconds"] / turn["plain"]["seconds"] - 1 for turn in turns),
        **{
            f"joining {k}": median(turn[k]["joining"] / turn[k]["seconds"] for turn in turns)
            for k in ("strong", "weak")
        },
    }


def scaling_in_words(found: dict[str, Any]) -> str:
    """Return the measurements as Markdown."""
    turns, of = found["turns"], medians(found)
    names = {
        "plain": ("1, without MPI", B.batch_size),
        "one": ("1", B.batch_size),
        "strong": ("2, strong", B.batch_size),
        "weak": ("2, weak", 2 * B.batch_size),
    }
    rows = [["ranks", "batch", "ms a batch", "samples/s", "times one rank", "in the all-reduce"]]
    for name, (words, size) in names.items():
        seconds = median(turn[name]["seconds"] for turn in turns)
        gain = f"{of[name]:.2f}" if name in of else ""
        joining = f"{of[f'joining {name}']:.1%}" if f"joining {name}" in of else ""
        rows.append([words, str(size), f"{1e3 * seconds:.2f}", f"{size / seconds:,.0f}", gain, joining])
    lengths = dict(map(tuple, found["vectors"]))
    alone = f"{1e6 * lengths[300_000]:.0f} µs for 300,000 numbers"
    info = found["machine"]
    return (
        f"{markdown(rows, 1)}\n\nMedians of {len(turns)} turns, 1 thread a rank, {info['cpu']}, {info['cores']} cores. "
        f"Bars: {SPEED_BAR} times one rank, under {JOINING_BAR:.0%} in the all-reduce. Its time includes "
        f"the wait for the other rank; where both are ready, it takes {alone}. One rank with MPI takes "
        f"{of['overhead']:+.1%} of the time of one without. Commit {commit_info()['id'][:12]}."
    )


def chart(found: dict[str, Any]) -> "Figure":
    """Draw what the model says of more ranks, and the two that were measured."""
    from matplotlib.figure import Figure

    model, of = model_of(found, NETWORK), medians(found)
    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(RANKS, RANKS, color="#999999", linestyle=":", label="as many times as ranks")
    for size, color, marker in ((256, "#0072B2", "o"), (1024, "#009E73", "s"), (4096, "#D55E00", "^")):
        gains = [model.speedup(ranks, size) for ranks in RANKS]
        axes.plot(RANKS, gains, color=color, marker=marker, markersize=4, label=f"model, batch {size}")
    axes.plot([2], [of["strong"]], "k*", markersize=11, label="measured, batch 256")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xticks(RANKS, [str(ranks) for ranks in RANKS])
    axes.set_yticks(RANKS, [str(ranks) for ranks in RANKS])
    axes.set_xlabel("ranks of one thread")
    axes.set_ylabel("times as fast as one rank")
    axes.legend(frameon=False, fontsize=8)
    return figure


def main(arguments: Sequence[str]) -> None:
    """Measure, and fill the page and its chart; or be one of the ranks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scaling --ranks", description=__doc__)
    parser.add_argument("--data")
    parser.add_argument("--quick", action="store_true", help="short runs, and no page written")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--figures", type=Path, default=FIGURES)
    parser.add_argument("--rank", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--vectors", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--plain", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--batches", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--batch-size", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.rank:
        work(options)
        return
    if cores() < 2:
        raise BenchmarkError("expected two cores for two ranks, got one")
    found = measure(str(mnist.find(options.data)), options.quick)
    print(json.dumps(found))
    if options.quick:
        print(f"{scaling_in_words(found)}\n\n{model_in_words(found)}")
        return
    fill(options.page, "scaling", scaling_in_words(found))
    fill(options.page, "model", model_in_words(found))
    chart(found).savefig(options.figures / FIGURE, dpi=160, metadata={"Software": None})
    reached = medians(found)
    for name, well in (
        ("strong", reached["strong"] >= SPEED_BAR),
        ("weak", reached["weak"] >= SPEED_BAR),
        ("joining strong", reached["joining strong"] < JOINING_BAR),
        ("joining weak", reached["joining weak"] < JOINING_BAR),
    ):
        print(f"{name}: {reached[name]:.3f}, {'within' if well else 'OUTSIDE'} its bar")
