"""A network that stands still, on the engine: outputs, relaxed states, gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpc.checks import require_choice
from fastpc.clamp import Clamp
from fastpc.data import Dataset, as_dataset, as_inputs
from fastpc.data.scale import default_scale
from fastpc.divergence import advice_at_rest, largest_entering, largest_number, require_finite
from fastpc.engine import evaluate
from fastpc.engine.gram import gram_pays
from fastpc.engine.inputs import Inputs
from fastpc.engine.layout import BATCH_ERROR, ERROR_STRIDE
from fastpc.engine.settle import require_kernel
from fastpc.engine.sharing import make_sharing
from fastpc.engine.threads import choose_threads
from fastpc.engine.workspace import Workspace, inputs_of, model_of
from fastpc.errors import ConfigurationError
from fastpc.network import LOSSES, softmax
from fastpc.relaxation import Relaxation
from fastpc.rules import PC
from fastpc.rules.generative import RECOGNITION, require_free_bottom
from fastpc.rules.tile_rule import TileRule
from fastpc.spectrum import Spectrum, first_step

if TYPE_CHECKING:
    from fastpc.network import PCNetwork


def forward(network: PCNetwork, x: object, scale: float | None, threads: int | None) -> NDArray[Any]:
    """Return μ_L of the feed-forward pass for every sample; see `PCNetwork.forward`."""
    if isinstance(x, Dataset):
        inputs, scale = x.inputs, x.scale if scale is None else scale
    else:
        inputs = as_inputs(x)
    if scale is None:
        scale = default_scale(inputs, stacklevel=4)
    network.check_inputs(inputs.shape[1])
    data = inputs_of(inputs, None, scale, 1.0, False, np.dtype(network.dtype))
    order = np.arange(inputs.shape[0], dtype=np.int64)
    return outputs_of(network, data, order, choose_threads(threads))


def outputs_of(network: PCNetwork, data: Inputs, order: NDArray[np.int64], threads: int) -> NDArray[Any]:
    """Return μ_L of samples `order` of engine inputs; none at all compiles the kernel and no more."""
    layout = network.layout
    workspace = Workspace(layout, layout.lanes, threads)
    workspace.take(data)
    model = model_of(layout, network.parameters, (1.0,) * network.n_layers, LOSSES.index(network.loss))
    outputs = np.empty((len(order), network.sizes[-1]), layout.dtype)
    evaluate.forward(threads, model, data, order, outputs, workspace.batch, workspace.scratch, make_sharing(1, threads))

    def largest() -> float:
        return max(map(largest_number, (data.dense, data.values))) * float(data.scale)

    require_finite(outputs, "the outputs are not finite", advice_at_rest(network.parameters, largest))
    return outputs


def infer(
    network: PCNetwork, outputs: object, rule: PC | None, prior: float, scale: float | None, threads: int | None
) -> NDArray[Any]:
    """Return the x_0 that explain `outputs`; see `PCNetwork.infer`."""
    if isinstance(outputs, Dataset):
        images, scale = outputs.inputs, outputs.scale if scale is None else scale
    else:
        images = as_inputs(outputs, "outputs")
    if scale is None:
        scale = default_scale(images, stacklevel=4)
    rows = images if isinstance(images, np.ndarray) else images.toarray()
    start = np.zeros((len(rows), network.sizes[0]), network.dtype)
    data = Dataset(start, rows if rows.shape[1] > 1 else rows.astype(np.float64), target_scale=scale)
    return inferred(network, data, RECOGNITION if rule is None else rule, prior, choose_threads(threads))


def inferred(network: PCNetwork, data: Dataset, rule: PC, prior: float, threads: int) -> NDArray[Any]:
    """Return x_0 for the targets of `data`, from its inputs as starting states."""
    require_free_bottom("PCNetwork.infer", rule, prior)
    network.check_targets(data)
    layout, number = network.layout, np.dtype(network.dtype).type
    n, loss = len(data), LOSSES.index(network.loss)
    with_gram = gram_pays(network.sizes, rule.steps, n, loss)
    precisions = rule.layer_precisions(network.n_layers)
    model = model_of(layout, network.parameters, precisions, loss, with_gram, prior)
    workspace = Workspace(layout, layout.lanes, threads)
    inputs = inputs_of(data.inputs, data.targets, data.scale, data.target_scale, False, layout.dtype)
    found = np.empty((n, network.sizes[0]), layout.dtype)
    step = first_step(network, rule, prior=prior)
    evaluate.infer_inputs(
        threads, model, inputs, rule.relaxation(number, network.seed), number(step),
        np.arange(n, dtype=np.int64), found, workspace.batch, workspace.scratch, make_sharing(2, threads),
    )  # fmt: skip
    advise = _advice_on_relaxing(network, data, rule, step, prior)
    require_finite(found, "what was inferred is not finite", advise, [0] * found.shape[1])
    return found


def _advice_on_relaxing(
    network: PCNetwork, data: Dataset, rule: TileRule, step: float, prior: float | None
) -> Callable[[], str]:
    """Return what finds the advice where a relaxation diverged."""

    def limit() -> float:
        return rule.stability_limit(Spectrum(network), prior)

    return advice_at_rest(network.parameters, lambda: largest_entering(data), step, limit)


class _Relaxed:
    """A batch relaxed on the engine, still in its buffers."""

    def __init__(
        self,
        network: PCNetwork,
        x: object,
        y: object,
        rule: TileRule,
        beta: float,
        threads: int | None,
        prior: float | None = None,
    ) -> None:
        data = as_dataset(x, y)
        network.check_targets(data)
        if prior is not None:
            require_free_bottom("PCNetwork.relax", rule, prior)
        self.layout = layout = network.layout
        self.threads = choose_threads(threads)
        self.n_samples = n = len(data)
        self.workspace = Workspace(layout, n, self.threads)
        precisions = rule.layer_precisions(network.n_layers)
        self.model = model_of(layout, network.parameters, precisions, LOSSES.index(network.loss), prior=prior)
        number = layout.dtype.type
        relaxation = rule.relaxation(number, network.seed)
        require_kernel(relaxation)
        inputs = inputs_of(
            data.inputs, data.targets, data.scale, data.target_scale, data.n_classes is not None, layout.dtype
        )
        self.states = np.empty((n, sum(network.sizes[self.model.lowest : -1])), layout.dtype)
        n_tiles = -(-n // layout.lanes)
        self.traces = np.zeros((n_tiles, rule.steps_for(network.n_layers) + 1, len(network.sizes)))
        step = first_step(network, rule, prior=prior)
        evaluate.relax_batch(
            self.threads, self.model, inputs, relaxation, number(step), number(beta), np.arange(n, dtype=np.int64),
            self.states, self.traces, self.workspace.batch, self.workspace.scratch, make_sharing(1, self.threads),
        )  # fmt: skip
        with np.errstate(over="ignore", invalid="ignore"):  # found just below
            self.energy = self.traces.sum(axis=0) / n
        self.advise = _advice_on_relaxing(network, data, rule, step, prior)
        require_finite(self.energy, "the energy is not finite", self.advise, range(len(network.sizes)))
        require_finite(self.states, "the states are not finite", self.advise)


def relax(
    network: PCNetwork,
    x: object,
    y: object,
    rule: TileRule | None,
    clamp: Clamp | str,
    prior: float,
    threads: int | None,
) -> Relaxation:
    """Relax all states that are not clamped; see `PCNetwork.relax`."""
    rule = _checked_rule(rule)
    require_choice("clamp", clamp, tuple(Clamp))
    if clamp == Clamp.INPUT:
        y = _free_outputs(network, x, y, rule, threads)
    elif clamp == Clamp.OUTPUT and x is None:
        x = np.zeros((len(np.asarray(y)), network.sizes[0]), network.dtype)
    relaxed = _Relaxed(network, x, y, rule, _betas(rule)[0], threads, prior if clamp == Clamp.OUTPUT else None)
    parts = np.split(relaxed.states, np.cumsum(network.sizes[relaxed.model.lowest : -1])[:-1], axis=1)
    states = [part.copy() for part in parts] if relaxed.states.size else []
    energy = relaxed.energy
    free = clamp == Clamp.OUTPUT
    errors = []
    layers = zip(relaxed.layout.layers[1:], network.sizes[1:], relaxed.model.precisions[1:], strict=True)
    for row, size, precision in layers:
        start, stride = row[BATCH_ERROR], row[ERROR_STRIDE]
        rows = relaxed.workspace.batch.errors[start : start + relaxed.n_samples * stride]
        # The engine keeps pi_l e_l.
        errors.append(rows.reshape(-1, stride)[:, :size] / precision)
    for l, error in enumerate(errors, 1):
        require_finite(error, "the errors are not finite", relaxed.advise, [l] * error.shape[1])
    return Relaxation(
        states=states[1:] if free else states,
        errors=errors,
        energy=energy[:, 1:],
        steps=int(relaxed.workspace.batch.steps.max()),
        inputs=states[0] if free else None,
        prior_energy=energy[:, 0] if free else None,
    )


def _free_outputs(network: PCNetwork, x: object, y: object, rule: TileRule, threads: int | None) -> NDArray[Any]:
    """Return what free outputs settle at: the predictions of the feed-forward pass."""
    if y is not None or getattr(rule, "start", "feedforward") != "feedforward":
        raise ConfigurationError(
            'expected clamp="input" with no targets and start="feedforward", where free outputs are at rest, '
            "got others; leave them out"
        )
    outputs = forward(network, x, None, threads)
    if network.loss == "cross_entropy":
        outputs = softmax(outputs)
    return outputs if outputs.shape[1] > 1 else outputs.astype(np.float64)


def gradient(
    network: PCNetwork, x: object, y: object, rule: TileRule | None, threads: int | None
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Return the weights' and biases' gradients after a relaxation; see `PCNetwork.gradient`."""
    rule = _checked_rule(rule)
    layout, betas = network.layout, _betas(rule)
    total = layout.empty_parameters()
    for beta in betas:
        relaxed = _Relaxed(network, x, y, rule, beta, threads)
        flat = layout.empty_parameters()
        evaluate.gradient_of_batch(
            relaxed.threads, relaxed.model, relaxed.workspace.units, relaxed.n_samples, flat, relaxed.workspace.batch,
            relaxed.workspace.scratch, make_sharing(1, relaxed.threads),
        )  # fmt: skip
        total += flat / (beta * len(betas))
    require_finite(total, "the gradient is not finite", relaxed.advise)
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
