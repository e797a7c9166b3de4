"""Rows of pixels as images: each in its place."""

import numpy as np
import pytest

from fastpc.errors import DataError
from fastpc.images import image_shape, is_square, tiled


def test_images_stand_side_by_side_in_order():
    images = np.arange(3 * 6, dtype=float).reshape(3, 6)
    whole = tiled(images, 2, (2, 3))
    assert whole.shape == (2 + 1 + 2, 3 + 1 + 3)
    np.testing.assert_array_equal(whole[:2, :3], images[0].reshape(2, 3))
    np.testing.assert_array_equal(whole[:2, 4:], images[1].reshape(2, 3))
    np.testing.assert_array_equal(whole[3:, :3], images[2].reshape(2, 3))
    assert np.isnan(whole[3:, 4:]).all()
    assert np.isnan(whole[2]).all()


def test_colours_are_kept():
    images = np.random.default_rng(0).random((2, 12))
    np.testing.assert_array_equal(tiled(images, 2, (2, 2, 3))[:, :2], images[0].reshape(2, 2, 3))


@pytest.mark.parametrize(("n", "square"), [(784, True), (64, True), (1, False), (63, False)])
def test_squares_are_told_apart(n, square):
    assert is_square(n) is square


def test_a_square_is_taken_for_granted_and_anything_else_asked_for():
    assert image_shape(784) == (28, 28)
    assert image_shape(12, (4, 3)) == (4, 3)
    for n, shape in ((12, None), (12, (5, 3)), (12, (12,)), (16, (2, 2, 4))):
        with pytest.raises(DataError, match="shape"):
            image_shape(n, shape)
