"""Products, activations, the relaxation of a tile, the weight update of a unit, the optimiser's step: one thread."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks import kernels
from benchmarks.kernels import BATCH_SIZE, SIZES, STEP_SIZE, STEPS, Bench
from benchmarks.mnist import Mnist
from benchmarks.timing import against_gemm
from fastpc.engine.activations import NAMES

N_0, N_1, N_2, N_3 = SIZES


@pytest.fixture(scope="module")
def bench(data: Mnist) -> Bench:
    return kernels.make(data)


def time_kernel(benchmark: Any, run: Callable[[int], None], flops_of_one: float, repeats: int) -> None:
    against_gemm(benchmark, lambda: run(repeats), flops_of_one * repeats, 1, rounds=7, repeats=repeats)


@pytest.mark.benchmark(group="kernels")
def test_product_of_a_layer(benchmark: Any, bench: Bench) -> None:
    def run(n: int) -> None:
        kernels.products(n, 2, bench.model, bench.workspace.scratch)

    time_kernel(benchmark, run, 2 * N_1 * N_2 * bench.lanes, 2_000)


@pytest.mark.benchmark(group="kernels")
def test_product_with_the_input(benchmark: Any, bench: Bench) -> None:
    space = bench.workspace

    def run(n: int) -> None:
        kernels.input_products(n, bench.model, bench.inputs, bench.order, space.batch, space.scratch)

    time_kernel(benchmark, run, 2 * N_0 * N_1 * bench.lanes, 1_000)


@pytest.mark.benchmark(group="activations")
@pytest.mark.parametrize("name", NAMES)
def test_activation_and_slope(benchmark: Any, bench: Bench, name: str) -> None:
    repeats = 5_000
    benchmark.pedantic(
        lambda: kernels.activations(repeats, NAMES.index(name), 1, N_1, bench.model, bench.workspace.scratch),
        rounds=7,
        warmup_rounds=1,
    )
    numbers = repeats * N_1 * bench.lanes
    benchmark.extra_info.update(threads=1, numbers=numbers)
    if benchmark.stats is not None:
        benchmark.extra_info.update(numbers_per_second=numbers / benchmark.stats.stats.median)


@pytest.mark.benchmark(group="kernels")
def test_relaxation_of_a_tile(benchmark: Any, bench: Bench) -> None:
    space = bench.workspace

    def run(n: int) -> None:
        kernels.relaxations(
            n, np.float32(STEP_SIZE), bench.relaxation, bench.model, bench.inputs, bench.order, space.scratch
        )

    # The feed-forward start, and two products of every layer but the first, a step.
    time_kernel(benchmark, run, (2 * STEPS + 1) * 2 * (N_1 * N_2 + N_2 * N_3) * bench.lanes, 50)


@pytest.mark.benchmark(group="kernels")
@pytest.mark.parametrize("layer", [1, 2, 3])
def test_gradient_of_a_unit(benchmark: Any, bench: Bench, layer: int) -> None:
    space = bench.workspace
    units = np.flatnonzero(space.units[:, 0] == layer)
    u = int(units[len(units) // 2])  # of pixels in the middle: those at the edges are always zero
    _, first, end = space.units[u]

    def run(n: int) -> None:
        kernels.gradients(n, u, bench.model, space.units, BATCH_SIZE, space.batch, space.scratch)

    time_kernel(benchmark, run, 2 * (end - first) * SIZES[layer] * BATCH_SIZE, 1_000)


@pytest.mark.benchmark(group="kernels")
def test_adam_step_of_a_unit(benchmark: Any, bench: Bench) -> None:
    space, repeats = bench.workspace, 5_000
    u = int(np.argmax(space.units[:, 0] == 2))
    numbers = int((space.units[u, 2] - space.units[u, 1]) * N_2)
    scale = np.float32(-1 / BATCH_SIZE)
    settings = (bench.optimizer, bench.rates, bench.model, space.units, space.scratch)
    benchmark.pedantic(lambda: kernels.optimizer_steps(repeats, u, N_2, scale, *settings), rounds=7, warmup_rounds=1)
    benchmark.extra_info.update(threads=1, parameters=numbers, repeats=repeats)
    if benchmark.stats is not None:
        # Weight, gradient and two moments are read; all but the gradient are written.
        seconds = benchmark.stats.stats.median / repeats
        benchmark.extra_info.update(parameters_per_second=numbers / seconds, bytes_per_second=28 * numbers / seconds)
