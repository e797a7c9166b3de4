"""Keras: backprop on the same network with `Model.fit`, as its documentation has it."""

import os
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.baselines.base import BETA1, BETA2, EPSILON, Baseline, Parameters
from benchmarks.workloads import Precision


class KerasFit(Baseline):
    """Its Adam adds epsilon before the bias correction, so small gradients move a little less."""

    name = "keras"
    requires: ClassVar[tuple[str, ...]] = ("keras", "tensorflow")
    rules = ("backprop",)
    dtypes: ClassVar[tuple[Precision, ...]] = ("float32",)

    def _build(self) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import keras

        w = self.workload
        activation: Any = {"identity": None, "gelu": _erf_gelu}.get(w.activation, w.activation)
        self._model = keras.Sequential(
            [
                keras.Input((w.sizes[0],)),
                *(keras.layers.Dense(n, activation=activation) for n in w.sizes[1:-1]),
                keras.layers.Dense(w.sizes[-1]),
            ]
        )
        self._model.compile(
            optimizer=keras.optimizers.Adam(learning_rate=w.learning_rate, beta_1=BETA1, beta_2=BETA2, epsilon=EPSILON),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True)
            if w.loss == "cross_entropy"
            else _half_squared_error,
        )

    def _load(self, parameters: Parameters) -> None:
        self._model.set_weights([array for layer in parameters for array in layer])
        for variable in self._model.optimizer.variables:
            if variable is not self._model.optimizer.learning_rate:
                variable.assign(np.zeros(variable.shape, variable.dtype))

    def parameters(self) -> Parameters:
        flat = self._model.get_weights()
        return list(zip(flat[::2], flat[1::2], strict=True))

    def _train(self, order: NDArray[np.int64]) -> None:
        self._model.optimizer.learning_rate = self.rate
        x = self.images[order].astype(np.float32)
        x *= 1 / 255
        y = np.eye(10, dtype=np.float32)[self.labels[order]]
        if self.workload.generative:
            x, y = y, x
        self._model.fit(x, y, batch_size=self.workload.batch_size, epochs=1, shuffle=False, verbose=0)


def _half_squared_error(y: Any, output: Any) -> Any:
    import keras

    return 0.5 * keras.ops.sum(keras.ops.square(y - output), axis=-1)


def _erf_gelu(x: Any) -> Any:
    import keras

    return keras.activations.gelu(x, approximate=False)
