"""What ranks say to each other, and how one rank alone says nothing."""

import numpy as np
import pytest

from fastpc.errors import ConfigurationError, DataError
from fastpc.ranks import ALONE, as_known, is_known, ranks_of
from ranks import needs_mpi, run


def test_alone_there_is_nobody_to_wait_for():
    assert ranks_of(None) is ALONE
    assert ranks_of(ALONE) is ALONE
    assert ALONE.is_first
    assert ALONE.first_before_others()
    assert ALONE.share_of(7) == 7
    assert ALONE.from_first("word") == "word"
    assert ALONE.joined(3) == [3]
    numbers = np.arange(3.0)
    ALONE.sum(numbers)
    assert numbers.tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="as it was"), ALONE.together():
        raise DataError("as it was")
    ALONE.abort(ValueError("nobody ends"))


def test_an_error_is_known_by_itself_or_by_its_cause():
    cause, error = as_known(KeyboardInterrupt()), RuntimeError("made of it")
    assert is_known(cause)
    assert not is_known(error)
    assert not is_known(None)
    error.__cause__ = cause
    assert is_known(error)


def test_what_is_no_communicator_is_refused():
    with pytest.raises(ConfigurationError, match=r"expected communicator to be one of mpi4py, got 3; pass for example"):
        ranks_of(3)


@needs_mpi
def test_ranks_add_up_join_tell_and_fail_together():
    program = """
import numpy as np
from mpi4py import MPI
from fastpc.errors import DataError
from fastpc.ranks import is_known, ranks_of
ranks = ranks_of(MPI.COMM_WORLD)
numbers = np.array([1.0, ranks.rank], np.float32)
ranks.sum(numbers)
assert numbers.tolist() == [3, 0 + 1 + 2]
assert ranks.joined(10 * ranks.rank) == [0, 10, 20]
assert ranks.from_first(ranks.rank + 5) == 5
assert ranks.is_first == (ranks.rank == 0)
assert [ranks.share_of(cores) for cores in (1, 3, 8)] == [1, 1, 2]
if ranks.first_before_others():
    assert ranks.rank == 0
    ranks.passed()
for failing in ({1}, {0, 2}):
    try:
        with ranks.together():
            if ranks.rank in failing:
                raise DataError(f"of rank {ranks.rank}")
        raise AssertionError
    except DataError as error:
        assert is_known(error)
        assert str(error) == f"of rank {ranks.rank if ranks.rank in failing else min(failing)}"
with ranks.together():
    pass
try:
    with ranks.together():
        assert ranks.rank != 2, "of no kind that is ours"
except Exception as error:
    assert "of no kind that is ours" in str(error)
print("well", flush=True)
"""
    done = run(3, "-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("well") == 3
