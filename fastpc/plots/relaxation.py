"""How states settle: the energy of each layer, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastpc.plots.learning import draw_layers
from fastpc.plots.style import GREY, new_figure, tidy, whole_numbers
from fastpc.relaxation import Relaxation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def relaxation_energy(*relaxations: Relaxation, titles: tuple[str, ...] = (), mark: int | None = None) -> Figure:
    """Draw each layer's energy after 0, 1, … relaxation steps, and the sum of all.

    Parameters
    ----------
    *relaxations : Relaxation
        What `PCNetwork.relax` returned; of `BidirectionalNetwork.relax`, both.
    titles : tuple of str
        One for each, above its panel.
    mark : int, optional
        The step at which training stops to relax, drawn as a line.
    """
    figure = new_figure(3.2)
    panels = figure.subplots(1, len(relaxations), squeeze=False)[0]
    for k, (axes, relaxation) in enumerate(zip(panels, relaxations, strict=True)):
        energy = np.asarray(relaxation.energy)
        prior = [] if relaxation.prior_energy is None else [relaxation.prior_energy]
        total = energy.sum(axis=1) + sum(prior)
        steps = np.arange(len(energy))
        axes.plot(steps, total, color=GREY, linewidth=2.5, alpha=0.5, label="all layers")
        if mark is not None and 0 < mark < len(energy) - 1:
            axes.axvline(mark, color="black", linewidth=0.9, linestyle=":", label="training stops")
        draw_layers(axes, steps, energy, [f"layer {l}" for l in range(1, energy.shape[1] + 1)])
        tidy(axes, titles[k] if titles else "", "relaxation step", "energy per sample" if k == 0 else "")
        whole_numbers(axes.xaxis)
    return figure
