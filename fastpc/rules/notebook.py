"""The seed notebook's rule: states and weights move together, by its own equations and its own rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from fastpc.checks import require_number, require_whole
from fastpc.rules.rule import Rule
from fastpc.rules.settings import require_step_size

if TYPE_CHECKING:
    from fastpc.network import PCNetwork
    from fastpc.optimizers import Optimizer
    from fastpc.session import Session


@dataclass(frozen=True)
class Notebook(Rule):
    """The rule of the notebook that fastpc grew from, for generative networks of sizes (classes, hidden, pixels).

    The image is clamped at the bottom and predicted from above; the label pulls on the top while the states settle.
    States start from zero with every batch, and weights move in every step, by sums over the batch. Use it to
    reproduce the notebook; to learn from, use `PC`.

    Parameters
    ----------
    steps : int
        Steps for each batch.
    step_size : float or "auto"
        The states' rate. The notebook's own 0.1 diverges within three batches of MNIST. "auto" is the smaller of that
        and half of 1 / (1 + ||W_2||)^2, found anew for every step, and the weights' rate keeps the notebook's
        proportion to it.
    rate : float
        The weights' rate. The trainer's optimiser is not used.

    Raises
    ------
    ConfigurationError
        If a setting is out of bounds, or the network is not one of the notebook's kind.

    Notes
    -----
    With x_0 the label's states, x_1 the hidden ones and x_2 the image, all errors from the states before the step::

        e_2 = x_2 - x_1 W_2,  e_1 = x_1 - x_0 W_1,  e_0 = y - softmax(x_0)
        x_1 ← x_1 + step (e_2 W_2^T - e_0 W_1)        the energy's gradient has - e_1 instead of the last term
        x_0 ← x_0 + step (e_1 W_1^T + e_0)
        W_2 ← W_2 + rate x_1^T e_2,  W_1 ← W_1 + rate x_0^T e_1
    """

    name: ClassVar[str] = "notebook"

    steps: int = 5
    step_size: float | Literal["auto"] = 0.1
    rate: float = 0.005

    def __post_init__(self) -> None:
        require_whole("Notebook", "steps", self.steps, at_least=1)
        require_step_size("Notebook", self.step_size)
        require_number("Notebook", "rate", self.rate, above=0)

    def session(self, network: PCNetwork, optimizer: Optimizer, batch_size: int, threads: int) -> Session:
        """Return a session in which `network` learns as in the notebook."""
        from fastpc.notebook import NotebookSession

        return NotebookSession(self, network, batch_size, threads)
