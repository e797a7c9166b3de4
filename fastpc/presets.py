"""All settings of a training run, and what `fastpc train` takes of them by default, for every rule.

The defaults were chosen on a validation split of MNIST's training set, never on the test set; `--validation` makes one.
`fastpc.reproductions` has settings with names, for `--preset`.
"""

from dataclasses import dataclass
from typing import Literal

# Images at layer 0 and labels at layer L; labels at layer 0 and images at layer L; images at layer L alone.
DIRECTIONS = ("discriminative", "generative", "unsupervised")


@dataclass(frozen=True)
class Preset:
    """All settings of a training run but its data.

    Parameters
    ----------
    hidden : tuple of int
        Sizes of the hidden layers; the data says the first and the last size.
    activation : tuple of str
        One for all hidden layers, or one for each.
    loss, dtype, initializer, residual, scaling
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
    weight_decay : float, optional
        Of the optimiser, which has a default of its own.
    warmup : float, optional
        The part of the run in which the rate rises, of schedules with a rise; they have defaults of their own.
    batch_size, epochs : int
        How much at a time, and how often.
    direction : str
        One of ``DIRECTIONS``: what is clamped where.
    latents : int
        Width of the free layer 0 of an unsupervised network.
    precisions : tuple of float, optional
        pi_1 … pi_L.
    """

    hidden: tuple[int, ...] = (512, 256)
    activation: tuple[str, ...] = ("relu",)
    loss: str = "squared_error"
    dtype: str = "float32"
    initializer: str = "orthogonal"
    residual: bool = False
    scaling: str | None = None
    rule: str = "pc"
    steps: int = 3
    step_size: float | Literal["auto"] = 0.05
    momentum: float = 0.0
    nudge: str = "none"
    beta: float = 0.5
    beta_growth: float = 0.0
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float | None = None
    schedule: str = "cosine"
    warmup: float | None = None
    batch_size: int = 64
    epochs: int = 10
    direction: str = "discriminative"
    latents: int = 32
    precisions: tuple[float, ...] | None = None


# Those that one rule's good values say nothing about another's.
OF_THE_RULE = ("steps", "step_size", "momentum", "nudge", "beta", "beta_growth")

DEFAULT = Preset()
INCREMENTAL = Preset(rule="ipc", steps=5, step_size=0.3, learning_rate=3e-4)
# Chosen on a validation split as well: among relu and gelu, both losses, 4 to 8 steps, fixed and automatic ones. With
# the squared error, fixed steps of 0.1, or of 0.05 at twice the rate, were outgrown by the weights within three epochs.
BIDIRECTIONAL = Preset(
    hidden=(256, 256),
    activation=("gelu",),
    loss="cross_entropy",
    rule="bpc",
    steps=4,
)
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
HYBRID = Preset(
    rule="hybrid",
    direction="generative",
    hidden=(256,),
    steps=10,
    step_size="auto",
    momentum=0.5,
    batch_size=128,
)
BY_RULE = {
    preset.rule: preset
    for preset in (
        DEFAULT,
        INCREMENTAL,
        ERROR_PC,
        FIXED_PREDICTION,
        Z_IL,
        BACKPROP,
        HYBRID,
        BIDIRECTIONAL,
        NOTEBOOK,
    )
}
# Weights that begin large switch hidden units on and off by class: without that the label only shifts the hidden
# states, and recognition stays that of a linear network. Decay brings them down to where relaxation finds its way.
GENERATIVE = Preset(
    direction="generative",
    hidden=(1024,),
    initializer="he_normal",
    steps=5,
    step_size="auto",
    momentum=0.5,
    optimizer="adamw",
    weight_decay=3.0,
    batch_size=256,
    epochs=4,
)
# Hidden states must not say what latents cannot: their errors weigh ten times the image's. Decay keeps the curvature
# low, so that fixed steps, larger than the automatic ones, come near the equilibrium.
UNSUPERVISED = Preset(
    direction="unsupervised",
    hidden=(256,),
    activation=("gelu",),
    initializer="he_normal",
    steps=50,
    step_size=5e-4,
    momentum=0.9,
    precisions=(100.0, 10.0),
    optimizer="adamw",
    weight_decay=1.5,
    batch_size=128,
    epochs=8,
)
BY_DIRECTION = {preset.direction: preset for preset in (DEFAULT, GENERATIVE, UNSUPERVISED)}
