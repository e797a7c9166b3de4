"""PyTorch: PC, backprop and the notebook's rule without autograd, with its fused Adam.

What was measured on the way (784-128-10, batch 64): to compile a batch gains two fifths for PC and
nothing for backprop, and costs 10 to 20 s for each network.
"""

import shutil
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.baselines.base import BETA1, BETA2, EPSILON, Baseline, Parameters
from benchmarks.baselines.batch import Ops, Tensor, gradients, notebook


class TorchEager(Baseline):
    """Eager operations on whole batches; gradients are written by hand, as no tape is needed."""

    name = "torch"
    requires: ClassVar[tuple[str, ...]] = ("torch",)
    rules = ("pc", "backprop", "notebook")

    def _build(self) -> None:
        import torch

        self._torch = torch
        self._ops = _ops()
        self._gradients, self._notebook = gradients, notebook
        self._dtype = getattr(torch, self.workload.dtype)
        self._images, self._labels = torch.from_numpy(self.images), torch.from_numpy(self.labels)
        self._one_hot = torch.eye(10, dtype=self._dtype)

    def _load(self, parameters: Parameters) -> None:
        flat = [self._torch.tensor(array) for layer in parameters for array in layer]
        self._theta = flat
        self._adam = self._torch.optim.Adam(
            flat, lr=self.workload.learning_rate, betas=(BETA1, BETA2), eps=EPSILON, fused=True
        )

    def parameters(self) -> Parameters:
        flat = [tensor.numpy().copy() for tensor in self._theta]
        return list(zip(flat[::2], flat[1::2], strict=True))

    def _warm_up(self, order: NDArray[np.int64]) -> None:
        self._train(order[: self.workload.batch_size])

    def _train(self, order: NDArray[np.int64]) -> None:
        for group in self._adam.param_groups:
            group["lr"] = self.rate
        with self._torch.inference_mode():
            for samples in self._torch.from_numpy(order).split(self.workload.batch_size):
                self._batch(samples)

    def _batch(self, samples: Tensor) -> None:
        w = self.workload
        x = self._images.index_select(0, samples).to(self._dtype).mul_(1 / 255)
        y = self._one_hot.index_select(0, self._labels.index_select(0, samples))
        if w.generative:
            x, y = y, x
        layers = list(zip(self._theta[::2], self._theta[1::2], strict=True))
        if w.rule == "notebook":
            self._theta[::2] = self._notebook(self._ops, w, layers, x, y)
            return
        found = self._gradients(self._ops, w, layers, x, y, len(samples))
        for tensor, gradient in zip(self._theta, found, strict=True):
            tensor.grad = gradient
        self._adam.step()


class TorchCompiled(TorchEager):
    """The same with each batch's arithmetic through `torch.compile`; Adam stays as it is."""

    name = "torch-compile"

    @classmethod
    def available(cls) -> bool:
        return super().available() and shutil.which("g++") is not None

    def _build(self) -> None:
        super()._build()
        # Compiled batches are kept by function, and after a few workloads no more are compiled.
        self._torch.compiler.reset()
        self._gradients = self._torch.compile(gradients, dynamic=False)
        self._notebook = self._torch.compile(notebook, dynamic=False)

    def _warm_up(self, order: NDArray[np.int64]) -> None:
        self._train(order)  # for the short batch, too


def _ops() -> Ops:
    import torch

    def relu(x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.relu(x), (x > 0).to(x.dtype)

    def tanh(x: Tensor) -> tuple[Tensor, Tensor]:
        activity = torch.tanh(x)
        return activity, 1 - activity * activity

    def gelu(x: Tensor) -> tuple[Tensor, Tensor]:
        below = torch.special.ndtr(x)
        return x * below, below + x * torch.exp(-0.5 * x * x) * (2 * np.pi) ** -0.5

    return Ops(
        activations={
            "identity": lambda x: (x, torch.ones_like(x)),
            "relu": relu,
            "tanh": tanh,
            "gelu": gelu,
        },
        softmax=lambda x: torch.softmax(x, -1),
        affine=lambda a, W, b: torch.addmm(b, a, W),
        times_transposed=lambda e, W: e @ W.T,
        transposed_times=lambda a, e: a.T @ e,
        total=lambda e: e.sum(0),
        zeros_like=torch.zeros_like,
    )
