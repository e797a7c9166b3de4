"""What a relaxation leaves behind."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Relaxation:
    """What a relaxation leaves.

    Attributes
    ----------
    states : list of ndarray
        x_1 … x_{L-1}, each (B, n_l).
    errors : list of ndarray
        e_1 … e_L, each (B, n_l), as the weights learn from them; for cross-entropy e_L = y - softmax(mu_L).
    energy : ndarray of float64, shape (steps + 1, L)
        Each layer's energy after 0, 1, … steps, averaged over the samples.
    steps : int
        Steps that any sample took.
    inputs : ndarray, shape (B, n_0), or None
        x_0 where layer 0 was free.
    prior_energy : ndarray of float64, shape (steps + 1,), or None
        Layer 0's energy, in the same way, where it was free.
    """

    states: list[NDArray[Any]]
    errors: list[NDArray[Any]]
    energy: NDArray[np.float64]
    steps: int
    inputs: NDArray[Any] | None = None
    prior_energy: NDArray[np.float64] | None = None
