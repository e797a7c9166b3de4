"""Bidirectional predictive coding: one relaxation between image and label teaches to recognise and to generate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from fastpc.checks import require_number, require_whole
from fastpc.rules.engine_rule import EngineRule
from fastpc.rules.settings import require_step_size

if TYPE_CHECKING:
    from fastpc.bidirectional import BidirectionalNetwork
    from fastpc.engine.bidirectional import Steps
    from fastpc.optimizers import Optimizer
    from fastpc.session import Session


@dataclass(frozen=True)
class BidirectionalPC(EngineRule):
    """Predictive coding in both directions at once (bPC), for a `fastpc.BidirectionalNetwork`.

    Image and label are clamped, and the hidden states, from the bottom-up feed-forward pass on, settle between what
    is predicted from below and from above. Both sets of weights then take a step by their own local errors.

    Parameters
    ----------
    steps : int
        T, the relaxation steps for each batch; 0 leaves the states at their start.
    step_size : float or "auto"
        gamma, above 0. "auto" is half of 1 / lambda, lambda bounding the curvature of the energy in the states for
        the weights as they are, both directions' together; it follows them as they grow.
    alpha_discriminative : float
        alpha_f, above 0: the weight of the bottom-up errors. Cross-entropy's own part of the energy keeps the weight 1.
    alpha_generative : float
        alpha_b, above 0: the weight of the top-down errors, those of the image among them. Small, or the image's many
        pixels outvote the label.

    Raises
    ------
    ConfigurationError
        If a setting is out of bounds.

    Notes
    -----
    With e_l = x_l - mu_l, mu_l = f(x_{l-1}) W_l + b_l, and d_l = x_l - nu_l, nu_l = f(x_{l+1}) V_{l+1} + c_l::

        x_l ← x_l + gamma (f'(x_l) ⊙ (alpha_f e_{l+1} W_{l+1}^T + alpha_b d_{l-1} V_l^T) - alpha_f e_l - alpha_b d_l)
        dF/dW_l = - mean over the batch of f(x_{l-1})^T alpha_f e_l
        dF/dV_l = - mean over the batch of f(x_l)^T alpha_b d_{l-1}

    Source: Oliviers, Tang & Bogacz 2025.
    """

    name: ClassVar[str] = "bpc"
    bidirectional: ClassVar[bool] = True

    steps: int = 8
    step_size: float | Literal["auto"] = "auto"
    alpha_discriminative: float = 1.0
    alpha_generative: float = 1e-3

    def __post_init__(self) -> None:
        require_whole("BidirectionalPC", "steps", self.steps, at_least=0)
        require_step_size("BidirectionalPC", self.step_size)
        require_number("BidirectionalPC", "alpha_discriminative", self.alpha_discriminative, above=0)
        require_number("BidirectionalPC", "alpha_generative", self.alpha_generative, above=0)

    @property
    def follows_weights(self) -> bool:
        """Whether the step size depends on the weights."""
        return isinstance(self.step_size, str)

    def relaxation(self, number: type, seed: int) -> Steps:
        """Return the settings as kernels take them."""
        from fastpc.engine.bidirectional import Steps

        return Steps(self.steps, self.follows_weights)

    def session(self, network: BidirectionalNetwork, optimizer: Optimizer, batch_size: int, threads: int) -> Session:
        """Return a session in which `network` learns in both directions."""
        from fastpc.bidirectional_session import BidirectionalSession

        return BidirectionalSession(self, network, optimizer, batch_size, threads)
