"""Images as they are drawn."""

import numpy as np
import pytest

from fastpc.plots.images import draw_images
from fastpc.plots.style import new_figure


def test_colours_are_kept():
    images = np.random.default_rng(0).random((2, 12))
    pytest.importorskip("matplotlib")
    drawn = draw_images(new_figure(1).subplots(), images, 2, (2, 2, 3))
    np.testing.assert_array_equal(np.asarray(drawn.get_array())[:, :2], images[0].reshape(2, 2, 3))
