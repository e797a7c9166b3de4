"""Fixed-prediction predictive coding: only errors relax, towards backpropagation's signals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fastpc.checks import require_number, require_whole
from fastpc.rules.tile_rule import TileRule

if TYPE_CHECKING:
    from fastpc.engine.fixed_predictions import FixedPredictions


@dataclass(frozen=True)
class FixedPrediction(TileRule):
    """Predictive coding under the fixed-prediction assumption (FPA).

    Predictions, slopes and presynaptic activities keep their feed-forward values while the errors relax. What is left
    of the difference to backpropagation falls as (1 - gamma)^t; with gamma = 1 it is gone after L - 1 steps.

    Parameters
    ----------
    steps : int
        T, the relaxation steps for each batch; a layer has no error before step L - l.
    step_size : float
        gamma, above 0 and at most 1.

    Raises
    ------
    ConfigurationError
        If a setting is out of bounds.

    Notes
    -----
    With x_l^0 and mu_l^0 from the feed-forward pass, per sample::

        e_l ← e_l + gamma (f'(x_l^0) ⊙ (e_{l+1} W_{l+1}^T) - e_l)    l = 1 … L-1, all layers at once
        dF/dW_l = - mean over the batch of f(x_{l-1}^0)^T e_l

    Source: Millidge, Tschantz & Buckley 2020.
    """

    name: ClassVar[str] = "fpa"

    steps: int = 20
    step_size: float = 0.5

    def __post_init__(self) -> None:
        require_whole("FixedPrediction", "steps", self.steps, at_least=0)
        require_number("FixedPrediction", "step_size", self.step_size, above=0, at_most=1)

    def relaxation(self, number: type, seed: int) -> FixedPredictions:
        """Return the settings as the kernel takes them."""
        from fastpc.engine.fixed_predictions import FixedPredictions

        return FixedPredictions(steps=self.steps)
