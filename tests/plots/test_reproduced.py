"""What ``fastpc reproduce`` draws."""

import numpy as np
import pytest

from fastpc import plots

pytest.importorskip("matplotlib")


def test_each_preset_has_its_curves_its_ends_and_its_bar():
    curves = {
        "one": {"training": [[0.5, 0.25], [0.4, 0.0]], "test": [0.3, 0.2], "bar": 0.35},
        "two": {"training": [[3.0]], "test": [2.0], "bar": 4.0},
    }
    one, two, empty = plots.preset_curves(curves).axes
    drawn = [np.asarray(line.get_ydata()).tolist() for line in one.get_lines()]
    assert drawn == [[0.5, 0.25], [0.3], [0.4, 1e-5], [0.2], [0.35, 0.35]]
    assert [axes.get_title(loc="left") for axes in (one, two)] == ["one", "two"]
    assert one.get_xlabel() == two.get_xlabel() == "epoch"
    assert not empty.axison


def test_sampled_digits_say_how_many_are_recognised():
    images = {"prior": np.zeros((100, 4)), "test": np.ones((100, 4))}
    prior, test = plots.sampled_digits(images, {"prior": 0.5, "test": 0.75}, 0.9).axes
    assert prior.texts[0].get_text() == "50.0% recognised with p > 0.9"
    assert np.nanmax(np.asarray(test.images[0].get_array())) == 1
