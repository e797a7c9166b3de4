"""Small data that networks learn in a moment."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# What makes a fit of these data short and sure.
QUICK: dict[str, Any] = {"hidden_layer_sizes": (12,), "max_iter": 30, "learning_rate_init": 0.02, "random_state": 0}


def blobs(n: int = 120, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return points around three centres in four dimensions, and which one each belongs to."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    return np.eye(3, 4)[labels] * 3 + rng.normal(size=(n, 4)), labels


def curve(n: int = 120, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points in two dimensions, and two smooth functions of them with little noise, (n, 2)."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n, 2))
    targets = np.stack([np.sin(x[:, 0]) + 0.5 * x[:, 1], np.abs(x[:, 1])], axis=1)
    return x, targets + rng.normal(0, 0.02, targets.shape)


def plane(n: int = 160, seed: int = 0) -> NDArray[np.float64]:
    """Return points in eight dimensions that lie near a plane of two."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) @ rng.normal(size=(2, 8)) + rng.normal(0, 0.05, (n, 8))
