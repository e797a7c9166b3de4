"""A network that stands still, on the engine: outputs, relaxed states, gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpc.data import Dataset, as_dataset, as_inputs
from fastpc.engine import evaluate
from fastpc.engine.inputs import Inputs
from fastpc.engine.layout import BATCH_ERROR, ERROR_STRIDE
from fastpc.engine.settle import require_kernel
from fastpc.engine.sharing import make_sharing
from fastpc.engine.threads import choose_threads
from fastpc.engine.workspace import Workspace, inputs_of, model_of
from fastpc.errors import ConfigurationError
from fastpc.network import LOSSES, Relaxation
from fastpc.rules import PC
from fastpc.rules.tile_rule import TileRule
from fastpc.spectrum import first_step

if TYPE_CHECKING:
    from fastpc.network import PCNetwork


def forward(network: PCNetwork, x: object, scale: float | None, threads: int | None) -> NDArray[Any]:
    """Return μ_L of the feed-forward pass for every sample; see `PCNetwork.forward`."""
    if isinstance(x, Dataset):
        inputs, scale = x.inputs, x.scale if scale is None else scale
    else:
        inputs = as_inputs(x)
    if scale is None:
        scale = 1 / 255 if inputs.dtype == np.uint8 else 1.0
    network.check_inputs(inputs.shape[1])
    data = inputs_of(inputs, None, scale, 1.0, False, np.dtype(network.dtype))
    order = np.arange(inputs.shape[0], dtype=np.int64)
    return outputs_of(network, data, order, choose_threads(threads))


def outputs_of(network: PCNetwork, data: Inputs, order: NDArray[np.int64], threads: int) -> NDArray[Any]:
    """Return μ_L of samples `order` of engine inputs; none at all compiles the kernel and no more."""
    layout = network.layout
    workspace = Workspace(layout, layout.lanes, threads)
    model = model_of(layout, network.parameters, (1.0,) * network.n_layers, LOSSES.index(network.loss))
    outputs = np.empty((len(order), network.sizes[-1]), layout.dtype)
    evaluate.forward(threads, model, data, order, outputs, workspace.batch, workspace.scratch, make_sharing(1, threads))
    return outputs


class _Relaxed:
    """A batch relaxed on the engine, still in its buffers."""

    def __init__(
        self, network: PCNetwork, x: object, y: object, rule: TileRule, threads: int | None, beta: float = 1.0
    ) -> None:
        data = as_dataset(x, y)
        network.check_targets(data)
        self.layout = layout = network.layout
        self.threads = choose_threads(threads)
        self.n_samples = n = len(data)
        self.workspace = Workspace(layout, n, self.threads)
        precisions = rule.layer_precisions(network.n_layers)
        self.model = model_of(layout, network.parameters, precisions, LOSSES.index(network.loss))
        number = layout.dtype.type
        relaxation = rule.relaxation(number, network.seed)
        require_kernel(relaxation)
        inputs = inputs_of(
            data.inputs, data.targets, data.scale, data.target_scale, data.n_classes is not None, layout.dtype
        )
        self.states = np.empty((n, sum(network.sizes[1:-1])), layout.dtype)
        n_tiles = -(-n // layout.lanes)
        self.traces = np.zeros((n_tiles, rule.steps_for(network.n_layers) + 1, len(network.sizes)))
        step = first_step(network, rule)
        evaluate.relax_batch(
            self.threads, self.model, inputs, relaxation, number(step), number(beta), np.arange(n, dtype=np.int64),
            self.states, self.traces, self.workspace.batch, self.workspace.scratch, make_sharing(1, self.threads),
        )  # fmt: skip


def relax(network: PCNetwork, x: object, y: object, rule: TileRule | None, threads: int | None) -> Relaxation:
    """Relax the hidden states under clamped inputs and targets; see `PCNetwork.relax`."""
    rule = _checked_rule(rule)
    relaxed = _Relaxed(network, x, y, rule, threads, _betas(rule)[0])
    hidden = np.cumsum(network.sizes[1:-1])
    errors = []
    layers = zip(relaxed.layout.layers[1:], network.sizes[1:], relaxed.model.precisions[1:], strict=True)
    for row, size, precision in layers:
        start, stride = row[BATCH_ERROR], row[ERROR_STRIDE]
        rows = relaxed.workspace.batch.errors[start : start + relaxed.n_samples * stride]
        # The engine keeps pi_l e_l.
        errors.append(rows.reshape(-1, stride)[:, :size] / precision)
    return Relaxation(
        states=[part.copy() for part in np.split(relaxed.states, hidden[:-1], axis=1)] if len(hidden) else [],
        errors=errors,
        energy=relaxed.traces.sum(axis=0)[:, 1:] / relaxed.n_samples,
        steps=int(relaxed.workspace.batch.steps.max()),
    )


def gradient(
    network: PCNetwork, x: object, y: object, rule: TileRule | None, threads: int | None
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Return the weights' and biases' gradients after a relaxation; see `PCNetwork.gradient`."""
    rule = _checked_rule(rule)
    layout, betas = network.layout, _betas(rule)
    total = layout.empty_parameters()
    for beta in betas:
        relaxed = _Relaxed(network, x, y, rule, threads, beta)
        flat = layout.empty_parameters()
        evaluate.gradient_of_batch(
            relaxed.threads, relaxed.model, relaxed.workspace.units, relaxed.n_samples, flat, relaxed.workspace.batch,
            relaxed.workspace.scratch, make_sharing(1, relaxed.threads),
        )  # fmt: skip
        total += flat / (beta * len(betas))
    return layout.weights(total), layout.biases(total)


def _checked_rule(rule: TileRule | None) -> TileRule:
    if rule is None:
        return PC()
    if not isinstance(rule, TileRule):
        raise ConfigurationError(
            f"expected a rule that settles samples while the weights stand still, such as PC(), got {rule!r}; "
            "pass one of these"
        )
    return rule


def _betas(rule: TileRule) -> tuple[float, ...]:
    """Return how far each relaxation nudges the output: all the way without a nudge."""
    if rule.nudge is None:
        return (1.0,)
    return tuple(sign * rule.nudge.beta for sign in rule.nudge.signs)
