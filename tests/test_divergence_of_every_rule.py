"""Every rule says where it diverged and why, and takes it back, whatever made it diverge."""

from typing import Any

import numpy as np
import pytest

from every_rule import BATCH, NO_STEP, RULES, Step, assert_equal, assert_finite, digits, everything, trainer_for
from fastpc import SGD, Adam, Dataset, DivergenceError, Shuffle, Trainer
from fastpc import run as run_module
from fastpc.optimizers import Optimizer

EVERY_RULE = pytest.mark.parametrize("name", RULES)
SAMPLES = 350


class Start:
    """Keeps what a trainer has as it begins to train."""

    def on_fit_begin(self, trainer: Trainer) -> None:
        self.left = everything(trainer)


def diverge(trainer: Trainer, data: Dataset, epochs: int = 3) -> DivergenceError:
    """Train until it diverges, and see that it then is as it was, all in one call of the engine."""
    start = Start()
    trainer.callbacks.append(start)
    with pytest.raises(DivergenceError) as caught:
        trainer.fit(data, epochs=epochs)
    assert_equal(everything(trainer), start.left)
    assert_finite(start.left)
    return caught.value


class OneByOne(Start):
    """Counts the batches that went well, where every call of the engine is one batch, and keeps what they left."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(run_module, "_FIRST_CHUNK", 1)
        monkeypatch.setattr(run_module, "_CHUNK_SECONDS", 0.0)
        self.batches = 0

    def on_chunk(self, trainer: Trainer, progress: Any) -> None:
        self.batches += 1
        self.left = everything(trainer)
        assert np.isfinite(progress.energy)
        assert_finite(self.left)


def settings_for(cause: str, name: str) -> tuple[Optimizer, Step, Dataset, str]:
    """Return an optimiser, a state step and data by which a rule diverges, and a word of the advice due."""
    if cause == "learning rate":
        return SGD(1e8), "auto", digits(), "lower the learning rate (1e+08)"
    if cause == "adam's rate":
        return Adam(1e18), "auto", digits(), "lower the learning rate (1e+18)"
    if cause == "state step":
        return SGD(1e-3), 60.0, digits(), 'use step_size="auto"'
    if cause == "data times 1e10":
        return SGD(0.01), "auto", digits(1e10), "the data reach 1e+10, so scale them"
    return SGD(3.0), "auto", digits(255.0), "the data reach 255, so scale them to about 1: pixels with scale=1/255"


CAUSES = ("learning rate", "adam's rate", "state step", "data times 1e10", "pixels to 255")
CASES = [
    (name, cause)
    for name in RULES
    for cause in CAUSES
    # Some rules have no step that is not stable, and the notebook's has no optimiser.
    if not (cause == "state step" and name in NO_STEP) and not (name == "notebook" and "rate" in cause)
]


@pytest.mark.parametrize(("name", "cause"), CASES)
def test_the_batch_the_layer_the_remedy_and_the_last_good_parameters(monkeypatch, name: str, cause: str) -> None:
    optimizer, step, data, remedy = settings_for(cause, name)
    if cause == "state step" and name == "epc":
        step = 1.0
    trainer, stepped = (trainer_for(name, optimizer, step) for _ in range(2))
    if cause == "state step" and name == "epc":
        for each in (trainer, stepped):  # stable up to 1 with small weights
            each.network.weights = [6 * weights for weights in each.network.weights]
    error = diverge(trainer, data)
    assert remedy in error.advice

    witness = OneByOne(monkeypatch)
    stepped.callbacks.append(witness)
    with pytest.raises(DivergenceError) as caught:
        stepped.fit(data, epochs=3)
    alone = caught.value
    a_batch = -(-SAMPLES // BATCH)
    assert (error.epoch, error.batch) == (witness.batches // a_batch + 1, witness.batches % a_batch + 1)
    assert (alone.epoch, alone.batch, alone.layer, alone.cause) == (error.epoch, error.batch, error.layer, error.cause)
    assert_equal(everything(stepped), witness.left)
    assert f"epoch {error.epoch}, batch {error.batch}, layer {error.layer}: {error.cause}; " in str(error)


@EVERY_RULE
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_absurd_sample_is_found_in_its_own_batch_of_a_later_epoch(name: str, dtype: str) -> None:
    data = digits(samples=SAMPLES)
    trainer = trainer_for(name, SGD(1e-3), dtype=dtype)
    trainer.fit(data)
    images = np.array(data.inputs)
    images[123] *= 1e10
    error = diverge(trainer, Dataset(images, data.targets, 10), epochs=1)
    position = int(np.flatnonzero(Shuffle(SAMPLES, 2).order(1) == 123)[0])
    assert (error.epoch, error.batch) == (2, position // BATCH + 1)
    assert "the data reach 1e+10" in error.advice
    trainer.fit(data)  # it goes on as if nothing had been
    assert_finite(everything(trainer))


@pytest.mark.parametrize("name", sorted({*RULES} - {*NO_STEP, "epc"}))
def test_the_limit_in_the_advice_is_the_measured_one(name: str) -> None:
    trainer = trainer_for(name, SGD(1e-3), 60.0)
    error = diverge(trainer, digits())
    session: Any = trainer._start_session()
    limit = getattr(session, "inner", session).stability_limit()
    assert (
        f"the state step 60 is above the stability limit, about {limit:.3g} for the last good weights" in error.advice
    )
