"""Pictures of what a network learned, as matplotlib figures; matplotlib comes with ``pip install fastpc[plots]``.

Every function returns a new `matplotlib.figure.Figure`, which notebooks show and `save_figure` writes. To import this
module imports no matplotlib.
"""

from fastpc.plots.images import draw_images
from fastpc.plots.reproduced import preset_curves, sampled_digits
from fastpc.plots.style import available, save_figure

__all__ = ["available", "draw_images", "preset_curves", "sampled_digits", "save_figure"]
