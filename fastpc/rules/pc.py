"""Predictive coding: relax the states to predictions and errors that agree, then learn from the errors left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from fastpc.checks import require_choice, require_number, require_whole
from fastpc.errors import ConfigurationError
from fastpc.rules.nudge import Nudge
from fastpc.rules.settings import checked_precisions, require_nudge, require_step_size
from fastpc.rules.tile_rule import TileRule

if TYPE_CHECKING:
    from fastpc.engine.relax import Relaxation
    from fastpc.engine.relax_errors import Sweeps
    from fastpc.spectrum import Spectrum

STARTS = ("feedforward", "zeros", "random")
SOLVERS = ("gradient", "errors")


@dataclass(frozen=True)
class PC(TileRule):
    """Predictive coding by plain gradient steps on the states, then one local step of the weights.

    Parameters
    ----------
    steps : int
        T, the relaxation steps for each batch; 0 leaves the states at their start.
    step_size : float or "auto"
        gamma, above 0. "auto" is half of 1 / lambda, lambda bounding the curvature of the energy in the
        states for the weights as they are; it follows them as they grow.
    momentum : float
        m of the states' velocity, in [0, 1); the velocity is 0 at the start of each batch.
    start : "feedforward", "zeros" or "random"
        Where the hidden states begin; "random" draws them from a normal distribution a tenth wide.
    precisions : sequence of float, optional
        pi_1 … pi_L, above 0; 1 by default. Cross-entropy has no use for pi_L.
    tolerance : float
        A sample stops moving once its largest state gradient is below; 0 switches this off.
    capped : bool
        Never let a fixed `step_size` exceed the automatic one.
    solver : "gradient" or "errors"
        "gradient" takes the plain steps of the notes below. "errors" takes `steps` sweeps over the errors instead, each
        with a step of its own for every sample, and needs fewer products to the same equilibrium; it starts from the
        feed-forward pass and has no use for `step_size` and `momentum`. Its `tolerance` is on π_l times what an error
        lacks, r_l, which vanishes where the state gradient does. See `fastpc.engine.relax_errors`.
    nudge : Nudge, optional
        To learn from a target near the prediction; by default from the target itself.

    Raises
    ------
    ConfigurationError
        If a setting is out of bounds.

    Notes
    -----
    With e_l = x_l - mu_l and mu_l = f(x_{l-1}) W_l + b_l, per sample::

        v_l ← m v_l + gamma (f'(x_l) ⊙ (pi_{l+1} e_{l+1} W_{l+1}^T) - pi_l e_l)
        x_l ← x_l + v_l                                            l = 1 … L-1, all layers at once
        dF/dW_l = - mean over the batch of f(x_{l-1})^T pi_l e_l

    Sources: Rao & Ballard 1999; Whittington & Bogacz 2017.
    """

    name: ClassVar[str] = "pc"

    steps: int = 8
    step_size: float | Literal["auto"] = 0.1
    momentum: float = 0.0
    start: str = "feedforward"
    precisions: Sequence[float] | None = None
    tolerance: float = 0.0
    capped: bool = False
    solver: str = "gradient"
    nudge: Nudge | None = None

    def __post_init__(self) -> None:
        require_whole("PC", "steps", self.steps, at_least=0)
        require_step_size("PC", self.step_size)
        require_number("PC", "momentum", self.momentum, at_least=0, below=1)
        require_choice("start", self.start, STARTS)
        require_number("PC", "tolerance", self.tolerance, at_least=0)
        require_choice("solver", self.solver, SOLVERS)
        if self.solver == "errors" and (self.momentum != 0 or self.start != "feedforward"):
            raise ConfigurationError(
                'PC: expected solver="errors" with momentum=0 and start="feedforward", '
                f'got momentum={self.momentum!r} and start={self.start!r}; leave these out, or use solver="gradient"'
            )
        object.__setattr__(self, "precisions", checked_precisions("PC", self.precisions))
        require_nudge("PC", self.nudge)

    @property
    def follows_weights(self) -> bool:
        """Whether the step size depends on the weights."""
        return self.solver == "gradient" and (isinstance(self.step_size, str) or self.capped)

    @property
    def with_gram(self) -> bool:
        """Whether the kernel can use a wide output's Gram matrix."""
        return self.solver == "gradient"

    def relaxation(self, number: type, seed: int) -> Relaxation | Sweeps:
        """Return the settings as kernels take them, in numbers of the network's dtype."""
        if self.solver == "errors":
            from fastpc.engine.relax_errors import Sweeps

            return Sweeps(steps=self.steps, tolerance=number(self.tolerance), step_size=number(0))
        from fastpc.engine.relax import Relaxation

        return Relaxation(
            steps=self.steps,
            start=STARTS.index(self.start),
            momentum=number(self.momentum),
            tolerance=number(self.tolerance),
            # What kernels take as a signed number.
            seed=seed & (2**63 - 1),
        )

    def stability_limit(self, spectrum: Spectrum, prior: float | None = None) -> float:
        """Return about the largest stable state step: 2 (1 + m) / lambda of plain steps with momentum m."""
        if self.solver == "errors" or self.steps == 0:
            return math.inf
        precisions = self.layer_precisions(spectrum.network.n_layers)
        return 2 * (1 + self.momentum) / spectrum.curvature(precisions, prior)
