"""Weights that touch the image, each unit's drawn as the image it answers to, or draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastpc.bidirectional import BidirectionalNetwork
from fastpc.images import image_shape
from fastpc.network import PCNetwork
from fastpc.plots.images import draw_images
from fastpc.plots.style import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 16


def input_weights(
    network: PCNetwork | BidirectionalNetwork,
    n: int = 64,
    *,
    top: bool = False,
    shape: tuple[int, ...] | None = None,
) -> Figure:
    """Draw the weights between the image and the `n` units that have the largest, one picture a unit.

    Parameters
    ----------
    network : PCNetwork or BidirectionalNetwork
        Of the latter, the bottom-up weights.
    n : int
        How many units at most.
    top : bool
        Whether images are at the last layer, as in networks that generate.
    shape : tuple of int, optional
        (height, width) of the images; a square by default.

    Raises
    ------
    DataError
        If the images are no squares and `shape` does not say what they are.
    """
    network = network.recognition if isinstance(network, BidirectionalNetwork) else network
    weights = np.asarray(network.weights[-1] if top else network.weights[0].T, np.float64)
    image_shape(weights.shape[1], shape)
    norms = np.linalg.norm(weights, axis=1)
    largest = np.argsort(-norms, kind="stable")[:n]
    columns = min(COLUMNS, len(largest))
    # The few largest weights would leave no shade for the others.
    limit = float(np.percentile(np.abs(weights[largest]), 99.5)) or 1.0
    rows = -(-len(largest) // columns)
    figure = new_figure(0.6 + 7.0 / COLUMNS * rows)
    axes = figure.subplots()
    drawn = draw_images(axes, weights[largest], columns, shape, limits=(-limit, limit), colors="gray")
    name = "last layer's" if top else "first layer's"
    text = f"{name} weights of {len(largest)} of {len(weights)} units, largest norms first"
    axes.set_title(text, loc="left", fontsize=9, fontweight="bold")
    bar = figure.colorbar(drawn, ax=axes, fraction=0.03, pad=0.01, ticks=(-limit, 0, limit), format="{x:.2g}")
    bar.ax.tick_params(labelsize=8)
    return figure
