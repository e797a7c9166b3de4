"""fastpc's side of a comparison: a workload through the public Trainer, behind the same face."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.baselines.base import BETA1, BETA2, EPSILON, Array, Baseline, Parameters

if TYPE_CHECKING:
    from fastpc import BidirectionalNetwork, PCNetwork
    from fastpc.rules import Rule


class _Rate:
    """A schedule that says what the baseline's own rate is at the moment."""

    def __init__(self, baseline: Baseline) -> None:
        self._baseline = baseline

    def factors(self, first_batch: int, count: int, total_batches: int, batches_per_epoch: int) -> NDArray[np.float64]:
        """Return the same factor for every batch."""
        return np.full(count, self._baseline.rate / self._baseline.workload.learning_rate)


class FastPC(Baseline):
    """A Trainer that goes on from epoch to epoch.

    Parameters
    ----------
    threads : int, optional
        As many as the Trainer chooses where None.
    **options
        Of `fastpc.PC`, over those that the workload says.

    Notes
    -----
    The Trainer shuffles for itself, on its own clock, by its own seed. To compare parameters, give
    the baseline that very order: ``orders=Shuffle(n, seed).order``.
    """

    name = "fastpc"
    requires: ClassVar[tuple[str, ...]] = ("fastpc", "numba")
    rules = ("pc", "ipc", "epc", "fpa", "zil", "backprop", "bpc", "hybrid", "unsupervised", "notebook")

    def __init__(self, threads: int | None = None, **options: Any) -> None:
        self._threads = threads
        self._options = options

    def relaxed(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> list[Array]:
        """Return the hidden states in which the rule leaves these samples, with the weights as they stand."""
        trainer = self._trainer
        rule: Any = trainer.rule  # no notebook's: it does not relax alone
        return trainer.network.relax(images, labels, rule).states

    @property
    def session(self) -> Any:
        """A session of its own on the same network, bound to the data, for calls below the Trainer."""
        trainer = self._trainer
        session = trainer.rule.session(trainer.network, trainer.optimizer, trainer.batch_size, trainer.threads)
        session.bind(self._data)
        session.compile()
        return session

    def epoch(self) -> float:
        """Train for one more epoch; return the seconds that count by the Trainer's own clock."""
        history = self._trainer.fit(self._data, epochs=1)
        return float(history.train_seconds)

    def parameters(self) -> Parameters:
        network, rule = self._trainer.network, self.workload.rule
        parts = (network,)
        if rule == "bpc":
            parts = (network.recognition, network.generation)
        elif rule == "hybrid":
            parts = (network, self._trainer.rule.encoder)
        pairs = [(np.array(W), np.array(b)) for part in parts for W, b in zip(part.weights, part.biases, strict=True)]
        if self.workload.rule != "notebook":
            return pairs
        # The network predicts downward; the notebook's W_1 is the matrix next to the image.
        return [(W.T.copy(), np.zeros(len(W), W.dtype)) for W, _ in reversed(pairs)]

    def _build(self) -> None:
        from fastpc.data import Dataset

        images, labels = self.images, self.labels
        if self.workload.generative:
            one_hot = np.eye(10, dtype=self.workload.dtype)[labels]
            self._data = Dataset(one_hot, images, target_scale=1 / 255)
        else:
            self._data = Dataset(images, labels, n_classes=10, scale=1 / 255)

    def _load(self, parameters: Parameters) -> None:
        from fastpc import Adam, Trainer

        w = self.workload
        own = {"notebook": self._notebook, "bpc": self._bidirectional, "hybrid": self._hybrid}
        network, rule = own.get(w.rule, self._discriminative)(parameters)
        self._trainer = Trainer(
            network,
            rule,
            Adam(w.learning_rate, beta1=BETA1, beta2=BETA2, epsilon=EPSILON, schedule=_Rate(self)),
            batch_size=w.batch_size,
            seed=self.seed,
            threads=self._threads,
        )

    def _discriminative(self, parameters: Parameters) -> "tuple[PCNetwork, Rule]":
        from fastpc import PCNetwork
        from fastpc.rules import BY_NAME, Unsupervised

        w = self.workload
        network = PCNetwork(w.sizes, activation=w.activation, loss=w.loss, dtype=w.dtype)
        for weight, bias, (W, b) in zip(network.weights, network.biases, parameters, strict=True):
            weight[...], bias[...] = W, b
        kind: Any = Unsupervised if w.rule == "unsupervised" else BY_NAME[w.rule]
        offered = {"steps": w.steps, "step_size": w.step_size, "momentum": w.momentum} | self._options
        taken = {field.name for field in fields(kind)}
        return network, kind(**{name: value for name, value in offered.items() if name in taken})

    def _bidirectional(self, parameters: Parameters) -> "tuple[BidirectionalNetwork, Rule]":
        from fastpc import BidirectionalNetwork, BidirectionalPC

        w = self.workload
        network = BidirectionalNetwork(w.sizes, w.activation, w.loss, w.dtype)
        n = network.n_layers
        for part, pairs in ((network.recognition, parameters[:n]), (network.generation, parameters[n:])):
            part.weights, part.biases = [W for W, _ in pairs], [b for _, b in pairs]
        return network, BidirectionalPC(steps=w.steps, step_size=w.step_size)

    def _hybrid(self, parameters: Parameters) -> "tuple[PCNetwork, Rule]":
        from fastpc import Hybrid, PCNetwork
        from fastpc.hybrid import bottom_up

        w = self.workload
        network = PCNetwork(w.sizes, w.activation, w.loss, w.dtype)
        encoder, n = bottom_up(network), network.n_layers
        for part, pairs in ((network, parameters[:n]), (encoder, parameters[n:])):
            part.weights, part.biases = [W for W, _ in pairs], [b for _, b in pairs]
        return network, Hybrid(steps=w.steps, step_size=w.step_size, encoder=encoder)

    def _notebook(self, parameters: Parameters) -> "tuple[PCNetwork, Rule]":
        from fastpc.notebook import initial_network
        from fastpc.rules import Notebook

        w = self.workload
        n_pixels, n_hidden, n_classes = w.sizes
        network = initial_network(n_pixels, n_classes, w.dtype, n_hidden)
        for weight, (W, _) in zip(network.weights, reversed(parameters), strict=True):
            weight[...] = W.T
        return network, Notebook(steps=w.steps, step_size=w.step_size, rate=w.learning_rate)

    def _warm_up(self, order: NDArray[np.int64]) -> None:
        self._trainer.fit(self._data.take(order[: self.workload.batch_size]), epochs=1)

    def _train(self, order: NDArray[np.int64]) -> None:
        raise NotImplementedError("the Trainer takes its own order; call epoch()")
