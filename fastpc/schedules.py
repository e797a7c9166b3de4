"""Learning-rate schedules: what multiplies an optimiser's rate, batch by batch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fastpc.checks import require_choice, require_number
from fastpc.errors import ConfigurationError


@runtime_checkable
class Schedule(Protocol):
    """Anything that says by what the learning rate is multiplied at each batch."""

    def factors(self, first_batch: int, count: int, total_batches: int, batches_per_epoch: int) -> NDArray[np.float64]:
        """Return the factors of `count` batches in a row.

        A factor depends on its batch alone, never on how the run is cut into calls.

        Parameters
        ----------
        first_batch : int
            The first batch asked for, counted from 0 over the whole run.
        count : int
            How many batches.
        total_batches, batches_per_epoch : int
            The length of the run and of one epoch, in batches.

        Returns
        -------
        ndarray of float64, shape (count,)
        """
        ...


@dataclass(frozen=True)
class Constant:
    """The same learning rate from the first batch to the last."""

    def factors(self, first_batch: int, count: int, total_batches: int, batches_per_epoch: int) -> NDArray[np.float64]:
        """Return ones; see `Schedule.factors`."""
        return np.ones(count)


@dataclass(frozen=True)
class Step:
    """Multiply the rate by `factor` each time another `every` epochs have passed.

    Parameters
    ----------
    every : float
        Epochs between two steps, above 0.
    factor : float
        What each step multiplies the rate by, in (0, 1].

    Raises
    ------
    ConfigurationError
        If a setting is out of bounds.
    """

    every: float = 1.0
    factor: float = 0.7

    def __post_init__(self) -> None:
        require_number("Step", "every", self.every, above=0)
        require_number("Step", "factor", self.factor, above=0, at_most=1)

    def factors(self, first_batch: int, count: int, total_batches: int, batches_per_epoch: int) -> NDArray[np.float64]:
        """Return `factor` to the number of steps passed; see `Schedule.factors`."""
        # At least a batch, however short the interval; a whole number keeps the steps exact.
        interval = max(1, round(self.every * batches_per_epoch))
        steps = np.arange(first_batch, first_batch + count) // interval
        return np.asarray(float(self.factor) ** steps, np.float64)


@dataclass(frozen=True)
class Cosine:
    """Fall along half a cosine from the full rate to `final` times it, after a linear rise.

    Parameters
    ----------
    final : float
        The factor that the end of the run approaches, in [0, 1].
    warmup : float
        The fraction of the run spent rising to the full rate, in [0, 1).

    Raises
    ------
    ConfigurationError
        If a setting is out of bounds.

    Notes
    -----
    Loshchilov & Hutter 2017, without restarts. `final` is reached just *after* the last batch,
    so that with ``final=0`` no batch is wasted on a rate of zero.
    """

    final: float = 0.0
    warmup: float = 0.0

    def __post_init__(self) -> None:
        require_number("Cosine", "final", self.final, at_least=0, at_most=1)
        require_number("Cosine", "warmup", self.warmup, at_least=0, below=1)

    def factors(self, first_batch: int, count: int, total_batches: int, batches_per_epoch: int) -> NDArray[np.float64]:
        """Return the rise and the cosine's fall; see `Schedule.factors`."""
        batch = np.arange(first_batch, first_batch + count)
        rise = round(self.warmup * total_batches)
        progress = np.clip((batch - rise) / max(1, total_batches - rise), 0.0, 1.0)
        fall = self.final + (1.0 - self.final) * 0.5 * (1.0 + np.cos(np.pi * progress))
        return np.asarray(_rise(batch, rise) * fall, np.float64)


@dataclass(frozen=True)
class Warmup:
    """Rise linearly to the full rate over the first `fraction` of the run, then stay there.

    Parameters
    ----------
    fraction : float
        The fraction of the run spent rising, in [0, 1].

    Raises
    ------
    ConfigurationError
        If `fraction` is out of bounds.
    """

    fraction: float = 0.1

    def __post_init__(self) -> None:
        require_number("Warmup", "fraction", self.fraction, at_least=0, at_most=1)

    def factors(self, first_batch: int, count: int, total_batches: int, batches_per_epoch: int) -> NDArray[np.float64]:
        """Return the rise, then ones; see `Schedule.factors`."""
        batch = np.arange(first_batch, first_batch + count)
        return _rise(batch, round(self.fraction * total_batches))


def _rise(batch: NDArray[np.int_], length: int) -> NDArray[np.float64]:
    """Return 1/length, 2/length, … 1, 1, …: already the first batch learns."""
    return np.minimum(1.0, (batch + 1.0) / max(1, length))


_SCHEDULES: dict[str, Callable[[], Schedule]] = {
    "constant": Constant,
    "step": Step,
    "cosine": Cosine,
    "warmup": Warmup,
}
NAMES = tuple(_SCHEDULES)


def by_name(name: str, warmup: float | None = None) -> Schedule:
    """Return the schedule called `name`, with its default settings.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    warmup : float, optional
        The fraction of the run spent rising to the full rate, for a schedule that rises.

    Raises
    ------
    ConfigurationError
        If `name` is not one of `NAMES`, or has no rise to set.
    """
    require_choice("schedule", name, NAMES)
    if warmup is None:
        return _SCHEDULES[name]()
    if name == "cosine":
        return Cosine(warmup=warmup)
    if name == "warmup":
        return Warmup(warmup)
    raise ConfigurationError(
        f"expected warmup with a schedule that rises, cosine or warmup, got {name}; leave it out, or take one of these"
    )
