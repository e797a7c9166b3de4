"""Hybrid predictive coding: a generative network whose relaxation starts where a bottom-up network guesses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from fastpc.checks import require_number
from fastpc.errors import ConfigurationError
from fastpc.rules.generative import RECOGNITION, require_free_bottom
from fastpc.rules.pc import PC

if TYPE_CHECKING:
    from fastpc.network import PCNetwork
    from fastpc.optimizers import Optimizer
    from fastpc.session import Session

# From a good guess there is not far to go.
RECOGNITION_STEPS = 10


@dataclass(frozen=True)
class Hybrid(PC):
    """Predictive coding of a generative network, started by a network that recognises.

    The generative network, of sizes (classes or latents, …, pixels), learns as by ``Generative(PC(…))``, or with a
    `prior` as by ``Unsupervised(…)``. A bottom-up network of the same layers in the other order guesses the states in
    which relaxation begins, and learns to guess those in which it ends: each of its layers predicts the relaxed states
    of one layer from the relaxed states of the layer before, by the same optimiser, from its own errors alone.

    Parameters
    ----------
    encoder : PCNetwork, optional
        The bottom-up network, trained in place; by default one that the session makes.
    prior : float, optional
        pi_0, above 0, of free latents at layer 0; by default labels are clamped there.
    recognition : PC, optional
        How to relax where images alone are clamped; by default `RECOGNITION` in ``RECOGNITION_STEPS`` steps, under the
        rule's own precisions.
    **others
        As in `PC`; with solver="gradient", and no other start.

    Raises
    ------
    ConfigurationError
        If a setting is out of bounds.

    Notes
    -----
    With x̂_l the relaxed states, V_l and c_l the bottom-up network's parameters, x_L the image::

        start    x_l = f(x_{l+1}) V_{l+1} + c_{l+1}, from the image down to layer 1 (0 where that is free)
        learning ΔV_{l+1} ∝ mean over the batch of f(x̂_{l+1})^T (x̂_l - f(x̂_{l+1}) V_{l+1} - c_{l+1})

    Source: Tschantz, Millidge, Seth & Buckley 2023.
    """

    name: ClassVar[str] = "hybrid"

    encoder: PCNetwork | None = None
    prior: float | None = None
    recognition: PC | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prior is not None:
            require_number("Hybrid", "prior", self.prior, above=0)
        require_free_bottom("Hybrid", self)
        if self.start != "feedforward" or self.nudge is not None:
            raise ConfigurationError(
                f'Hybrid: expected start="feedforward", the bottom-up one, and no nudge, got start={self.start!r} and '
                f"nudge={self.nudge!r}; leave them out"
            )
        if self.recognition is None:
            own = replace(RECOGNITION, steps=RECOGNITION_STEPS, precisions=self.precisions)
            object.__setattr__(self, "recognition", own)
        require_free_bottom("Hybrid", self.recognition)

    @property
    def takes_weights(self) -> bool:
        """Whether samples may have weights; the two networks share no such account of them."""
        return False

    def relaxation(self, number: type, seed: int) -> Any:
        """Return the settings as kernels take them: states start as they are given."""
        from fastpc.engine.relax import GIVEN

        settings: Any = super().relaxation(number, seed)
        return settings._replace(start=GIVEN)

    def session(self, network: PCNetwork, optimizer: Optimizer, batch_size: int, threads: int) -> Session:
        """Return a session in which `network` and its encoder learn."""
        from fastpc.hybrid import HybridSession

        return HybridSession(self, network, optimizer, batch_size, threads)
