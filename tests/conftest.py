"""Fixtures that need data from outside the repository, and what holds for every test."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from fastpc.data import Dataset, find

# No deadline, and no check for slow drawing: a first example, or its drawing, may compile kernels, and machines are
# slow now and then.
settings.register_profile(
    "fastpc", deadline=None, max_examples=50, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fastpc")
# Where the suite runs in the background, Ctrl-C is ignored, and would be by all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

CHECKOUT = Path(__file__).resolve().parents[1]


def _mnist_source() -> Path | None:
    """Return where the real MNIST is at hand: the environment, a shared folder, Keras's cache."""
    if named := os.environ.get("FASTPC_DATA"):
        return Path(named)
    keras = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    candidates = [parent / "shared" / "data" / "mnist.npz" for parent in CHECKOUT.parents]
    candidates.append(keras / "datasets" / "mnist.npz")
    return next((path for path in candidates if path.is_file()), None)


# Looked up before any test changes the environment.
MNIST_SOURCE = _mnist_source()


@pytest.fixture(scope="session")
def mnist() -> tuple[Dataset, Dataset]:
    """Load the real MNIST, training and test set.

    Tests that ask for it are skipped where it is not at hand, unless the variable
    FASTPC_REQUIRE_MNIST is set: then they fail.
    """
    if MNIST_SOURCE is not None:
        return find(MNIST_SOURCE)
    reason = "the real MNIST is not at hand: set FASTPC_DATA to mnist.npz or its folder"
    if os.environ.get("FASTPC_REQUIRE_MNIST"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def mnist_npz(mnist: tuple[Dataset, Dataset], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the path of a real ``mnist.npz``, packed for the session where only IDX files are."""
    assert MNIST_SOURCE is not None
    for path in (MNIST_SOURCE, MNIST_SOURCE / "mnist.npz"):
        if path.is_file():
            yield path.resolve()
            return
    packed = tmp_path_factory.mktemp("mnist") / "mnist.npz"
    train, test = mnist
    np.savez(
        packed,
        x_train=np.reshape(train.inputs, (-1, 28, 28)),
        y_train=train.targets.astype(np.uint8),
        x_test=np.reshape(test.inputs, (-1, 28, 28)),
        y_test=test.targets.astype(np.uint8),
    )
    yield packed
    packed.unlink()
