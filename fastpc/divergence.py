"""Divergence: when a batch counts as diverged, where it did, and which remedy fits what was seen.

Energies are held against a ceiling that grows with the targets: large ones are no divergence, and a network that bursts
passes any ceiling within a few batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpc.engine.train import ENERGIES, Chunk
from fastpc.errors import DivergenceError

if TYPE_CHECKING:
    from fastpc.data import Dataset
    from fastpc.data.arrays import Inputs

# A layer's mean energy a sample has left any useful range when it is so many times that of an output of all zeros.
CEILING = 1e12
# Samples whose targets are looked at for that.
_ENOUGH = 1000
# Data are usually at most a few dozen: pixels between 0 and 1, numbers of unit variance.
USUAL_NUMBERS = 100.0
# A limit on the state step that falls by more within one chunk fell to weights that burst, not to weights that grew.
BURST = 100.0


@dataclass(frozen=True)
class Failure:
    """Where a chunk diverged.

    Attributes
    ----------
    batch : int
        Within the chunk, from 0.
    layer : int
        The first layer affected.
    cause : str
        What happened.
    state_step : float
        gamma of that batch.
    weights : bool
        Whether it was the weights that burst, in their step, and not the states before.
    """

    batch: int
    layer: int
    cause: str
    state_step: float
    weights: bool


@dataclass(frozen=True)
class Symptoms:
    """What was seen of a divergence.

    Attributes
    ----------
    state_step : float
        The state step of the batch.
    limit : float
        About the largest state step at which relaxation is stable, for the last good weights; inf where any is.
    limit_then : float
        The same for the weights as the batch found them.
    largest_number : float
        In the data, as they enter the network.
    largest_weight : float
        Before.
    remedy : str or None
        What to try where nothing else is to blame; None where nothing was learned on the way.
    """

    state_step: float
    limit: float
    limit_then: float
    largest_number: float
    largest_weight: float
    remedy: str | None


def advice_on(symptoms: Symptoms) -> str:
    """Return what to try."""
    step, limit = symptoms.state_step, symptoms.limit
    smaller = 'so use step_size="auto", or a smaller one'
    if step > limit:
        return (
            f"the state step {step:.3g} is above the stability limit, about {limit:.3g} for the last good weights, "
            f"{smaller}"
        )
    if symptoms.largest_number > USUAL_NUMBERS:
        return (
            f"the data reach {symptoms.largest_number:.3g}, so scale them to about 1: pixels with scale=1/255, others "
            "by their standard deviation"
        )
    if symptoms.remedy is None:
        return (
            f"the weights reach {symptoms.largest_weight:.3g}, and nothing was learned on the way, so make the network "
            "anew"
        )
    if step > symptoms.limit_then >= limit / BURST:
        return (
            f"the state step {step:.3g} is above the stability limit, {limit:.3g} before this chunk of batches and "
            f"{symptoms.limit_then:.3g} by then, {smaller}"
        )
    return symptoms.remedy


def find_failure(chunk: Chunk, layer_of: Sequence[int] | None = None, owner: str = "") -> Failure | None:
    """Return where a chunk diverged, if it did.

    `layer_of` says which layer each row is, where it is not its own, and `owner` whose layers they are.
    """
    kinds, rows = np.nonzero(chunk.failed)
    if not len(rows):
        return None
    # Energies are the first to tell: weights burst only in the step that follows.
    kind, row = int(kinds[0]), int(rows[0])
    batch = int(chunk.failed[kind, row]) - 1
    energy = chunk.energies[batch, row]
    layer = row if layer_of is None else layer_of[row]
    if kind != ENERGIES:
        cause = f"the weights of {owner}layer {layer}, or the optimiser's memory of them, are no longer finite"
    elif np.isfinite(energy):
        cause = f"the energy of {owner}layer {layer} reached {energy:.3g}"
    else:
        cause = f"the states of {owner}layer {layer} are no longer finite"
    steps_a_batch = (len(chunk.step_sizes) - 1) // len(chunk.correct)
    return Failure(batch, layer, cause, float(chunk.step_sizes[batch * steps_a_batch]), kind != ENERGIES)


def energy_ceiling(data: Dataset, precision: float) -> float:
    """Return the mean energy of a layer above which a batch has diverged, for an output clamped to the targets."""
    return CEILING if data.n_classes is not None else ceiling_of(data.targets, data.target_scale, precision)


def ceiling_of(numbers: Inputs, scale: float, precision: float = 1.0) -> float:
    """Return `energy_ceiling` of an output clamped to these rows: by their median, which no single absurd one moves."""
    some = numbers[:: max(1, numbers.shape[0] // _ENOUGH)]
    rows = np.asarray(some if isinstance(some, np.ndarray) else some.toarray(), np.float64)
    with np.errstate(over="ignore"):
        at_zero = 0.5 * precision * float(np.median(np.square(scale * rows).sum(axis=1)))
    # No infinity, which no energy would be above.
    return float(min(CEILING * max(1.0, at_zero), np.finfo(np.float64).max))


def largest_number(numbers: Inputs) -> float:
    """Return the largest magnitude in an array or a sparse matrix, 0 if it is empty."""
    values = numbers if isinstance(numbers, np.ndarray) else numbers.data
    return max(abs(float(values.min(initial=0))), abs(float(values.max(initial=0))))


def largest_entering(data: Dataset) -> float:
    """Return the largest magnitude of inputs and targets as they enter a network; labels are ones."""
    targets = 1.0 if data.n_classes is not None else largest_number(data.targets) * data.target_scale
    return max(largest_number(data.inputs) * data.scale, targets)


def require_finite(
    numbers: NDArray[Any], cause: str, advise: Callable[[], str], layer_of: Sequence[int] | None = None
) -> None:
    """Raise unless what a network that stands still was asked for is finite.

    Parameters
    ----------
    numbers : ndarray, shape (…, M)
    cause : str
        What is wrong where they are not.
    advise : callable
        Returns what to try then.
    layer_of : sequence of int, length M, optional
        Which layer each column belongs to.

    Raises
    ------
    DivergenceError
        If any number is NaN or infinite.
    """
    if np.isfinite(numbers).all():  # none at all, too
        return
    columns = np.flatnonzero(~np.isfinite(numbers).reshape(-1, numbers.shape[-1]).all(axis=0))
    layer = None if layer_of is None else int(layer_of[columns[0]])
    raise DivergenceError(cause, None, None, layer, advise())


def advice_at_rest(
    parameters: NDArray[Any],
    largest: Callable[[], float],
    state_step: float = 0.0,
    limit: Callable[[], float] = lambda: np.inf,
) -> Callable[[], str]:
    """Return what finds the advice for a network that stands still, once it is needed.

    `largest` finds the largest magnitude of the data as they enter, `limit` about the largest stable state step.
    """

    def advise() -> str:
        stable, weights = limit(), largest_number(parameters)
        return advice_on(Symptoms(state_step, stable, stable, largest(), weights, None))

    return advise
