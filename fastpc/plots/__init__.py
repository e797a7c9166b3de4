"""Pictures of what networks learn, as matplotlib figures; matplotlib comes with ``pip install fastpc[plots]``.

Every function returns a new `matplotlib.figure.Figure`, which notebooks show and `save_figure` writes. To import this
module imports no matplotlib.
"""

from fastpc.plots.comparison import comparison
from fastpc.plots.confusion import confusion_matrix
from fastpc.plots.generated import generated_images, reconstructions
from fastpc.plots.images import draw_images
from fastpc.plots.learning import learning_curves
from fastpc.plots.relaxation import relaxation_energy
from fastpc.plots.reproduced import preset_curves, sampled_digits
from fastpc.plots.searched import search_curves, search_history, search_slices
from fastpc.plots.style import available, save_figure
from fastpc.plots.weights import input_weights

__all__ = [
    "available",
    "comparison",
    "confusion_matrix",
    "draw_images",
    "generated_images",
    "input_weights",
    "learning_curves",
    "preset_curves",
    "reconstructions",
    "relaxation_energy",
    "sampled_digits",
    "save_figure",
    "search_curves",
    "search_history",
    "search_slices",
]
