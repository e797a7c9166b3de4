"""Weights as images: those of the units with the largest."""

import numpy as np
import pytest

from fastpc import BidirectionalNetwork, PCNetwork, plots

pytest.importorskip("matplotlib")


def drawn(figure):
    return np.asarray(figure.axes[0].images[0].get_array())


def test_the_unit_with_the_largest_weights_comes_first():
    network = PCNetwork((9, 4, 2), seed=0)
    network.weights[0][:, 2] *= 10
    np.testing.assert_allclose(drawn(plots.input_weights(network))[:3, :3], network.weights[0][:, 2].reshape(3, 3))


def test_where_images_are_on_top_the_last_weights_are_drawn():
    network = PCNetwork((2, 4, 9), seed=0)
    network.weights[1][3] *= 10
    picture = drawn(plots.input_weights(network, top=True))
    np.testing.assert_allclose(picture[:3, :3], network.weights[1][3].reshape(3, 3))


def test_no_more_units_than_asked_for():
    title = plots.input_weights(PCNetwork((6, 40, 2)), 10, shape=(2, 3)).axes[0].get_title(loc="left")
    assert "10 of 40 units" in title


def test_of_both_directions_the_bottom_up_weights_are_drawn():
    network = BidirectionalNetwork((9, 4, 2), seed=0)
    one, other = (drawn(plots.input_weights(found)) for found in (network, network.recognition))
    np.testing.assert_array_equal(one, other)


def test_weights_of_zero_are_a_picture_too():
    network = PCNetwork((9, 4, 2))
    network.parameters[:] = 0
    assert np.nanmax(drawn(plots.input_weights(network))) == 0
