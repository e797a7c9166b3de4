"""Spectral norms of the weights, and the state step they allow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpc.engine.activations import LIPSCHITZ
from fastpc.engine.layout import ACTIVATION, SKIP

if TYPE_CHECKING:
    from fastpc.network import PCNetwork
    from fastpc.rules.engine_rule import EngineRule

_ITERATIONS = 50
# The automatic step in units of 1 / lambda, lambda being the bound on the curvature; stable below 2. Half of the
# largest step after which the energy never rises leaves room for the norms' estimate, which is one batch old.
AUTO_FRACTION = 0.5


class Spectrum:
    """Every ‖W_l‖₂ of a network as it is, by the power iteration.

    Attributes
    ----------
    vectors : ndarray, shape (sum of n_l for l ≥ 1,)
        The right singular vectors; the engine goes on from them, one step a batch.
    norms : ndarray of float64, shape (L,)
        ‖W_1‖₂ … ‖W_L‖₂.
    """

    def __init__(self, network: PCNetwork) -> None:
        self.network = network
        generator = np.random.default_rng(network.seed)
        found = [_largest(weights, generator.standard_normal((weights.shape[1],))) for weights in network.weights]
        self.vectors: NDArray[Any] = np.concatenate([vector for vector, _ in found])
        self.norms = np.array([norm for _, norm in found])

    def curvature(self, precisions: tuple[float, ...], prior: float | None = None) -> float:
        """Return λ = π_max (1 + s)², a bound on the curvature.

        s is the largest a_l Lip(f_{l-1}) ‖W_l‖₂ for l ≥ 2, 1 more where a skip leads to layer l. With a `prior` π_0,
        layer 0 is free, and W_1 and π_0 count as well.
        """
        s = float(np.max(self._gains(1 if prior is None else 0), initial=0.0))
        # Not a power: Python's floats refuse one that overflows.
        return max(prior or 0.0, *self._kept(precisions)) * (1 + s) * (1 + s)

    def curvature_in_errors(self, precisions: tuple[float, ...]) -> float:
        """Return λ = 1 + π_L Σ_l s_l² / π_l, a bound on the energy's curvature in the errors, in units of their π_l.

        s_l is the product of the gains of `curvature` from layer l + 1 to L, l running over the hidden layers.
        """
        *hidden, top = self._kept(precisions)
        reach, total = 1.0, 0.0
        for gain, precision in zip(self._gains(1)[::-1], hidden[::-1], strict=True):
            reach *= float(gain) * float(gain)
            total += reach / precision
        return 1 + top * total

    def _gains(self, lowest: int) -> NDArray[np.float64]:
        """Return a_l Lip(f_{l-1}) ‖W_l‖₂ for l above `lowest`, 1 more where a skip leads to layer l."""
        layout = self.network.layout
        slopes = np.array(LIPSCHITZ)[layout.layers[lowest:-1, ACTIVATION]]
        skipped = layout.layers[lowest + 1 :, SKIP] != 0
        return np.asarray(layout.scales[lowest + 1 :] * slopes * self.norms[lowest:] + skipped, np.float64)

    def _kept(self, precisions: tuple[float, ...]) -> tuple[float, ...]:
        """Return the precisions that count: cross-entropy has no use for the output's."""
        return precisions if self.network.loss == "squared_error" else (*precisions[:-1], 1.0)


def first_step(
    network: PCNetwork, rule: EngineRule, spectrum: Spectrum | None = None, prior: float | None = None
) -> float:
    """Return the state step that `rule` asks for with the weights as they are; norms are found only if needed."""
    if not rule.follows_weights:
        return 0.0 if isinstance(rule.step_size, str) else float(rule.step_size)
    curvature = (spectrum or Spectrum(network)).curvature(rule.layer_precisions(network.n_layers), prior)
    automatic = AUTO_FRACTION / curvature
    return automatic if isinstance(rule.step_size, str) else min(rule.step_size, automatic)


def _largest(weights: NDArray[Any], start: NDArray[np.float64]) -> tuple[NDArray[Any], float]:
    """Return the right singular vector and the value that the power iteration finds from `start`."""
    # In units of about the largest weight, so that no square overflows: this also runs on weights about to diverge; a
    # power of two changes no other bit. Without BLAS, whose threads would decide the last bits and whose limits are the
    # whole process's.
    unit = math.ldexp(1.0, math.frexp(float(np.abs(weights).max(initial=0)))[1] - 1)
    matrix = weights.astype(np.float64) / unit
    vector = start / np.linalg.norm(start)
    square = 0.0
    for _ in range(_ITERATIONS):
        image = np.einsum("ij,i->j", matrix, np.einsum("ij,j->i", matrix, vector))
        square = float(np.sqrt(np.einsum("j,j->", image, image)))
        if not square > 0:
            break
        vector = image / square
    return vector.astype(weights.dtype), unit * float(np.sqrt(square))
