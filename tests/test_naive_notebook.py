"""The notebook's reference, proved against what the notebook printed."""

import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

import naive_notebook

SHARED = Path(__file__).resolve().parents[2] / "shared"
NOTEBOOKS = sorted((SHARED / "seeds").glob("*.txt"))
# Of the table rounded to eight digits, as text: guards it where the notebook is not at hand.
TABLE_DIGEST = "efb31790bf53e01ccbd4206bb67c37908ddb2c88197aafbb059d7ce5ae9ffaf3"


@pytest.fixture(scope="module")
def mnist() -> tuple[np.ndarray, np.ndarray]:
    """The real training images and labels, where they are at hand."""
    given_path = os.environ.get("FASTPC_DATA")
    paths = [Path(given_path)] if given_path else []
    for path in [*paths, *(p / "mnist.npz" for p in paths), SHARED / "data" / "mnist.npz"]:
        if path.is_file() and path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return arrays["x_train"], arrays["y_train"]
    pytest.skip("MNIST is not at hand: set FASTPC_DATA to an .npz file that holds it")


@pytest.mark.skipif(not NOTEBOOKS, reason="the notebook is not at hand")
def test_notebook_reproduces_every_printed_figure(mnist: tuple[np.ndarray, np.ndarray]) -> None:
    table, accuracy = naive_notebook.as_printed(*mnist)
    n_figures = 0
    for notebook in NOTEBOOKS:
        text = notebook.read_text()
        assert f"Batch Accuracy: {accuracy * 100:.2f}%" in text
        # A figure is whole if a comma or bracket follows it: the file breaks off inside one.
        rows = text[text.index("array([[") :].removeprefix("array(").split("[")[2:]
        for row, expected in zip(rows, table, strict=False):
            figures = [float(figure) for figure in re.findall(r"(0\.\d+)\s*[,\]]", row)]
            np.testing.assert_array_equal(figures, expected[: len(figures)].round(8))
            n_figures += len(figures)
    assert n_figures >= 73 * len(NOTEBOOKS)


def test_notebook_table_has_the_recorded_digest(mnist: tuple[np.ndarray, np.ndarray]) -> None:
    table, accuracy = naive_notebook.as_printed(*mnist)
    text = "\n".join(" ".join(f"{figure:.8f}" for figure in row) for row in table)
    assert accuracy == 1.0
    assert hashlib.sha256(text.encode()).hexdigest() == TABLE_DIGEST


def test_streaming_rule_takes_the_first_batch_as_printed(
    mnist: tuple[np.ndarray, np.ndarray],
) -> None:
    images, labels = mnist
    x, y = images[:64].reshape(64, 784) / 255.0, np.eye(10)[labels[:64]]
    *_, x2 = naive_notebook.batch(*naive_notebook.initial_weights(), x, y)
    table, _ = naive_notebook.as_printed(images, labels)
    np.testing.assert_allclose(softmax(x2, axis=1).T, table, atol=1e-8)


def test_streaming_rule_diverges_at_its_own_rates(mnist: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = mnist
    w1, w2 = naive_notebook.initial_weights()
    finite = []
    with np.errstate(all="ignore"):
        for start in (0, 64, 128):
            rows = slice(start, start + 64)
            x, y = images[rows].reshape(64, 784) / 255.0, np.eye(10)[labels[rows]]
            w1, w2, *_ = naive_notebook.batch(w1, w2, x, y)
            finite.append(bool(np.isfinite(w1).all()))
    assert finite == [True, True, False]
