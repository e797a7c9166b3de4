"""Many batches in one call: nothing is allocated on the way, and nothing is left over."""

import numpy as np
import pytest
from numba.core.runtime import _nrt_python, rtsys

from fastpc.data import Dataset
from fastpc.network import PCNetwork
from fastpc.optimizers import Adam
from fastpc.rules import PC, IncrementalPC, Nudge
from fastpc.session import EngineSession


def session_of(rule: PC | IncrementalPC) -> EngineSession:
    random = np.random.default_rng(0)
    data = Dataset(random.integers(0, 255, (64, 19), dtype=np.uint8), random.integers(0, 4, 64), n_classes=4)
    session = rule.session(PCNetwork((19, 13, 4), seed=1), Adam(), 8, 1)
    assert isinstance(session, EngineSession)
    session.bind(data)
    return session


RULES = (PC(), PC(step_size="auto"), PC(tolerance=1e-3), PC(solver="errors"), PC(nudge=Nudge()), IncrementalPC())


@pytest.mark.parametrize("rule", RULES)
def test_allocations_do_not_grow_with_the_number_of_batches(rule: PC | IncrementalPC) -> None:
    _nrt_python.memsys_enable_stats()
    session = session_of(rule)
    session.compile()

    def allocated(n_batches: int) -> int:
        before = rtsys.get_allocation_stats().alloc
        session.run(np.arange(8 * n_batches) % 64, np.ones(n_batches))
        return int(rtsys.get_allocation_stats().alloc - before)

    assert allocated(200) == allocated(10)


def test_a_diverged_batch_leaves_nothing_behind() -> None:
    session, fresh = session_of(PC()), session_of(PC())
    snapshot = session.snapshot()
    session.network.parameters[:] = np.nan
    assert session.run(np.arange(64), np.ones(8)).failure is not None
    session.restore(snapshot)
    session.run(np.arange(64), np.ones(8))
    fresh.run(np.arange(64), np.ones(8))
    assert np.array_equal(session.network.parameters, fresh.network.parameters)
