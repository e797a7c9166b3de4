"""Spectral norms of the weights, and the state step they allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from fastpc.engine.activations import LIPSCHITZ
from fastpc.engine.layout import ACTIVATION

if TYPE_CHECKING:
    from fastpc.network import PCNetwork
    from fastpc.rules.pc import PC

_FIRST_ITERATIONS = 50


class Spectrum:
    """The running estimate of every ‖W_l‖₂, by the power iteration.

    Attributes
    ----------
    vectors : ndarray, shape (sum of n_l for l ≥ 1,)
        The right singular vectors as they are estimated; the engine goes on from them, one step a batch.
    norms : ndarray of float64, shape (L,)
        ‖W_1‖₂ … ‖W_L‖₂ as first estimated.
    """

    def __init__(self, network: PCNetwork) -> None:
        self.network = network
        generator = np.random.default_rng(network.seed)
        starts = [generator.standard_normal((weights.shape[1],)) for weights in network.weights]
        # One thread, so that the last bits do not depend on how many BLAS would take; and only BLAS is touched.
        with threadpool_limits(limits=1, user_api="blas"):
            found = [_largest(weights, start) for weights, start in zip(network.weights, starts, strict=True)]
        self.vectors: NDArray[Any] = np.concatenate([vector for vector, _ in found])
        self.norms = np.array([norm for _, norm in found])

    def curvature(self, precisions: tuple[float, ...]) -> float:
        """Return λ = π_max (1 + s)², s the largest Lip(f_{l-1}) ‖W_l‖₂ for l ≥ 2: a bound on the curvature."""
        codes = self.network.layout.layers[1:-1, ACTIVATION]
        slopes = np.array(LIPSCHITZ)[codes]
        s = float(np.max(slopes * self.norms[1:], initial=0.0))
        kept = precisions if self.network.loss == "squared_error" else (*precisions[:-1], 1.0)
        return max(kept) * (1 + s) ** 2

    def automatic_step(self, rule: PC) -> float:
        """Return the automatic state step for the weights as they are."""
        from fastpc.rules.pc import AUTO_FRACTION

        return AUTO_FRACTION / self.curvature(rule.layer_precisions(self.network.n_layers))

    def first_step(self, rule: PC) -> float:
        """Return the state step that `rule` asks for, with the weights as they are."""
        if isinstance(rule.step_size, str):
            return self.automatic_step(rule)
        return min(rule.step_size, self.automatic_step(rule)) if rule.capped else float(rule.step_size)


def _largest(weights: NDArray[Any], start: NDArray[np.float64]) -> tuple[NDArray[Any], float]:
    """Return the right singular vector and the value that the power iteration finds from `start`."""
    # In float64, where the square of no finite float32 overflows: this also runs on weights about to diverge.
    matrix = weights.astype(np.float64)
    vector = start / np.linalg.norm(start)
    square = 0.0
    for _ in range(_FIRST_ITERATIONS):
        image = matrix.T @ (matrix @ vector)
        square = float(np.linalg.norm(image))
        if not square > 0:
            break
        vector = image / square
    return vector.astype(weights.dtype), float(np.sqrt(square))
