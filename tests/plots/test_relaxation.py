"""The energy of each layer, as states settle."""

import numpy as np
import pytest

from fastpc import PC, PCNetwork, plots
from fastpc.clamp import Clamp

pytest.importorskip("matplotlib")


def lines(axes):
    return {line.get_label(): np.asarray(line.get_ydata()) for line in axes.get_lines()}


def test_all_steps_of_all_layers_and_their_sum_are_drawn():
    network = PCNetwork((5, 4, 3), seed=1)
    relaxed = network.relax(np.ones((2, 5)), np.eye(3)[:2], PC(steps=6, step_size=0.1))
    (axes,) = plots.relaxation_energy(relaxed, mark=3).axes
    drawn = lines(axes)
    np.testing.assert_allclose(drawn["layer 2"], relaxed.energy[:, 1])
    np.testing.assert_allclose(drawn["all layers"], relaxed.energy.sum(axis=1))
    assert "training stops" in drawn


def test_a_free_layer_s_energy_is_in_the_sum():
    network = PCNetwork((2, 4, 5), activation="tanh", seed=1)
    relaxed = network.relax(None, np.ones((2, 5)), PC(steps=6, step_size=0.1), clamp=Clamp.OUTPUT, prior=1.0)
    assert relaxed.prior_energy is not None
    (axes,) = plots.relaxation_energy(relaxed).axes
    total = relaxed.energy.sum(axis=1) + relaxed.prior_energy
    np.testing.assert_allclose(lines(axes)["all layers"], total)
    assert relaxed.prior_energy[-1] > 0
