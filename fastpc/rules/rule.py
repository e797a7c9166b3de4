"""What every learning rule has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from fastpc.optimizers import Optimizer
    from fastpc.session import Session


class Rule(ABC):
    """A way of learning: settings, and the session that runs them on the engine.

    A rule is a frozen dataclass. Its `session` returns what the `Trainer` drives, batch after batch; see
    `fastpc.session` for what a session must do.
    """

    name: ClassVar[str]
    bidirectional: ClassVar[bool] = False  # trains a BidirectionalNetwork, where others train a PCNetwork

    @property
    def takes_weights(self) -> bool:
        """Whether samples may have weights."""
        return False

    @abstractmethod
    def session(self, network: Any, optimizer: Optimizer, batch_size: int, threads: int) -> Session:
        """Return a session in which `network`, of the kind that the rule trains, learns by this rule."""
