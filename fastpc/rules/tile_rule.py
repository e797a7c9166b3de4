"""Rules that settle tiles of samples and then step the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastpc.rules.engine_rule import EngineRule

if TYPE_CHECKING:
    from fastpc.network import PCNetwork
    from fastpc.optimizers import Optimizer
    from fastpc.session import Session


class TileRule(EngineRule):
    """A rule whose samples settle by themselves, tile by tile, before any weight moves.

    All it must say is `relaxation`: settings, whose type picks the kernel that settles a tile; see
    `fastpc.engine.settle`. The engine does the rest: the feed-forward pass before, the weights' gradient and the
    optimiser's step after, over batches and threads. A rule from outside the package registers its settings and its
    kernel with `fastpc.engine.settle.register`, and is then as good as any.
    """

    @property
    def takes_weights(self) -> bool:
        """Whether samples may have weights."""
        return True

    def steps_for(self, n_layers: int) -> int:
        """Return the most steps that a network of L = `n_layers` weight matrices takes."""
        return self.steps

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
