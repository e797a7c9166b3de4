"""Rules that run on the engine's tiles: what they share, and what they may leave out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from fastpc.errors import ConfigurationError
from fastpc.rules.nudge import Nudge
from fastpc.rules.rule import Rule

if TYPE_CHECKING:
    from fastpc.network import PCNetwork
    from fastpc.optimizers import Optimizer
    from fastpc.session import Session


class EngineRule(Rule):
    """A rule whose samples relax in tiles, under settings that its kernels take.

    Attributes
    ----------
    steps : int
        Most relaxation steps for a batch.
    step_size : float or "auto"
        The state step, as its kernel is told; "auto" has a meaning where the rule says so.
    precisions : sequence of float or None
        pi_1 … pi_L; ones where None.
    nudge : Nudge or None
        To learn from a target near the prediction.
    follows_weights : bool
        The engine finds the state step anew for every batch, from the weights' spectral norms.
    with_gram : bool
        The kernel can take a wide output through its Gram matrix; see `fastpc.engine.gram`.
    """

    steps: int = 0
    step_size: float | Literal["auto"] = 0.0
    precisions: Sequence[float] | None = None
    nudge: Nudge | None = None

    @property
    def follows_weights(self) -> bool:
        """Whether the step size depends on the weights."""
        return False

    @property
    def with_gram(self) -> bool:
        """Whether the kernel can use a wide output's Gram matrix."""
        return False

    def steps_for(self, n_layers: int) -> int:
        """Return the most steps that a network of L = `n_layers` weight matrices takes."""
        return self.steps

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

    def advice(self, state_step: float, stable: float, learning_rate: float) -> str:
        """Return what to try after a divergence.

        Parameters
        ----------
        state_step : float
            That of the batch which diverged.
        stable : float
            About the largest state step at which plain relaxation is stable with the weights from before.
        learning_rate : float
            The optimiser's.
        """
        return f"so lower the learning rate ({learning_rate:g}), set clip_norm, or check the data's scale"

    def advice_on_step(self, state_step: float, stable: float, learning_rate: float) -> str:
        """Return what to try where the state step may be at fault: it, if it was above the stability limit."""
        if state_step > stable:
            return (
                f"the state step {state_step:.3g} is above the stability limit, about {stable:.3g} for the "
                'weights before this chunk of batches, so use step_size="auto", or a smaller one'
            )
        general = EngineRule.advice(self, state_step, stable, learning_rate)
        return f"the state step {state_step:.3g} is within the stability limit, about {stable:.3g}, {general}"


class TileRule(EngineRule):
    """A rule whose samples settle by themselves, tile by tile, before any weight moves.

    All it must say is `relaxation`: settings, whose type picks the kernel that settles a tile; see
    `fastpc.engine.settle`. The engine does the rest: the feed-forward pass before, the weights' gradient and the
    optimiser's step after, over batches and threads. A rule from outside the package registers its settings and its
    kernel with `fastpc.engine.settle.register`, and is then as good as any.
    """

    def session(self, network: PCNetwork, optimizer: Optimizer, batch_size: int, threads: int) -> Session:
        """Return a session in which `network` learns by this rule.

        Raises
        ------
        ConfigurationError
            If the rule's settings have no kernel.
        """
        from fastpc.engine.settle import require_kernel
        from fastpc.session import EngineSession

        require_kernel(self.relaxation(network.layout.dtype.type, network.seed))
        return EngineSession(self, network, optimizer, batch_size, threads)
