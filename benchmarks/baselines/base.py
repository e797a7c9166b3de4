"""What every baseline is: someone else's training of a workload, epoch by epoch, on the clock."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib.util import find_spec
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import Precision, Rule, Workload

Array = NDArray[Any]
Parameters = list[tuple[Array, Array]]
"""(W_l, b_l) for l = 1…L, W_l of shape (n_{l-1}, n_l), and behind them bPC's top-down ones.

The notebook's rule has no b_l: zeros.
"""

Orders = Callable[[int], NDArray[np.int64]]
"""From an epoch's number, the order in which it takes the samples."""

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Baseline(ABC):
    """One implementation of a workload's training.

    All baselines do the same work on the clock: from uint8 images and integer labels, in a given
    order, with scaling, one-hot targets and the optimiser, to the updated weights; the last, short
    batch included. Compilation is off the clock. Each uses every core that the process may use.

    A subclass holds its data and parameters in its own library's arrays, and implements `_build`,
    `_load`, `_train` and `parameters`.
    """

    name: ClassVar[str]
    requires: ClassVar[tuple[str, ...]] = ()
    """Modules without which it is not available."""
    rules: ClassVar[tuple[Rule, ...]]
    dtypes: ClassVar[tuple[Precision, ...]] = ("float32", "float64")

    workload: Workload
    images: NDArray[np.uint8]  # (N, 784)
    labels: NDArray[np.int64]  # (N,)
    seed: int
    rate: float
    """The learning rate of the epochs to come, at first the workload's. The notebook's rule keeps its own."""

    @classmethod
    def available(cls) -> bool:
        """Whether everything it needs is installed. Imports nothing."""
        return all(find_spec(module) is not None for module in cls.requires)

    @classmethod
    def supports(cls, workload: Workload) -> bool:
        """Whether it implements the workload's rule, at its precision."""
        return workload.rule in cls.rules and workload.dtype in cls.dtypes

    def prepare(
        self,
        workload: Workload,
        images: NDArray[np.uint8],
        labels: NDArray[Any],
        seed: int = 0,
        initial: Parameters | None = None,
        orders: Orders | None = None,
        warm_up: bool = True,
    ) -> None:
        """Get ready for the first epoch: allocate, compile, and load the initial parameters.

        Parameters
        ----------
        workload : Workload
        images : ndarray of uint8, (N, 784)
        labels : ndarray of int, (N,)
            Digits, 0 to 9.
        seed : int
            Of the initial parameters and the orders, where they are not given.
        initial : Parameters, optional
        orders : callable, optional
            From an epoch's number, a permutation of 0…N−1.
        warm_up : bool
            Compile ahead; otherwise the first epoch does.
        """
        self.workload = workload
        self.images = np.ascontiguousarray(images)
        self.labels = np.asarray(labels, np.int64)
        self.seed = seed
        self._orders = orders or shuffled(len(images), seed)
        initial = initial_parameters(workload, seed) if initial is None else initial
        self._build()
        self.restart(initial)
        if warm_up:
            self._warm_up(self._orders(0))
            self.restart(initial)

    def restart(self, initial: Parameters) -> None:
        """Begin again with the first epoch, from these parameters, with whatever is compiled."""
        self._epoch = 0
        self.rate = self.workload.learning_rate
        dtype = self.workload.dtype
        self._load([(W.astype(dtype), b.astype(dtype)) for W, b in initial])

    def epoch(self) -> float:
        """Train for one more epoch; return its seconds."""
        order = self._orders(self._epoch)
        self._epoch += 1
        start = perf_counter()
        self._train(order)
        return perf_counter() - start

    @abstractmethod
    def parameters(self) -> Parameters:
        """Return copies of the parameters as they stand."""

    def _build(self) -> None:  # noqa: B027  (an eager library has nothing to build)
        """Move the data to the library's arrays, and trace what is to be compiled."""

    @abstractmethod
    def _load(self, parameters: Parameters) -> None:
        """Start from these parameters, with an optimiser that remembers nothing."""

    @abstractmethod
    def _train(self, order: NDArray[np.int64]) -> None:
        """Train on the samples in this order, and return when the weights are there."""

    def _warm_up(self, order: NDArray[np.int64]) -> None:
        """Compile, by a whole epoch: libraries compile for each shape, the order's too."""
        self._train(order)


def shuffled(n: int, seed: int) -> Orders:
    """Return a pure function from an epoch's number to a permutation of 0…n−1."""
    return lambda epoch: np.random.default_rng((seed, epoch)).permutation(n)


def initial_parameters(workload: Workload, seed: int) -> Parameters:
    """Draw He-normal weights, or the notebook's for its own rule; biases are zero. float64."""
    rng = np.random.default_rng(seed)

    def scale(n_in: int) -> float:
        return 0.01 if workload.rule == "notebook" else float(np.sqrt(2 / n_in))

    return [(rng.normal(0, scale(n_in), (n_in, n_out)), np.zeros(n_out)) for n_in, n_out in workload.matrices]
