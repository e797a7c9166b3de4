"""Backpropagation: the baseline beside predictive coding, on the same engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fastpc.rules.tile_rule import TileRule

if TYPE_CHECKING:
    from fastpc.engine.backward import Backward


@dataclass(frozen=True)
class Backprop(TileRule):
    """Backpropagation: one sweep of signals down from the output's error, and no relaxation.

    Notes
    -----
    From the feed-forward pass, per sample::

        delta_L = y - mu_L, or y - softmax(mu_L) for cross-entropy
        delta_l = f'(x_l) ⊙ (delta_{l+1} W_{l+1}^T)
        dF/dW_l = - mean over the batch of f(x_{l-1})^T delta_l

    The states agree with their predictions, so all energy is the loss. `PCNetwork.relax` gives the delta_l as errors.
    Source: Rumelhart, Hinton & Williams 1986.
    """

    name: ClassVar[str] = "backprop"

    def relaxation(self, number: type, seed: int) -> Backward:
        """Return the settings as the kernel takes them."""
        from fastpc.engine.backward import Backward

        return Backward(steps=0)
