"""Limits on BLAS are given back whatever happens, and nobody else's threads are touched."""

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy  # noqa: F401  (loads its BLAS)
import pytest
import scipy.linalg  # noqa: F401  (loads its own)
from threadpoolctl import threadpool_info

from fastpc import Adam, PCNetwork, Trainer, load_digits
from fastpc.blas import blas_threads


def pools(api: str) -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == api]


@pytest.fixture(autouse=True)
def several() -> Iterator[set[int]]:
    """Return the threads that BLAS has at first, and must have at last."""
    before = pools("blas")
    assert before
    if 1 in before:
        pytest.skip("BLAS has one thread here: no limit would be seen")
    yield set(before)
    assert pools("blas") == before


def test_a_block_has_its_limit_and_gives_it_back(several: set[int]) -> None:
    with blas_threads(1):
        assert set(pools("blas")) == {1}
    assert set(pools("blas")) == several


def test_an_exception_gives_it_back(several: set[int]) -> None:
    with pytest.raises(ZeroDivisionError), blas_threads(1):
        _ = 1 / 0
    assert set(pools("blas")) == several


def test_nested_blocks_give_back_in_turn() -> None:
    with blas_threads(1):
        with blas_threads(2):
            assert set(pools("blas")) == {2}
        assert set(pools("blas")) == {1}


def test_blocks_in_two_threads_never_overlap(several: set[int]) -> None:
    """Without turns: one sets 1, the other finds that, the one gives 2 back, and the other 1, for good."""
    second_may_begin, seen = threading.Event(), []

    def first() -> None:
        with blas_threads(1):
            second_may_begin.set()
            time.sleep(0.1)
            seen.append(pools("blas"))

    def second() -> None:
        second_may_begin.wait()
        with blas_threads(1):
            seen.append(pools("blas"))
            time.sleep(0.1)

    workers = [threading.Thread(target=work) for work in (first, second)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [set(counts) for counts in seen] == [{1}, {1}]
    assert set(pools("blas")) == several


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_forked_meanwhile_has_neither_the_limit_nor_the_lock(several: set[int]) -> None:
    inside = threading.Event()

    def limited() -> None:
        with blas_threads(1):
            inside.set()
            time.sleep(0.1)

    worker = threading.Thread(target=limited)
    worker.start()
    inside.wait()
    child = os.fork()
    if child == 0:
        well = set(pools("blas")) == several
        with blas_threads(1):
            well = well and set(pools("blas")) == {1}
        os._exit(0 if well else 3)
    worker.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_other_libraries_openmp_keeps_its_threads() -> None:
    """Of scikit-learn's pool, too, which is another OpenMP than Numba's."""
    from sklearn.cluster import KMeans

    train, _ = load_digits()
    KMeans(2, n_init=1, max_iter=2).fit(train.inputs[:100])
    before = [(pool["filepath"], pool["num_threads"]) for pool in threadpool_info()]
    openmp = pools("openmp")
    assert openmp
    seen = []

    class Look:
        def on_chunk(self, trainer: Any, progress: Any) -> None:
            seen.append(pools("openmp"))

    network = PCNetwork((64, 16, 10), initializer="orthogonal")
    Trainer(network, optimizer=Adam(), threads=2, callbacks=[Look()]).fit(train, epochs=2)
    network.forward(train.inputs, threads=1)
    after = [(pool["filepath"], pool["num_threads"]) for pool in threadpool_info()]
    assert set(before) <= set(after), "Numba may bring a pool of its own"
    assert seen
    assert all(counts[: len(openmp)] == openmp for counts in seen)
