"""How well outputs fit targets, found only after every output is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastpc.bidirectional import BidirectionalNetwork
from fastpc.data import Dataset, as_dataset
from fastpc.divergence import advice_at_rest, largest_entering, require_finite
from fastpc.network import PCNetwork

# Classes beyond which a confusion matrix would be larger than anybody looks at.
LARGEST_CONFUSION = 4096


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How a network does on data.

    Attributes
    ----------
    accuracy : float or None
        None without labels.
    loss : float
        The output's loss, a mean over the samples.
    confusion : ndarray of int64, shape (classes, classes), or None
        Rows are labels, columns predictions; None beyond ``LARGEST_CONFUSION`` classes too.
    predictions : ndarray of int64, shape (N,)
        Each sample's largest output.
    """

    accuracy: float | None
    loss: float
    confusion: NDArray[np.int64] | None
    predictions: NDArray[np.int64]

    @classmethod
    def of(cls, outputs: NDArray[np.float64], data: Dataset, loss: str) -> Evaluation:
        """Compare finished outputs (N, n_L) with the targets of `data`."""
        predictions = outputs.argmax(axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            mean_loss = _mean_loss(loss, outputs, data)
        advise = advice_at_rest(outputs, lambda: largest_entering(data))
        require_finite(np.array([mean_loss]), "the loss is not finite", advise)
        if data.n_classes is None:
            return cls(None, mean_loss, None, predictions)
        n = outputs.shape[1]
        confusion = None
        if n <= LARGEST_CONFUSION:
            confusion = np.bincount(data.targets * n + predictions, minlength=n * n).reshape(n, n)
        return cls(float(np.mean(predictions == data.targets)), mean_loss, confusion, predictions)


def evaluate(network: PCNetwork | BidirectionalNetwork, data: object, *, threads: int | None = None) -> Evaluation:
    """Predict all of `data` by the feed-forward pass, and only then look at its targets.

    Raises
    ------
    DataError
        If the data do not fit the network.
    """
    dataset = as_dataset(data)
    network.check_targets(dataset)
    outputs = network.forward(dataset, threads=threads).astype(np.float64)
    return Evaluation.of(outputs, dataset, network.loss)


def _mean_loss(loss: str, outputs: NDArray[np.float64], data: Dataset) -> float:
    targets = data.targets * data.target_scale if data.n_classes is None else np.eye(outputs.shape[1])[data.targets]
    if loss == "squared_error":
        return float(0.5 * np.square(targets - outputs).sum(axis=1).mean())
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-(targets * log_probabilities).sum(axis=1).mean())
