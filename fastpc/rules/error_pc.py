"""Error-based predictive coding: relaxation in the errors, which reach every layer in one sweep."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from fastpc.checks import require_number, require_whole
from fastpc.rules.settings import checked_precisions, require_step_size
from fastpc.rules.tile_rule import TileRule

if TYPE_CHECKING:
    from fastpc.engine.relax_errors import Sweeps
    from fastpc.spectrum import Spectrum


@dataclass(frozen=True)
class ErrorPC(TileRule):
    """Predictive coding whose variables are the errors (ePC).

    The states are what the errors make of them, x_l = mu_l + eps_l, so one sweep down and one up carry a signal through
    all layers, however deep. It settles where plain predictive coding settles, and learns like it from what is left.

    Parameters
    ----------
    steps : int
        T, the sweeps for each batch; 0 leaves all errors but the output's at 0.
    step_size : float or "auto"
        alpha, above 0 and at most 1. "auto" finds one for every sample and sweep.
    precisions : sequence of float, optional
        pi_1 … pi_L, above 0; 1 by default. Cross-entropy has no use for pi_L.
    tolerance : float
        A sample stops once pi_l r_l is nowhere larger; 0 switches this off.

    Raises
    ------
    ConfigurationError
        If a setting is out of bounds.

    Notes
    -----
    From eps = 0, the feed-forward pass, per sample::

        delta_L = pi_L e_L,  delta_l = f'(x_l) ⊙ (delta_{l+1} W_{l+1}^T)
        r_l = delta_l / pi_l - eps_l,  eps_l ← eps_l + alpha r_l          l = 1 … L-1
        x_l = mu_l + eps_l,  mu_{l+1} = f(x_l) W_{l+1} + b_{l+1}          from the bottom up
        dF/dW_l = - mean over the batch of f(x_{l-1})^T pi_l eps_l

    The first sweep's delta_l are backpropagation's. "auto" is Barzilai and Borwein's step; `fastpc.engine.relax_errors`
    has it, with what it saves. Source: Goemaere et al. 2025, who take a fixed step and pi = 1.
    """

    name: ClassVar[str] = "epc"

    steps: int = 8
    step_size: float | Literal["auto"] = "auto"
    precisions: Sequence[float] | None = None
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        require_whole("ErrorPC", "steps", self.steps, at_least=0)
        require_step_size("ErrorPC", self.step_size, at_most=1)
        require_number("ErrorPC", "tolerance", self.tolerance, at_least=0)
        object.__setattr__(self, "precisions", checked_precisions("ErrorPC", self.precisions))

    def relaxation(self, number: type, seed: int) -> Sweeps:
        """Return the settings as the kernel takes them."""
        from fastpc.engine.relax_errors import Sweeps

        fixed = 0 if isinstance(self.step_size, str) else self.step_size
        return Sweeps(steps=self.steps, tolerance=number(self.tolerance), step_size=number(fixed))

    def stability_limit(self, spectrum: Spectrum, prior: float | None = None) -> float:
        """Return about the largest stable fixed alpha, 2 / lambda of the energy in the errors."""
        if isinstance(self.step_size, str) or self.steps == 0:
            return math.inf
        return 2 / spectrum.curvature_in_errors(self.layer_precisions(spectrum.network.n_layers))
