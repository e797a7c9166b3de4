"""Every rule at work on the digits: what a test needs to hold all of them to one promise."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastpc import (
    PC,
    SGD,
    ZIL,
    Backprop,
    BidirectionalNetwork,
    BidirectionalPC,
    Dataset,
    ErrorPC,
    FixedPrediction,
    Generative,
    Hybrid,
    IncrementalPC,
    Nudge,
    PCNetwork,
    Trainer,
    Unsupervised,
    load_digits,
)
from fastpc.notebook import initial_network
from fastpc.optimizers import Optimizer
from fastpc.rules import Notebook, Rule

Step = float | Literal["auto"]
UP = (64, 24, 16, 10)
BATCH = 100  # tiles and units of work that are not full, and a last batch that is short

# How each rule is made, for a state step or the rule's own.
RULES: dict[str, Callable[[Step], Rule]] = {
    "pc": lambda step: PC(steps=5, step_size=step),
    "pc, momentum": lambda step: PC(steps=5, step_size=step, momentum=0.8, tolerance=1e-4, start="random"),
    "pc, errors": lambda step: PC(steps=4, solver="errors"),
    "pc, positive": lambda step: PC(steps=5, step_size=step, nudge=Nudge("positive", 0.3)),
    "pc, negative": lambda step: PC(steps=5, step_size=step, nudge=Nudge("negative", 0.3)),
    "pc, centred": lambda step: PC(steps=5, step_size=step, nudge=Nudge("centred", 0.3)),
    "pc, residual": lambda step: PC(steps=5, step_size=step),
    "pc, mupc": lambda step: PC(steps=5, step_size=step),
    "ipc": lambda step: IncrementalPC(steps=4, step_size=step),
    "ipc, centred": lambda step: IncrementalPC(steps=4, step_size=step, nudge=Nudge("centred", 0.3)),
    "epc": lambda step: ErrorPC(steps=30, step_size=step),
    "fpa": lambda step: FixedPrediction(steps=5),
    "zil": lambda step: ZIL(),
    "backprop": lambda step: Backprop(),
    "bpc": lambda step: BidirectionalPC(steps=5, step_size=step),
    "hybrid": lambda step: Hybrid(steps=5, step_size=step),
    "hybrid, unsupervised": lambda step: Hybrid(steps=5, step_size=step, prior=1.0),
    "generative": lambda step: Generative(PC(steps=5, step_size=step)),
    "generative, epc": lambda step: Generative(ErrorPC(steps=5)),
    "unsupervised": lambda step: Unsupervised(steps=5, step_size=step),
    "notebook": lambda step: Notebook(step_size=step),
}
NO_STEP = ("pc, errors", "fpa", "zil", "backprop", "generative, epc")
"""Rules with no state step that could be too large."""
FROM_IMAGES = ("notebook", "hybrid", "generative", "unsupervised")
"""Rules, or what their names begin with, whose networks have the image on top."""


def makes_images(name: str) -> bool:
    """Return whether a rule's network has the image on top."""
    return name.startswith(FROM_IMAGES)


def network_for(name: str, dtype: str = "float32", loss: str = "squared_error", sizes: tuple[int, ...] = UP) -> Any:
    """Return an untrained network that a rule can train; `sizes` with the image first."""
    if name == "notebook":
        return initial_network(sizes[0], sizes[-1], dtype, hidden=sizes[1])
    if name == "bpc":
        return BidirectionalNetwork(sizes, "tanh", loss, dtype)
    if makes_images(name):
        return PCNetwork(sizes[::-1], "gelu", dtype=dtype)
    if "residual" in name or "mupc" in name:
        scaling = "mupc" if "mupc" in name else None
        sizes = (sizes[0], sizes[1], sizes[1], sizes[1], sizes[-1])
        return PCNetwork(sizes, "relu", loss, dtype, residual=True, scaling=scaling)
    return PCNetwork(sizes, ("gelu", *["relu"] * (len(sizes) - 3)), loss, dtype)


def trainer_for(
    name: str,
    optimizer: Optimizer | None = None,
    step: Step = "auto",
    *,
    dtype: str = "float32",
    loss: str = "squared_error",
    batch_size: int = BATCH,
    **settings: Any,
) -> Trainer:
    """Return a trainer of a new network."""
    network = network_for(name, dtype, loss)
    return Trainer(network, RULES[name](step), optimizer or SGD(0.01), batch_size, seed=2, **settings)


def digits(scale: float = 1.0, samples: int = 350) -> Dataset:
    """Return some digits with pixels from 0 to `scale`."""
    train, _ = load_digits()
    images = np.asarray(train.inputs[:samples] * (train.scale * scale))
    return Dataset(images, train.targets[:samples], 10)


def everything(trainer: Trainer) -> dict[str, NDArray[Any]]:
    """Return a copy of all that training changes, encoders and the optimiser's memory included."""
    return dict(trainer.snapshot()[1])


def assert_equal(found: dict[str, NDArray[Any]], expected: dict[str, NDArray[Any]]) -> None:
    """Compare what `everything` returned, bit by bit."""
    assert found.keys() == expected.keys()
    assert all(found[name].tobytes() == expected[name].tobytes() for name in expected)


def assert_finite(arrays: dict[str, NDArray[Any]]) -> None:
    """Every number of what `everything` returned is finite."""
    assert all(np.isfinite(array).all() for array in arrays.values())
