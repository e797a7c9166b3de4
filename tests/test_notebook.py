"""The notebook, to the digit; its rule on a stream of batches; and the honest figure beside its own."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

import naive_notebook
from fastpc import notebook
from fastpc.data import Dataset
from fastpc.errors import ConfigurationError, DataError, DivergenceError
from fastpc.network import PCNetwork
from fastpc.rules import Notebook
from fastpc.trainer import Trainer

SEED_FILES = [path for parent in Path(__file__).resolve().parents for path in parent.glob("shared/seeds/000_*.txt")]


def digest(table: np.ndarray) -> str:
    """Eight decimals, entries joined by spaces, rows by newlines."""
    text = "\n".join(" ".join(f"{value:.8f}" for value in row) for row in table)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module")
def result(mnist: tuple[Dataset, Dataset]) -> notebook.NotebookResult:
    return notebook.run(mnist[0])


class TestTheRun:
    def test_prints_the_notebooks_accuracy(self, result: notebook.NotebookResult) -> None:
        assert result.accuracy == 1.0

    @pytest.mark.skipif(not SEED_FILES, reason="the notebook's own text is not at hand")
    def test_agrees_with_every_figure_the_notebook_printed(self, result: notebook.NotebookResult) -> None:
        text = SEED_FILES[0].read_text(encoding="utf-8")
        rows = text[text.index("array([[") :].removeprefix("array(").split("[")[2:]
        n_figures = 0
        for row, ours in zip(rows, result.probabilities, strict=False):
            # A figure is whole if a comma or bracket follows it: the file breaks off inside one.
            figures = [float(figure) for figure in re.findall(r"(0\.\d+)\s*[,\]]", row)]
            assert list(ours[: len(figures)].round(8)) == figures
            n_figures += len(figures)
        assert n_figures >= 73

    def test_is_the_references_table_wherever_the_notebook_is_not(self, result: notebook.NotebookResult) -> None:
        assert digest(result.probabilities) == "efb31790bf53e01ccbd4206bb67c37908ddb2c88197aafbb059d7ce5ae9ffaf3"

    def test_the_honest_figure_clamps_the_image_alone(
        self, result: notebook.NotebookResult, mnist: tuple[Dataset, Dataset]
    ) -> None:
        first = mnist[0].take(np.arange(64))
        w1, w2 = naive_notebook.initial_weights()
        x0 = first.inputs / 255.0
        w1, w2, _, _ = naive_notebook.batch(w1, w2, x0, np.eye(10)[first.targets])
        alone = naive_notebook.recognise(w1, w2, x0)
        assert result.honest_accuracy == np.mean(alone.argmax(axis=1) == first.targets)
        assert result.honest_accuracy < 0.5

    def test_asks_for_enough_labelled_samples(self) -> None:
        with pytest.raises(DataError, match="expected at least 64 labelled samples, got 3"):
            notebook.run((np.ones((3, 784)), np.array([0, 1, 2])))


def small_data(n: int, seed: int = 0) -> Dataset:
    random = np.random.default_rng(seed)
    return Dataset(random.random((n, 23)), random.integers(0, 4, n), n_classes=4)


class TestTheStreamingRule:
    @pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
    @pytest.mark.parametrize("n", [1, 50, 64, 150])
    def test_equals_the_reference_over_batches_and_the_short_last_one(
        self, n: int, dtype: str, tolerance: float
    ) -> None:
        data = small_data(n)
        network = notebook.initial_network(23, 4, dtype, hidden=17)
        w2, w1 = (np.array(weights, np.float64) for weights in network.weights)
        trainer = Trainer(network, Notebook(step_size=0.05, rate=0.001), batch_size=64, seed=3)
        trainer.fit(data)
        from fastpc.data import Shuffle

        order = Shuffle(n, 3).order(0)
        for start in range(0, n, 64):
            batch = order[start : start + 64]
            w1, w2, _, _ = naive_notebook.batch(
                w1, w2, data.inputs[batch], np.eye(4)[data.targets[batch]], 5, 0.05, 0.001
            )
        for ours, theirs in zip(network.weights, (w2, w1), strict=True):
            assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()

    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    @pytest.mark.parametrize("n_pixels", [1, 64, 65, 200, 321])
    @pytest.mark.parametrize("n", [1, 71])
    def test_equals_the_reference_in_any_sections_and_itself_on_any_threads(
        self, n: int, n_pixels: int, dtype: str
    ) -> None:
        random = np.random.default_rng(n_pixels)
        inputs, labels = random.random((n, n_pixels)), random.integers(0, 4, n)
        data = Dataset(inputs, labels, n_classes=4)
        found = []
        for threads in (1, 2, 3):
            network = notebook.initial_network(n_pixels, 4, dtype, hidden=39)
            w2, w1 = (np.array(weights, np.float64) for weights in network.weights)
            session = notebook.NotebookSession(Notebook(step_size=0.01, rate=0.001), network, 40, threads)
            session.bind(data)
            session.run(np.arange(n), np.ones(-(-n // 40)))
            found.append(network.parameters.tobytes())
        for start in range(0, n, 40):
            batch = slice(start, start + 40)
            w1, w2, _, _ = naive_notebook.batch(w1, w2, inputs[batch], np.eye(4)[labels[batch]], 5, 0.01, 0.001)
        assert len(set(found)) == 1
        for ours, theirs in zip(network.weights, (w2, w1), strict=True):
            limit = (1e-10 if dtype == "float64" else 1e-4) * np.abs(theirs).max()
            assert np.abs(ours - theirs).max() <= limit

    def test_reports_no_accuracy_that_a_label_took_part_in(self) -> None:
        trainer = Trainer(notebook.initial_network(23, 4, hidden=17), Notebook(step_size="auto"), batch_size=16)
        assert trainer.fit(small_data(40)).epochs[0].accuracy is None

    def test_predictions_do_not_depend_on_labels(self) -> None:
        data, other = small_data(40), small_data(40)
        trainer = Trainer(notebook.initial_network(23, 4, hidden=17), Notebook(step_size="auto"), batch_size=16)
        trainer.fit(data, epochs=3)
        shuffled = Dataset(other.inputs, np.roll(other.targets, 7), n_classes=4)
        assert np.array_equal(trainer.evaluate(other).predictions, trainer.evaluate(shuffled).predictions)

    def test_takes_networks_of_the_notebooks_kind_only(self) -> None:
        with pytest.raises(ConfigurationError, match="expected a network of sizes"):
            Trainer(PCNetwork((23, 17, 8, 4)), Notebook()).fit(small_data(8))

    def test_takes_data_that_fit(self) -> None:
        with pytest.raises(DataError, match="expected images of 9 pixels in 4 classes"):
            Trainer(notebook.initial_network(9, 4, hidden=17), Notebook()).fit(small_data(8))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
class TestTheStreamOverMNIST:
    def test_diverges_with_its_own_rates(self, mnist: tuple[Dataset, Dataset], dtype: str) -> None:
        trainer = Trainer(notebook.initial_network(784, 10, dtype), Notebook(), batch_size=64)
        with pytest.raises(DivergenceError, match='use step_size="auto"') as caught:
            trainer.fit(mnist[0])
        assert caught.value.epoch == 1
        assert caught.value.batch <= 3
        assert np.isfinite(trainer.network.parameters).all()

    @pytest.mark.slow
    def test_stays_finite_for_two_epochs_with_automatic_steps(self, mnist: tuple[Dataset, Dataset], dtype: str) -> None:
        trainer = Trainer(notebook.initial_network(784, 10, dtype), Notebook(step_size="auto"), batch_size=64)
        trainer.fit(mnist[0], epochs=2)
        assert np.isfinite(trainer.network.parameters).all()
        accuracy = trainer.evaluate(mnist[1]).accuracy
        assert accuracy is not None
        assert 0 <= accuracy <= 1
