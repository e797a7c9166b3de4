"""Images that networks make, beside what they were made of."""

import numpy as np
import pytest

from fastpc import plots
from fastpc.errors import DataError

pytest.importorskip("matplotlib")

IMAGES = np.random.default_rng(0).random((5, 4))


def test_reconstructions_are_below_their_images():
    again = IMAGES / 2
    (axes,) = plots.reconstructions(IMAGES, again, 5).axes
    whole = np.asarray(axes.images[0].get_array())
    np.testing.assert_array_equal(whole[:2, 3:5], IMAGES[1].reshape(2, 2))
    np.testing.assert_array_equal(whole[3:5, 3:5], again[1].reshape(2, 2))
    assert f"{0.5 * np.mean(np.sum(again**2, axis=1)):.2f}" in axes.get_title(loc="left")
    with pytest.raises(DataError, match="as many reconstructions"):
        plots.reconstructions(IMAGES, again[:3])


def test_more_than_a_row_of_reconstructions():
    (axes,) = plots.reconstructions(np.zeros((40, 4)), np.zeros((40, 4)), 20).axes
    assert np.asarray(axes.images[0].get_array()).shape == (4 * 3 - 1, 16 * 3 - 1)


def test_each_generated_image_has_its_label():
    figure = plots.generated_images(IMAGES, [3, 1, 4, 1, 5], columns=3)
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in shown] == ["3", "1", "4", "1", "5"]
    np.testing.assert_array_equal(np.asarray(shown[2].images[0].get_array()), IMAGES[2].reshape(2, 2))


def test_without_labels_they_stand_in_a_grid():
    (axes,) = plots.generated_images(IMAGES, columns=4).axes
    assert np.asarray(axes.images[0].get_array()).shape == (5, 11)
