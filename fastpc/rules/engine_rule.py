"""Rules that the engine's sessions run: what they share, and what they may leave out."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from fastpc.errors import ConfigurationError
from fastpc.rules.nudge import Nudge
from fastpc.rules.rule import Rule

if TYPE_CHECKING:
    from fastpc.spectrum import Spectrum


class EngineRule(Rule):
    """A rule of layered networks, whose errors move states and weights.

    Attributes
    ----------
    steps : int
        Most relaxation steps for a batch.
    step_size : float or "auto"
        The state step, as its kernel is told; "auto" has a meaning where the rule says so.
    precisions : sequence of float or None
        pi_1 … pi_L; ones where None.
    prior : float or None
        pi_0 where layer 0 is free; None where data clamp it.
    nudge : Nudge or None
        To learn from a target near the prediction.
    follows_weights : bool
        The engine finds the state step anew as the weights move, from their spectral norms.
    with_gram : bool
        The kernel can take a wide output through its Gram matrix; see `fastpc.engine.gram`.
    weights_wait : bool
        Weights stay as they are until a batch has relaxed, so that what is made of them serves all its steps.
    """

    steps: int = 0
    step_size: float | Literal["auto"] = 0.0
    precisions: Sequence[float] | None = None
    prior: float | None = None
    nudge: Nudge | None = None

    @property
    def follows_weights(self) -> bool:
        """Whether the step size depends on the weights."""
        return False

    @property
    def with_gram(self) -> bool:
        """Whether the kernel can use a wide output's Gram matrix."""
        return False

    @property
    def weights_wait(self) -> bool:
        """Whether weights stay as they are until a batch has relaxed."""
        return True

    def layer_precisions(self, n_layers: int) -> tuple[float, ...]:
        """Return pi_1 … pi_L for a network of L = `n_layers` weight matrices.

        Raises
        ------
        ConfigurationError
            If as many were not given.
        """
        if self.precisions is None:
            return (1.0,) * n_layers
        if len(self.precisions) != n_layers:
            raise ConfigurationError(
                f"expected {n_layers} precisions, one for each layer 1 to {n_layers}, got {len(self.precisions)}; "
                "pass as many as the network has weight matrices"
            )
        return tuple(float(precision) for precision in self.precisions)

    @abstractmethod
    def relaxation(self, number: type, seed: int) -> Any:
        """Return the settings as the kernel takes them: a NamedTuple, its real numbers made by `number`.

        Parameters
        ----------
        number : type
            `numpy.float32` or `numpy.float64`, the network's.
        seed : int
            The network's.
        """

    def stability_limit(self, spectrum: Spectrum, prior: float | None = None) -> float:
        """Return about the largest state step at which the rule is stable; infinity where every step it allows is.

        Parameters
        ----------
        spectrum : Spectrum
            Of the network's weights as they are.
        prior : float, optional
            pi_0, where layer 0 is free.
        """
        return math.inf
