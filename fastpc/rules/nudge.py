"""Nudging: to learn from a target near the prediction, instead of the target itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastpc.checks import require_choice, require_number

KINDS = ("positive", "negative", "centred")


@dataclass(frozen=True)
class Nudge:
    """How far towards the target, or away from it, the output is clamped.

    Parameters
    ----------
    kind : "positive", "negative" or "centred"
        Towards the target; away from it; or both by turns, which cancels what either leaves of first order in beta.
    beta : float
        In (0, 1]: how far. Positive nudging with 1 is learning from the target itself, to the last bit.
    growth : float
        Added to beta with every epoch, until it is 1.

    Raises
    ------
    ConfigurationError
        If a setting is out of bounds.

    Notes
    -----
    With p = mu_L of the feed-forward pass, or its softmax for cross-entropy, and beta negative for negative nudging::

        target  t = p + beta (y - p)
        dF/dW_l = - 1/beta · mean over the batch of f(x_{l-1})^T pi_l e_l

    Divided by beta, the gradient keeps its size however small beta is, and negative nudging flips its sign. "centred"
    nudges batches by turns in training; `PCNetwork.gradient` takes both, [dW(beta) - dW(-beta)] / 2 beta, and
    `PCNetwork.relax` shows the first.

    Once the states have come to rest, a one-sided gradient is off its limit for beta to 0 by something of first order
    in beta, a centred one of second. That limit is backpropagation's gradient with the output's error multiplied by
    (I + H Σ J_l J_l^T)^-1, where J_l = d mu_L / d x_l and H is the loss's curvature in mu_L.

    Sources: Scellier & Bengio 2017; Pinchetti et al. 2024.
    """

    kind: str = "positive"
    beta: float = 0.5
    growth: float = 0.0

    def __post_init__(self) -> None:
        require_choice("the kind of nudge", self.kind, KINDS)
        require_number("Nudge", "beta", self.beta, above=0, at_most=1)
        require_number("Nudge", "growth", self.growth, at_least=0, at_most=1)

    @property
    def signs(self) -> tuple[float, ...]:
        """Which ways to nudge, 1 being towards the target."""
        return {"positive": (1.0,), "negative": (-1.0,), "centred": (1.0, -1.0)}[self.kind]

    def betas(self, epoch: int, first_batch: int, count: int) -> NDArray[np.float64]:
        """Return beta, signed, of `count` batches of an epoch (from 0) on.

        Parameters
        ----------
        epoch : int
            How many epochs are behind.
        first_batch : int
            How many batches are, those of earlier epochs included.
        count : int

        Returns
        -------
        ndarray of float64, shape (count,)
        """
        signs = np.resize(np.roll(self.signs, -first_batch), count)
        return signs * min(1.0, self.beta + self.growth * epoch)
