"""What multiplies inputs where nobody says, and what is said of those that look like unscaled pixels."""

import warnings
from typing import Any

import numpy as np
import pytest

from fastpc import PCNetwork, as_dataset
from fastpc.data.scale import default_scale
from fastpc.errors import DataWarning

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 64))
PIXELS[0, :2] = 0, 255


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("ask", [as_dataset, lambda x, y: PCNetwork((64, 10)).predict(x)], ids=["data", "predict"])
def test_pixels_of_another_type_are_used_as_they_are_and_it_is_said(dtype: str, ask: Any) -> None:
    with pytest.warns(DataWarning, match=r"got .* from 0 to 255, which are used as they are; pass scale=1/255"):
        ask(PIXELS.astype(dtype), np.zeros(20, int))


@pytest.mark.parametrize(
    "numbers",
    [PIXELS.astype(np.uint8), PIXELS / 255.0, PIXELS - 128.0, PIXELS * 2.0, PIXELS[:, :20], PIXELS[:, 0], PIXELS // 2],
    ids=["uint8", "scaled", "centred", "larger", "a table", "a column", "up to 127"],
)
def test_nothing_is_said_of_others(numbers: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert default_scale(numbers) == (1 / 255 if numbers.dtype == np.uint8 else 1.0)


@pytest.mark.parametrize("scale", [1, 1 / 255])
def test_whoever_names_a_scale_hears_nothing(scale: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = as_dataset(PIXELS, np.zeros(20, int), scale=scale)
        PCNetwork((64, 10)).predict(PIXELS, scale=scale)
    assert data.scale == scale
