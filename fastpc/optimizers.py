"""Optimisers: the numbers that say how a gradient becomes an update. The engine applies them.

In what follows g is the batch-mean gradient of the energy, θ a weight or a bias, and η the
learning rate times the schedule's factor for the batch. Every optimiser takes the same first step:
with ``clip_norm`` set, all gradients of the step are scaled by ``min(1, clip_norm / ‖g‖)``, ‖g‖ being
the Euclidean norm over *all* weights and biases together, before any weight decay. Weight decay λ
pulls weights only, never biases.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from fastpc.checks import require_choice, require_number
from fastpc.errors import ConfigurationError
from fastpc.schedules import Constant, Schedule
from fastpc.schedules import by_name as schedule_by_name


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent, with heavy-ball momentum.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    momentum : float
        μ, in [0, 1).
    weight_decay : float
        λ, added to the gradient of a weight as λ θ; at least 0.
    clip_norm : float, optional
        The largest gradient norm let through, above 0; None lets everything through.
    schedule : Schedule
        Multiplies the learning rate, batch by batch.

    Raises
    ------
    ConfigurationError
        If a setting is out of bounds.

    Notes
    -----
    With v = 0 at first::

        g ← g + λ θ        (weights only)
        v ← μ v + g
        θ ← θ - η v
    """

    name: ClassVar[str] = "sgd"

    learning_rate: float = 0.1
    momentum: float = 0.0
    weight_decay: float = 0.0
    clip_norm: float | None = None
    schedule: Schedule = field(default_factory=Constant)

    def __post_init__(self) -> None:
        _check_shared(self)
        require_number("SGD", "momentum", self.momentum, at_least=0, below=1)

    @property
    def n_slots(self) -> int:
        """How many numbers to remember per parameter (v, where there is momentum)."""
        return 1 if self.momentum else 0


@dataclass(frozen=True)
class Adam:
    """Adam, with weight decay (if any) as a part of the gradient.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    beta1, beta2 : float
        Decay of the running means of g and g², in [0, 1).
    epsilon : float
        Added outside the square root; above 0.
    weight_decay : float
        λ, added to the gradient of a weight as λ θ; at least 0.
    clip_norm : float, optional
        The largest gradient norm let through, above 0; None lets everything through.
    schedule : Schedule
        Multiplies the learning rate, batch by batch.

    Raises
    ------
    ConfigurationError
        If a setting is out of bounds.

    Notes
    -----
    Kingma & Ba 2015. With m = v = 0 at first, and t counting updates from 1::

        g ← g + λ θ        (weights only)
        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²
        θ ← θ - η [m / (1 - β₁ᵗ)] / (√[v / (1 - β₂ᵗ)] + ε)
    """

    name: ClassVar[str] = "adam"

    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    clip_norm: float | None = None
    schedule: Schedule = field(default_factory=Constant)

    def __post_init__(self) -> None:
        _check_shared(self)
        _check_adam(self)

    @property
    def n_slots(self) -> int:
        """How many numbers to remember per parameter (m and v)."""
        return 2


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay, which the running means never see.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    beta1, beta2 : float
        Decay of the running means of g and g², in [0, 1).
    epsilon : float
        Added outside the square root; above 0.
    weight_decay : float
        λ, at least 0.
    clip_norm : float, optional
        The largest gradient norm let through, above 0; None lets everything through.
    schedule : Schedule
        Multiplies the learning rate, batch by batch, and the decay with it.

    Raises
    ------
    ConfigurationError
        If a setting is out of bounds.

    Notes
    -----
    Loshchilov & Hutter 2019. With m = v = 0 at first, and t counting updates from 1::

        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²
        θ ← θ - η ([m / (1 - β₁ᵗ)] / (√[v / (1 - β₂ᵗ)] + ε) + λ θ)        (λ θ: weights only)
    """

    name: ClassVar[str] = "adamw"

    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    clip_norm: float | None = None
    schedule: Schedule = field(default_factory=Constant)

    def __post_init__(self) -> None:
        _check_shared(self)
        _check_adam(self)

    @property
    def n_slots(self) -> int:
        """How many numbers to remember per parameter (m and v)."""
        return 2


Optimizer = SGD | Adam | AdamW


def _check_shared(optimizer: Optimizer) -> None:
    owner = type(optimizer).__name__
    require_number(owner, "learning_rate", optimizer.learning_rate, above=0)
    require_number(owner, "weight_decay", optimizer.weight_decay, at_least=0)
    if optimizer.clip_norm is not None:
        require_number(owner, "clip_norm", optimizer.clip_norm, above=0)
    # A class has the method too, but only an instance can be asked for factors.
    if isinstance(optimizer.schedule, type) or not isinstance(optimizer.schedule, Schedule):
        raise ConfigurationError(
            f"{owner}: expected schedule to be a schedule such as Cosine(), "
            f"got {optimizer.schedule!r}; pass an instance, not a name or a class."
        )


def _check_adam(optimizer: Adam | AdamW) -> None:
    owner = type(optimizer).__name__
    require_number(owner, "beta1", optimizer.beta1, at_least=0, below=1)
    require_number(owner, "beta2", optimizer.beta2, at_least=0, below=1)
    require_number(owner, "epsilon", optimizer.epsilon, above=0)


_OPTIMIZERS: dict[str, type[Optimizer]] = {kind.name: kind for kind in (SGD, Adam, AdamW)}
NAMES = tuple(_OPTIMIZERS)


def by_name(name: str, learning_rate: float | None = None, schedule: Schedule | str = "constant") -> Optimizer:
    """Return the optimiser called `name`, with its defaults for all that is not given.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    learning_rate : float, optional
        None takes the optimiser's own default.
    schedule : Schedule or str
        A schedule, or the name of one.

    Raises
    ------
    ConfigurationError
        If a name is unknown or the rate is out of bounds.
    """
    require_choice("optimizer", name, NAMES)
    if isinstance(schedule, str):
        schedule = schedule_by_name(schedule)
    optimizer = _OPTIMIZERS[name](schedule=schedule)
    if learning_rate is None:
        return optimizer
    return replace(optimizer, learning_rate=learning_rate)
