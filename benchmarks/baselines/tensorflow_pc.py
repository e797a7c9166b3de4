"""TensorFlow: PC, backprop and the notebook's rule as `tf.function`, the epoch's loop in the graph.

What was measured on the way (784-128-10, batch 64, PC): the loop over batches in the graph instead
of in Python gains four fifths, each batch compiled by XLA a half, and the two together train 2.7
times faster than a plain `tf.function` step that Python calls.
"""

import os
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.baselines.base import BETA1, BETA2, EPSILON, Baseline, Parameters
from benchmarks.baselines.batch import Ops, Tensor, gradients, notebook


class TensorFlowGraph(Baseline):
    """Parameters and Adam's memory are variables, which each batch assigns."""

    name = "tensorflow"
    requires: ClassVar[tuple[str, ...]] = ("tensorflow",)
    rules = ("pc", "backprop", "notebook")

    def _build(self) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import tensorflow as tf

        self._tf = tf
        self._ops = _ops()
        self._images, self._labels = tf.constant(self.images), tf.constant(self.labels)
        shapes = [
            shape
            for n, m in zip(self.workload.sizes, self.workload.sizes[1:], strict=False)
            for shape in ((n, m), (m,))
        ]
        self._theta, self._mean, self._square = (
            [tf.Variable(tf.zeros(shape, self.workload.dtype)) for shape in shapes] for _ in range(3)
        )
        self._rate = tf.Variable(tf.zeros((), self.workload.dtype))
        self._updates = tf.Variable(tf.zeros((), self.workload.dtype))
        self._batch_of = tf.function(self._batch, jit_compile=True)
        self._epoch_of = tf.function(self._loop)

    def _load(self, parameters: Parameters) -> None:
        flat = [array for layer in parameters for array in layer]
        for variable, array in zip(self._theta, flat, strict=True):
            variable.assign(array)
        for variable in (*self._mean, *self._square, self._updates):
            variable.assign(self._tf.zeros_like(variable))

    def parameters(self) -> Parameters:
        flat = [variable.numpy() for variable in self._theta]
        return list(zip(flat[::2], flat[1::2], strict=True))

    def _train(self, order: NDArray[np.int64]) -> None:
        self._rate.assign(self.rate)
        self._epoch_of(self._tf.constant(order))
        self._updates.numpy()

    def _loop(self, order: Tensor) -> None:
        """One epoch. Its length is known while tracing, and with it every shape."""
        size, n = self.workload.batch_size, len(order)
        for i in self._tf.range(n // size):
            self._take(self._tf.slice(order, [i * size], [size]))
        if n % size:
            self._take(order[n - n % size :])

    def _take(self, samples: Tensor) -> None:
        # Gathered outside XLA, which would do it pixel by pixel.
        self._batch_of(self._tf.gather(self._images, samples), self._tf.gather(self._labels, samples))

    def _batch(self, images: Tensor, labels: Tensor) -> None:
        tf, w = self._tf, self.workload
        x = tf.cast(images, w.dtype) * (1 / 255)
        y = tf.one_hot(labels, 10, dtype=w.dtype)
        if w.generative:
            x, y = y, x
        layers = [(W.value(), b.value()) for W, b in zip(*[iter(self._theta)] * 2, strict=True)]
        if w.rule == "notebook":
            for variable, weight in zip(self._theta[::2], notebook(self._ops, w, layers, x, y), strict=True):
                variable.assign(weight)
            return
        updates = self._updates.assign_add(1.0)
        rate = self._rate / (1 - BETA1**updates)
        root = tf.math.rsqrt(1 - BETA2**updates)
        found = gradients(self._ops, w, layers, x, y, images.shape[0])
        for theta, m, v, g in zip(self._theta, self._mean, self._square, found, strict=True):
            m.assign(BETA1 * m + (1 - BETA1) * g)
            v.assign(BETA2 * v + (1 - BETA2) * g * g)
            theta.assign_sub(rate * m / (tf.sqrt(v) * root + EPSILON))


def _ops() -> Ops:
    import tensorflow as tf

    def relu(x: Tensor) -> tuple[Tensor, Tensor]:
        return tf.nn.relu(x), tf.cast(x > 0, x.dtype)

    def tanh(x: Tensor) -> tuple[Tensor, Tensor]:
        activity = tf.tanh(x)
        return activity, 1 - activity * activity

    def gelu(x: Tensor) -> tuple[Tensor, Tensor]:
        below = 0.5 * (1 + tf.math.erf(x * 0.5**0.5))
        return x * below, below + x * tf.exp(-0.5 * x * x) * (2 * np.pi) ** -0.5

    product: Any = tf.matmul
    return Ops(
        activations={
            "identity": lambda x: (x, tf.ones_like(x)),
            "relu": relu,
            "tanh": tanh,
            "gelu": gelu,
        },
        softmax=tf.nn.softmax,
        affine=lambda a, W, b: product(a, W) + b,
        times_transposed=lambda e, W: product(e, W, transpose_b=True),
        transposed_times=lambda a, e: product(a, e, transpose_a=True),
        total=lambda e: tf.reduce_sum(e, 0),
        zeros_like=tf.zeros_like,
    )
