"""The first product: the sections' sums together are x_0 W_1 + b_1, whoever sums them and in whatever order."""

from typing import Any

import numpy as np
import pytest

from engine.accuracy import Array
from engine.compiled import kernel
from fastpc.engine import first
from fastpc.engine.inputs import SECTION
from fastpc.engine.layout import PREDICTION, Layout
from fastpc.engine.llvm import WORD, lanes
from fastpc.engine.workspace import Workspace, inputs_of, model_of

DTYPES = (np.float32, np.float64)
# One word; the bias in a word of its own; one full section; several, of which the last is short.
N_INPUTS = (3, WORD - 1, WORD, SECTION * WORD - 1, SECTION * WORD, 784, 3 * SECTION * WORD - 40)


@kernel
def _predict(model, inputs, order, start, count, slot, sections, tile, batch, work):
    for section in sections:
        first.load_section(model, inputs, order, start, count, slot, section, batch)
        first.sum_section(model, count, slot, section, batch)
    first.join_sections(model, count, slot, tile, batch, work)


@kernel
def _predict_again(model, count, slot, tile, batch, work):
    first.predict_first(model, count, slot, tile, batch, work)


def images(n_samples: int, n_inputs: int) -> Array:
    rng = np.random.default_rng(n_inputs)
    return (rng.integers(1, 256, (n_samples, n_inputs)) * (rng.random((n_samples, n_inputs)) < 0.2)).astype(np.uint8)


@pytest.mark.parametrize("form", ["copied", "bytes", "in place"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_out", [1, 10, 129])
@pytest.mark.parametrize("n_inputs", N_INPUTS)
def test_sections_together_are_the_product(n_inputs: int, n_out: int, dtype: Any, form: str) -> None:
    layout = Layout((n_inputs, n_out, 2), (0, 0), np.dtype(dtype))
    n_lanes = lanes(dtype)
    workspace = Workspace(layout, 3 * n_lanes, threads=1)
    tile, work = workspace.scratch.tiles[0], workspace.scratch.work[0]
    parameters = layout.empty_parameters()
    parameters[:] = np.random.default_rng(0).normal(0, 1, len(parameters))
    model = model_of(layout, parameters, (1.0, 1.0), 0)
    pixels = images(2 * n_lanes, n_inputs)
    numbers, scale = (pixels.astype(dtype) / dtype(255), 1.0) if form == "in place" else (pixels, 1 / 255)
    data = inputs_of(numbers, None, scale, 1.0, False, np.dtype(dtype))
    if form != "copied":
        workspace.take(data)
    batch = workspace.batch
    order = np.random.default_rng(1).permutation(len(pixels))
    n_sections = -(-(n_inputs // WORD + 1) // SECTION)
    weights, bias = layout.weights(parameters)[0], layout.biases(parameters)[0]

    def found() -> Array:
        start = layout.layers[1, PREDICTION]
        return tile[start : start + n_out * n_lanes].reshape(n_out, n_lanes)[:, :count].T.copy()

    for slot, start, count in ((2, 0, n_lanes), (0, 5, 1), (1, 3, n_lanes // 2 + 1)):
        exact = (pixels[order[start : start + count]] / 255) @ weights.astype(np.float64) + bias
        for buffer in (batch.sums, batch.errors, batch.activities):
            buffer[:] = np.nan  # what lay there before does not matter
        sections = np.arange(n_sections)
        _predict(model, data, order, start, count, slot, sections, tile, batch, work)
        forward = found()
        # Terms cancel: rounding is relative to them, not to their sum.
        terms = (pixels[order[start : start + count]] / 255) @ np.abs(weights).astype(np.float64) + np.abs(bias)
        assert (np.abs(forward - exact) <= 8 * np.finfo(dtype).eps * terms).all()
        _predict(model, data, order, start, count, slot, sections[::-1].copy(), tile, batch, work)
        assert np.array_equal(found(), forward)
        _predict_again(model, count, slot, tile, batch, work)
        assert np.array_equal(found(), forward)
