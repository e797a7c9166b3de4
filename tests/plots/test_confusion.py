"""The confusion matrix, and the surest mistakes."""

import numpy as np
import pytest

from fastpc import plots
from fastpc.errors import DataError

pytest.importorskip("matplotlib")

# Rows: right, slightly wrong, wrong for sure, right.
OUTPUTS = np.array([[1.0, 0, 0], [0.4, 0.3, 0], [0, 0, 5.0], [0, 1, 0]])
LABELS = np.array([0, 1, 1, 1])


def numbers(axes):
    return {tuple(map(int, reversed(text.get_position()))): int(text.get_text()) for text in axes.texts}


def test_every_answer_is_counted_once():
    (axes,) = plots.confusion_matrix(OUTPUTS, LABELS).axes
    assert numbers(axes) == {(0, 0): 1, (1, 0): 1, (1, 1): 1, (1, 2): 1}
    assert axes.get_title(loc="left") == "2 of 4 wrong (50.00%)"


def test_the_surest_mistakes_come_first():
    images = np.arange(16, dtype=float).reshape(4, 4) / 16
    _, worst = plots.confusion_matrix(OUTPUTS, LABELS, images).axes[:2]
    drawn = worst.child_axes
    assert [axes.get_title() for axes in drawn] == ["1 → 2", "1 → 0"]
    np.testing.assert_array_equal(np.asarray(drawn[0].images[0].get_array()), images[2].reshape(2, 2))


def test_nothing_wrong_is_a_picture_too():
    assert plots.confusion_matrix(np.eye(3), np.arange(3), np.zeros((3, 4))).axes


def test_too_many_classes_for_numbers_are_shades_alone():
    (axes,) = plots.confusion_matrix(np.eye(40), np.arange(40)).axes
    assert not axes.texts


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 1, 3], [0, 1, 1, -1]])
def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(DataError, match="labels among the classes"):
        plots.confusion_matrix(OUTPUTS, labels)
