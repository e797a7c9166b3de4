"""What `fastpc train` does when it is told nothing: the one place that says so.

The default was chosen on a validation split of MNIST's training set, never on the test set; `--validation` makes one.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Preset:
    """All settings of a training run but its data.

    Parameters
    ----------
    hidden : tuple of int
        Sizes of the hidden layers; the data says the first and the last size.
    activation : tuple of str
        One for all hidden layers, or one for each.
    loss, dtype : str
        As `fastpc.PCNetwork` takes them.
    rule : str
        The name of a learning rule.
    steps : int
        Relaxation steps per batch.
    step_size : float or "auto"
        Of one relaxation step.
    momentum : float
        Of the states in relaxation.
    nudge : "none", "positive", "negative" or "centred"
        The kind of nudge.
    beta, beta_growth : float
        How far it goes, and what is added with every epoch.
    optimizer, schedule : str
        Names of an optimiser and of its learning-rate schedule.
    learning_rate : float
        Of the optimiser.
    batch_size, epochs : int
        How much at a time, and how often.
    """

    hidden: tuple[int, ...] = (512, 256)
    activation: tuple[str, ...] = ("relu",)
    loss: str = "squared_error"
    dtype: str = "float32"
    rule: str = "pc"
    steps: int = 3
    step_size: float | Literal["auto"] = 0.05
    momentum: float = 0.0
    nudge: str = "none"
    beta: float = 0.5
    beta_growth: float = 0.0
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    batch_size: int = 64
    epochs: int = 10


DEFAULT = Preset()
INCREMENTAL = Preset(rule="ipc", steps=5, step_size=0.3, learning_rate=3e-4)
# The seed notebook's own numbers, for its rule.
NOTEBOOK = Preset(
    hidden=(128,),
    activation=("identity",),
    rule="notebook",
    steps=5,
    step_size=0.1,
    optimizer="sgd",
    learning_rate=0.005,
    schedule="constant",
    batch_size=64,
    epochs=2,
)
# Rules without steps, or step sizes, say 0. Small steps of ePC learned best on a validation split: automatic ones come
# near the equilibrium, and learned worst.
ERROR_PC = Preset(rule="epc", steps=5, step_size=0.01)
FIXED_PREDICTION = Preset(rule="fpa", steps=8, step_size=0.5)
Z_IL = Preset(rule="zil", steps=0, step_size=0.0)
BACKPROP = Preset(rule="backprop", steps=0, step_size=0.0)
BY_RULE = {
    preset.rule: preset
    for preset in (
        DEFAULT,
        INCREMENTAL,
        ERROR_PC,
        FIXED_PREDICTION,
        Z_IL,
        BACKPROP,
        NOTEBOOK,
    )
}
