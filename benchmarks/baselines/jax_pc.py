"""JAX: PC, backprop and the notebook's rule, a whole epoch fused into one compiled scan.

What was measured on the way (784-128-10, batch 64): unrolling the relaxation gains a tenth over
`lax.fori_loop`, and gathering each batch inside the scan as much over shuffling the whole set
first; all parameters in one flat vector, sliced into layers, is ten times slower.
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.baselines.base import BETA1, BETA2, EPSILON, Baseline, Parameters
from benchmarks.baselines.batch import Ops, Tensor, gradients, notebook


class JaxScan(Baseline):
    """Immutable arrays all the way; the carry's buffers are donated from epoch to epoch."""

    name = "jax"
    requires: ClassVar[tuple[str, ...]] = ("jax",)
    rules = ("pc", "backprop", "notebook")

    def _build(self) -> None:
        import jax

        if self.workload.dtype == "float64":
            jax.config.update("jax_enable_x64", True)
        self._jax = jax
        self._ops = _ops()
        self._data = jax.device_put((self.images, self.labels.astype(np.int32)))
        self._epoch_of = jax.jit(self._scan, donate_argnums=0)

    def _load(self, parameters: Parameters) -> None:
        flat = [array for layer in parameters for array in layer]
        zeros = [np.zeros_like(array) for array in flat]
        updates = np.zeros((), self.workload.dtype)
        # Copied: the carry is donated, and NumPy's memory must not be given away.
        self._carry = self._jax.tree.map(
            lambda array: self._jax.numpy.array(array, copy=True), (flat, zeros, zeros, updates)
        )

    def parameters(self) -> Parameters:
        flat = [np.array(array) for array in self._carry[0]]
        return list(zip(flat[::2], flat[1::2], strict=True))

    def _train(self, order: NDArray[np.int64]) -> None:
        order, rate = order.astype(np.int32), np.asarray(self.rate, self.workload.dtype)
        self._carry = self._jax.block_until_ready(self._epoch_of(self._carry, *self._data, order, rate))

    def _scan(self, carry: Any, images: Tensor, labels: Tensor, order: Tensor, learning_rate: Tensor) -> Any:
        """One epoch; `carry` is (parameters, m, v, number of updates)."""
        size = self.workload.batch_size
        whole = len(order) // size * size

        def batch(carry: Any, samples: Tensor) -> tuple[Any, None]:
            return self._batch(carry, images[samples], labels[samples], learning_rate), None

        carry, _ = self._jax.lax.scan(batch, carry, order[:whole].reshape(-1, size))
        if whole < len(order):
            carry, _ = batch(carry, order[whole:])
        return carry

    def _batch(self, carry: Any, images: Tensor, labels: Tensor, learning_rate: Tensor) -> Any:
        w = self.workload
        theta, mean, square, updates = carry
        x = images.astype(w.dtype) * (1 / 255)
        y = self._jax.nn.one_hot(labels, 10, dtype=w.dtype)
        if w.generative:
            x, y = y, x
        layers = list(zip(theta[::2], theta[1::2], strict=True))
        if w.rule == "notebook":
            W1, W2 = notebook(self._ops, w, layers, x, y)
            return [W1, theta[1], W2, theta[3]], mean, square, updates
        g = gradients(self._ops, w, layers, x, y, len(labels))
        updates = updates + 1
        rate = learning_rate / (1 - BETA1**updates)
        root = 1 / self._jax.numpy.sqrt(1 - BETA2**updates)
        each = self._jax.tree.map
        mean = each(lambda m, g: BETA1 * m + (1 - BETA1) * g, mean, g)
        square = each(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, square, g)
        theta = each(
            lambda p, m, v: p - rate * m / (self._jax.numpy.sqrt(v) * root + EPSILON),
            theta,
            mean,
            square,
        )
        return theta, mean, square, updates


def _ops() -> Ops:
    import jax
    import jax.numpy as jnp

    def relu(x: Tensor) -> tuple[Tensor, Tensor]:
        return jnp.maximum(x, 0), (x > 0).astype(x.dtype)

    def tanh(x: Tensor) -> tuple[Tensor, Tensor]:
        activity = jnp.tanh(x)
        return activity, 1 - activity * activity

    def gelu(x: Tensor) -> tuple[Tensor, Tensor]:
        below = 0.5 * (1 + jax.lax.erf(x * 0.5**0.5))
        return x * below, below + x * jnp.exp(-0.5 * x * x) * (2 * np.pi) ** -0.5

    return Ops(
        activations={
            "identity": lambda x: (x, jnp.ones_like(x)),
            "relu": relu,
            "tanh": tanh,
            "gelu": gelu,
        },
        softmax=jax.nn.softmax,
        affine=lambda a, W, b: a @ W + b,
        times_transposed=lambda e, W: e @ W.T,
        transposed_times=lambda a, e: a.T @ e,
        total=lambda e: e.sum(0),
        zeros_like=jnp.zeros_like,
    )
