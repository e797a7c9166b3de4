"""A rule with a kernel of its own, from a file outside the package, is as good as any."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import naive
from examples import custom_rule
from examples.custom_rule import FadingBackprop
from fastpc import SGD, Adam, PCNetwork, Trainer, load_digits
from on_engine import data_of, distance, network_of
from strategies import make_case

CASE = make_case((13, 21, 9, 5), ("tanh", "gelu"), batch_size=37)


def faded(kept: float) -> naive.Parameters:
    """Backpropagation's gradient with every layer's part faded, once more for each layer above it."""
    exact = naive.backprop_gradient(*CASE.network, CASE.x, CASE.target)
    n = len(CASE.weights)
    return naive.Parameters(*([kept ** (n - 1 - k) * part[k] for k in range(n)] for part in exact))


@pytest.mark.parametrize("kept", [1.0, 0.5])
def test_its_gradient_is_its_own(kept: float) -> None:
    found = network_of(CASE).gradient(*data_of(CASE), FadingBackprop(kept))
    exact = faded(kept)
    assert distance([*found[0], *found[1]], [*exact.weights, *exact.biases]) <= 1e-10


def test_a_trainer_takes_its_steps() -> None:
    network = network_of(CASE)
    Trainer(network, FadingBackprop(), SGD(0.1), batch_size=len(CASE.x)).fit(data_of(CASE))
    expected = [weight - 0.1 * gradient for weight, gradient in zip(CASE.weights, faded(0.5).weights, strict=True)]
    assert distance(network.weights, expected) <= 1e-10


def test_it_learns_and_threads_do_not_matter() -> None:
    def trained(threads: int) -> tuple[PCNetwork, float | None]:
        network = PCNetwork((64, 32, 16, 10))
        history = Trainer(network, FadingBackprop(), Adam(0.01), threads=threads).fit(load_digits()[0], epochs=5)
        return network, history.epochs[-1].accuracy

    one, accuracy = trained(1)
    assert accuracy is not None
    assert accuracy > 0.9
    assert np.array_equal(one.parameters, trained(2)[0].parameters)


def test_it_can_be_relaxed_and_has_an_energy() -> None:
    network = network_of(CASE)
    relaxed = network.relax(*data_of(CASE), FadingBackprop())
    assert relaxed.energy.shape == (1, 3)
    np.testing.assert_allclose(relaxed.energy, network.energy(*data_of(CASE))[None])


SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
import edited_rule
from fastpc import PCNetwork
network = PCNetwork((3, 4, 2), "tanh", dtype="float64")
weights, _ = network.gradient(np.ones((2, 3)), np.ones((2, 2)), edited_rule.FadingBackprop(1.0))
print(np.abs(weights[0]).sum())
"""


def test_no_edit_of_its_kernel_is_ever_missed(tmp_path: Path) -> None:
    source = Path(custom_rule.__file__).read_text(encoding="utf-8")
    module = tmp_path / "edited_rule.py"
    environment = os.environ | {"FASTPC_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}

    def run() -> float:
        command = [sys.executable, "-c", SCRIPT.format(folder=str(tmp_path))]
        return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)

    module.write_text(source, encoding="utf-8")
    first = run()
    module.write_text(source.replace("signals[i] *= settings.kept", "signals[i] *= 4 * settings.kept"), "utf-8")
    assert run() == pytest.approx(4 * first)
    kept = [path.name for path in (tmp_path / "cache").rglob("*.nbi")]
    assert not any(name.startswith("evaluate.relax_batch") for name in kept)
    assert any(name.startswith("evaluate.gradient_of_batch") for name in kept)
