"""NumPy: predictive coding and backprop in preallocated buffers, and the notebook's own loop."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, softmax

from benchmarks.baselines.base import BETA1, BETA2, EPSILON, Array, Baseline, Parameters

BLOCK = 1 << 14
"""Parameters that Adam takes at a time: few enough for all it touches to stay in cache."""


def _relu(x: Array, activity: Array, slope: Array) -> None:
    np.maximum(x, 0, out=activity)
    np.greater(x, 0, out=slope)


def _tanh(x: Array, activity: Array, slope: Array) -> None:
    np.tanh(x, out=activity)
    np.multiply(activity, activity, out=slope)
    np.subtract(1, slope, out=slope)


def _gelu(x: Array, activity: Array, slope: Array) -> None:
    np.multiply(x, x, out=slope)
    slope *= -0.5
    np.exp(slope, out=slope)
    slope *= 1 / np.sqrt(2 * np.pi)
    slope *= x
    np.multiply(x, np.sqrt(0.5), out=activity)
    erf(activity, out=activity)
    activity += 1
    activity *= 0.5  # the Gaussian's distribution function
    slope += activity
    activity *= x


def _identity(x: Array, activity: Array, slope: Array) -> None:
    activity[...] = x
    slope[...] = 1


ACTIVATIONS: dict[str, Callable[[Array, Array, Array], None]] = {
    "identity": _identity,
    "relu": _relu,
    "tanh": _tanh,
    "gelu": _gelu,
}
"""By name: from x, write f(x) and f'(x)."""


@dataclass
class _Workspace:
    """What a batch of B samples needs: arrays of shape (B, n_l)."""

    x: Array  # the input
    states: list[Array]  # over the hidden layers, as the next four
    activities: list[Array]
    slopes: list[Array]
    forces: list[Array]
    velocities: list[Array]
    predictions: list[Array]  # over layers 1…L, as the errors
    errors: list[Array]
    target: Array

    @classmethod
    def allocate(cls, sizes: tuple[int, ...], batch_size: int, dtype: str) -> "_Workspace":
        def empty(layers: tuple[int, ...]) -> list[Array]:
            return [np.empty((batch_size, n), dtype) for n in layers]

        hidden, above = sizes[1:-1], sizes[1:]
        return cls(
            x=empty(sizes[:1])[0],
            states=empty(hidden),
            activities=empty(hidden),
            slopes=empty(hidden),
            forces=empty(hidden),
            velocities=empty(hidden),
            predictions=empty(above),
            errors=empty(above),
            target=empty(above)[-1],
        )


class NumpyPC(Baseline):
    """Every step over the whole batch, nothing allocated, all parameters in one vector for Adam."""

    name = "numpy"
    rules = ("pc", "backprop")

    def _build(self) -> None:
        w = self.workload
        n_parameters = sum((n + 1) * m for n, m in zip(w.sizes, w.sizes[1:], strict=False))
        self._theta, self._gradient, self._mean, self._square = np.zeros((4, n_parameters), w.dtype)
        self._scratch = np.empty(BLOCK, w.dtype)
        self._layers, self._slopes = self._views(self._theta), self._views(self._gradient)
        self._workspaces = {
            size: _Workspace.allocate(w.sizes, size, w.dtype)
            for size in (w.batch_size, len(self.labels) % w.batch_size)
        }
        self._one_hot = np.eye(10, dtype=w.dtype)

    def _load(self, parameters: Parameters) -> None:
        for (weight, bias), (W, b) in zip(self._layers, parameters, strict=True):
            weight[...], bias[...] = W, b
        self._mean[...] = self._square[...] = 0
        self._updates = 0

    def parameters(self) -> Parameters:
        return [(W.copy(), b.copy()) for W, b in self._layers]

    def _warm_up(self, order: NDArray[np.int64]) -> None:
        self._train(order[: self.workload.batch_size])

    def _train(self, order: NDArray[np.int64]) -> None:
        for start in range(0, len(order), self.workload.batch_size):
            samples = order[start : start + self.workload.batch_size]
            space = self._workspaces[len(samples)]
            pixels, labels = space.x, space.target
            if self.workload.generative:
                pixels, labels = labels, pixels
            np.multiply(self.images[samples], 1 / 255, out=pixels, casting="unsafe")
            np.take(self._one_hot, self.labels[samples], axis=0, out=labels)
            self._feedforward(space)
            if self.workload.rule == "pc":
                self._relax(space)
            else:
                self._backward(space)
            self._differentiate(space)
            self._adam()

    def _feedforward(self, s: _Workspace) -> None:
        for i, state in enumerate(s.states):
            self._predict(s, i)
            state[...] = s.predictions[i]
            ACTIVATIONS[self.workload.activation](state, s.activities[i], s.slopes[i])
            s.errors[i][...] = 0
            s.velocities[i][...] = 0
        self._predict(s, len(s.states))
        self._compare_top(s)

    def _relax(self, s: _Workspace) -> None:
        gamma, momentum = self.workload.step_size, self.workload.momentum
        hidden = range(len(s.states))
        for _ in range(self.workload.steps):
            for i in hidden:
                force = s.forces[i]
                np.matmul(s.errors[i + 1], self._layers[i + 1][0].T, out=force)
                force *= s.slopes[i]
                force -= s.errors[i]
                force *= gamma
                if momentum:
                    s.velocities[i] *= momentum
                    force += s.velocities[i]
                    s.velocities[i][...] = force
                s.states[i] += force
                ACTIVATIONS[self.workload.activation](s.states[i], s.activities[i], s.slopes[i])
            for i in hidden:
                self._predict(s, i + 1)
                np.subtract(s.states[i], s.predictions[i], out=s.errors[i])
            self._compare_top(s)

    def _backward(self, s: _Workspace) -> None:
        for i in reversed(range(len(s.states))):
            np.matmul(s.errors[i + 1], self._layers[i + 1][0].T, out=s.errors[i])
            s.errors[i] *= s.slopes[i]

    def _predict(self, s: _Workspace, i: int) -> None:
        weight, bias = self._layers[i]
        np.matmul(s.activities[i - 1] if i else s.x, weight, out=s.predictions[i])
        s.predictions[i] += bias

    def _compare_top(self, s: _Workspace) -> None:
        output = s.predictions[-1]
        if self.workload.loss == "cross_entropy":
            output = softmax(output, axis=1)
        np.subtract(s.target, output, out=s.errors[-1])

    def _differentiate(self, s: _Workspace) -> None:
        """Write the batch-mean gradient."""
        for (weight, bias), activity, error in zip(self._slopes, [s.x, *s.activities], s.errors, strict=True):
            np.matmul(activity.T, error, out=weight)
            np.sum(error, axis=0, out=bias)
        self._gradient *= -1 / len(s.x)

    def _adam(self) -> None:
        self._updates += 1
        rate = self.rate / (1 - BETA1**self._updates)
        root = (1 - BETA2**self._updates) ** -0.5
        epsilon = self._epsilon()
        for start in range(0, len(self._theta), BLOCK):
            theta, g, m, v = (
                vector[start : start + BLOCK] for vector in (self._theta, self._gradient, self._mean, self._square)
            )
            scratch = self._scratch[: len(theta)]
            m *= BETA1
            np.multiply(g, 1 - BETA1, out=scratch)
            m += scratch
            v *= BETA2
            np.multiply(g, g, out=scratch)
            scratch *= 1 - BETA2
            v += scratch
            np.sqrt(v, out=scratch)
            scratch *= root
            scratch += epsilon
            np.divide(m, scratch, out=scratch)
            scratch *= rate
            theta -= scratch

    def _epsilon(self) -> float:
        """Return what is added to the root of the corrected mean square."""
        return EPSILON

    def _views(self, vector: Array) -> Parameters:
        views, at = [], 0
        for n, m in zip(self.workload.sizes, self.workload.sizes[1:], strict=False):
            weight, bias = vector[at : at + n * m], vector[at + n * m : at + (n + 1) * m]
            views.append((weight.reshape(n, m), bias))
            at += (n + 1) * m
        return views


class NumpyNotebook(Baseline):
    """The notebook's own loop, in its names and samples-as-columns arrays, batch after batch."""

    name = "numpy-notebook"
    rules = ("notebook",)

    def _load(self, parameters: Parameters) -> None:
        (W1, _), (W2, _) = parameters
        self._W1, self._W2 = W1.T.copy(), W2.T.copy()

    def parameters(self) -> Parameters:
        return [(W.T.copy(), np.zeros(len(W), W.dtype)) for W in (self._W1, self._W2)]

    def _warm_up(self, order: NDArray[np.int64]) -> None:
        self._train(order[: self.workload.batch_size])

    def _train(self, order: NDArray[np.int64]) -> None:
        dtype = np.dtype(self.workload.dtype)
        lr_s, lr_w = self.workload.step_size, self.workload.learning_rate
        W1, W2 = self._W1, self._W2
        for start in range(0, len(order), self.workload.batch_size):
            samples = order[start : start + self.workload.batch_size]
            x0 = (self.images[samples].astype(dtype) / dtype.type(255)).T
            y_batch = np.eye(10, dtype=dtype)[self.labels[samples]].T
            x1 = np.zeros((len(W1), x0.shape[1]), dtype)
            x2 = np.zeros((len(W2), x0.shape[1]), dtype)
            for _ in range(self.workload.steps):
                pred_x0 = W1.T @ x1
                pred_x1 = W2.T @ x2
                err_x0 = x0 - pred_x0
                err_x1 = x1 - pred_x1
                err_x2 = y_batch - _column_softmax(x2)
                x1 += lr_s * (W1 @ err_x0 - W2.T @ err_x2)
                x2 += lr_s * (W2 @ err_x1 + err_x2)
                W1 += lr_w * (x1 @ err_x0.T)
                W2 += lr_w * (x2 @ err_x1.T)


def _column_softmax(x: Array) -> Array:
    e_x: Array = np.exp(x - np.max(x, axis=0, keepdims=True))
    total: Array = np.sum(e_x, axis=0, keepdims=True)
    return e_x / total
