"""Views that count no reference."""

from typing import Any

import numpy as np
import pytest

from engine.compiled import kernel
from fastpc.engine import memory

SENTINEL = 77.0


@kernel
def _fill_borrowed(array, start, count):
    view = memory.borrow(array, start, count)
    memory.prefetch(array, start)
    memory.prefetch_rows(array, start, count, True)
    memory.prefetch_rows(array, 0, count, False)
    for i in range(len(view)):
        view[i] = i


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_borrowed_stretch_is_the_array_s_own_memory(dtype: Any) -> None:
    array = np.full(11, SENTINEL, dtype)
    _fill_borrowed(array, 3, 5)
    assert array.tolist() == [SENTINEL] * 3 + [0, 1, 2, 3, 4] + [SENTINEL] * 3
    _fill_borrowed(array, 11, 0)
    assert array[-1] == SENTINEL
