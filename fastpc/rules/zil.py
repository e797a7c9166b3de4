"""Z-IL: predictive coding that makes backpropagation's updates, by learning while the states move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fastpc.rules.tile_rule import TileRule

if TYPE_CHECKING:
    from fastpc.engine.zil import Schedule


@dataclass(frozen=True)
class ZIL(TileRule):
    """Zero-divergence inference learning (Z-IL).

    Plain relaxation from the feed-forward pass with gamma = 1 and pi = 1, for L - 1 steps; W_l takes its update at step
    t = L - l, when its error first arrives and the activity below has not moved yet. All updates are then made at once.
    They are backpropagation's.

    Notes
    -----
    Per sample, x_l^t and e_l^t being states and errors after t steps::

        x_l^{t+1} = x_l^t + f'(x_l^t) ⊙ (e_{l+1}^t W_{l+1}^T) - e_l^t    l = 1 … L-1, all layers at once
        dF/dW_l = - mean over the batch of f(x_{l-1}^t)^T e_l^t           at t = L - l

    `PCNetwork.relax` gives the states where the schedule ends, and as errors those the weights took on the way.
    Source: Song, Lukasiewicz, Xu & Bogacz 2020.
    """

    name: ClassVar[str] = "zil"

    step_size: ClassVar[float] = 1.0  # type: ignore[misc]

    def steps_for(self, n_layers: int) -> int:
        """Return L - 1: the schedule's length."""
        return n_layers - 1

    def relaxation(self, number: type, seed: int) -> Schedule:
        """Return the settings as the kernel takes them."""
        from fastpc.engine.zil import Schedule

        return Schedule(gamma=number(1))
