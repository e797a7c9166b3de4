"""fastpc's side of a comparison: a workload through the public Trainer, behind the same face."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.baselines.base import BETA1, BETA2, EPSILON, Baseline, Parameters


class FastPC(Baseline):
    """A Trainer that goes on from epoch to epoch.

    Parameters
    ----------
    threads : int, optional
        As many as the Trainer chooses where None.

    Notes
    -----
    The Trainer shuffles for itself, on its own clock, by its own seed. To compare parameters, give
    the baseline that very order: ``orders=Shuffle(n, seed).order``.
    """

    name = "fastpc"
    requires: ClassVar[tuple[str, ...]] = ("fastpc", "numba")
    rules = ("pc",)

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads

    def epoch(self) -> float:
        """Train for one more epoch; return the seconds that count by the Trainer's own clock."""
        history = self._trainer.fit(self._data, epochs=1)
        return float(history.train_seconds)

    def parameters(self) -> Parameters:
        network = self._trainer.network
        pairs = zip(network.weights, network.biases, strict=True)
        return [(np.array(W), np.array(b)) for W, b in pairs]

    def _build(self) -> None:
        from fastpc.data import Dataset

        images, labels = self.images, self.labels
        if self.workload.generative:
            one_hot = np.eye(10, dtype=self.workload.dtype)[labels]
            self._data = Dataset(one_hot, images, target_scale=1 / 255)
        else:
            self._data = Dataset(images, labels, n_classes=10, scale=1 / 255)

    def _load(self, parameters: Parameters) -> None:
        from fastpc import PC, Adam, PCNetwork, Trainer

        w = self.workload
        network = PCNetwork(w.sizes, activation=w.activation, loss=w.loss, dtype=w.dtype)
        for weight, bias, (W, b) in zip(network.weights, network.biases, parameters, strict=True):
            weight[...], bias[...] = W, b
        self._trainer = Trainer(
            network,
            PC(steps=w.steps, step_size=w.step_size, momentum=w.momentum),
            Adam(w.learning_rate, beta1=BETA1, beta2=BETA2, epsilon=EPSILON),
            batch_size=w.batch_size,
            seed=self.seed,
            threads=self._threads,
        )

    def _warm_up(self, order: NDArray[np.int64]) -> None:
        self._trainer.fit(self._data.take(order[: self.workload.batch_size]), epochs=1)

    def _train(self, order: NDArray[np.int64]) -> None:
        raise NotImplementedError("the Trainer takes its own order; call epoch()")
