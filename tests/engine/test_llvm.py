"""What this processor's vectors look like."""

import numpy as np

from fastpc.engine.llvm import BLOCK, VECTOR_BYTES, lanes


def test_a_lane_group_is_two_vector_registers() -> None:
    assert VECTOR_BYTES in (16, 32, 64)
    assert lanes("float32") == 2 * lanes(np.float64) == 2 * VECTOR_BYTES // 4
    assert lanes("float32") % BLOCK == lanes("float64") % BLOCK == 0
