"""Incremental predictive coding: states and weights move together, in every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from fastpc.checks import require_whole
from fastpc.rules.engine_rule import EngineRule
from fastpc.rules.nudge import Nudge
from fastpc.rules.settings import checked_precisions, require_nudge, require_step_size

if TYPE_CHECKING:
    from fastpc.engine.incremental import Increments
    from fastpc.network import PCNetwork
    from fastpc.optimizers import Optimizer
    from fastpc.session import Session
    from fastpc.spectrum import Spectrum


@dataclass(frozen=True)
class IncrementalPC(EngineRule):
    """Incremental predictive coding (iPC): every step moves states and weights, from the same errors.

    A batch gives `steps` updates of the weights, and needs no equilibrium. A step costs what one of backpropagation
    does.

    Parameters
    ----------
    steps : int
        T, the steps for each batch, at least 1. Each is one step of the trainer's optimiser, and Adam's t counts them.
    step_size : float or "auto"
        gamma, above 0. "auto" is half of 1 / lambda, lambda bounding the curvature of the energy in the states; it
        is found anew for every step, as the weights move in every step.
    precisions : sequence of float, optional
        pi_1 … pi_L, above 0; 1 by default. Cross-entropy has no use for pi_L.
    nudge : Nudge, optional
        To learn from a target near the prediction. Negative nudging makes every step of the weights climb the energy:
        with more than one step, a network that was tried learned nothing, and "centred" learned.

    Raises
    ------
    ConfigurationError
        If a setting is out of bounds.

    Notes
    -----
    From the feed-forward pass, T times, all right-hand sides from before the step::

        x_l ← x_l + gamma (f'(x_l) ⊙ (pi_{l+1} e_{l+1} W_{l+1}^T) - pi_l e_l)       l = 1 … L-1
        W_l ← optimiser(W_l, dF/dW_l),  dF/dW_l = - mean over the batch of f(x_{l-1})^T pi_l e_l

    The energies of the history are those before a batch's last step.

    Source: Salvatori et al. 2024.
    """

    name: ClassVar[str] = "ipc"

    steps: int = 8
    step_size: float | Literal["auto"] = 0.1
    precisions: Sequence[float] | None = None
    nudge: Nudge | None = None

    def __post_init__(self) -> None:
        require_whole("IncrementalPC", "steps", self.steps, at_least=1)
        require_step_size("IncrementalPC", self.step_size)
        object.__setattr__(self, "precisions", checked_precisions("IncrementalPC", self.precisions))
        require_nudge("IncrementalPC", self.nudge)

    @property
    def takes_weights(self) -> bool:
        """Whether samples may have weights."""
        return True

    @property
    def follows_weights(self) -> bool:
        """Whether the step size depends on the weights."""
        return isinstance(self.step_size, str)

    @property
    def weights_wait(self) -> bool:
        """Whether weights stay as they are until a batch has relaxed; here they move in every step."""
        return False

    def relaxation(self, number: type, seed: int) -> Increments:
        """Return the settings as kernels take them."""
        from fastpc.engine.incremental import Increments

        return Increments(self.steps)

    def stability_limit(self, spectrum: Spectrum, prior: float | None = None) -> float:
        """Return about the largest stable state step, 2 / lambda."""
        return 2 / spectrum.curvature(self.layer_precisions(spectrum.network.n_layers))

    def session(self, network: PCNetwork, optimizer: Optimizer, batch_size: int, threads: int) -> Session:
        """Return a session in which `network` learns by incremental predictive coding."""
        from fastpc.incremental import IncrementalSession

        return IncrementalSession(self, network, optimizer, batch_size, threads)
