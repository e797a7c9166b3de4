"""A run that stops before its end, by Ctrl-C or by divergence, leaves a usable network."""

import os
import signal
import threading
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import naive_training
from fastpc import run as run_module
from fastpc.data import load_digits
from fastpc.divergence import CEILING, ceiling_of
from fastpc.engine.train import train_chunk
from fastpc.errors import DivergenceError
from fastpc.history import Progress
from fastpc.network import PCNetwork
from fastpc.optimizers import SGD, Adam
from fastpc.rules import PC, Backprop
from fastpc.spectrum import Spectrum
from fastpc.trainer import Trainer
from strategies import Case
from training import (
    BATCH,
    PLAIN,
    SAMPLES,
    Diary,
    assert_same_parameters,
    digits_trainer,
    orders,
    small_case,
    trainer_of,
)


class Interrupter:
    """Sends this process a real SIGINT soon after the first chunk, from another thread."""

    def __init__(self) -> None:
        self.timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))

    def on_chunk(self, trainer: Trainer, progress: Progress) -> None:
        if self.timer.ident is None:
            self.timer.start()


class TestInterruption:
    def test_ctrl_c_leaves_a_usable_model_that_trains_on(self, tmp_path):
        train, test = load_digits()
        diary = Diary()
        trainer = digits_trainer(callbacks=[Interrupter(), diary])
        with pytest.raises(KeyboardInterrupt):
            trainer.fit(train, epochs=1_000_000)
        assert trainer.history.interrupted
        assert trainer.history.epochs == diary.records
        assert diary.calls[-1] == "fit ends"
        assert np.isfinite(trainer.network.parameters).all()
        predictions = trainer.evaluate(test).predictions
        trainer.network.save(tmp_path / "model.safetensors")
        loaded = PCNetwork.load(tmp_path / "model.safetensors")
        assert np.array_equal(loaded.predict(test), predictions)
        trainer.callbacks = []
        history = trainer.fit(train, epochs=30)
        assert not history.interrupted
        assert trainer.evaluate(test).accuracy > 0.9  # type: ignore[operator]

    @pytest.mark.parametrize("rule", [PC(), PC(step_size=1e6, steps=20)], ids=["sound", "diverging"])
    def test_ctrl_c_within_a_chunk_leaves_finite_parameters(self, monkeypatch, rule):
        """Python sees the signal once the compiled code returns, before anyone looks at its result."""

        def interrupted(*arguments: Any) -> None:
            train_chunk(*arguments)
            if len(arguments[8].rates) > 0:
                raise KeyboardInterrupt

        monkeypatch.setattr("fastpc.session.train_chunk", interrupted)
        train, _ = load_digits()
        trainer = digits_trainer(rule)
        with pytest.raises(KeyboardInterrupt):
            trainer.fit(train)
        assert np.isfinite(trainer.network.parameters).all()

    def test_an_interrupted_chunk_is_as_if_it_had_been_finished_or_never_begun(self, monkeypatch):
        """Parameters, the optimiser's memory and its count of updates belong together."""
        case = small_case()
        trainer, interrupts = trainer_of(case, optimizer=Adam(0.05)), [True]

        def interrupted(*arguments: Any) -> None:
            train_chunk(*arguments)
            if interrupts and len(arguments[8].rates) > 0:
                interrupts.clear()
                raise KeyboardInterrupt

        monkeypatch.setattr("fastpc.session.train_chunk", interrupted)
        with pytest.raises(KeyboardInterrupt):
            trainer.fit((case.x, case.labels))
        trainer.fit((case.x, case.labels))
        first, second = orders(SAMPLES, 1)[0], orders(SAMPLES, 2)[1]
        outcomes = [
            naive_training.train(case, trainer.rule, trainer.optimizer, visits, BATCH)
            for visits in ([first], [first, first], [first, second])
        ]
        found = trainer.network.weights[0]
        assert any(np.allclose(found, o.parameters.weights[0], rtol=1e-9) for o in outcomes)


class TestDivergence:
    """Caught within the batch, told in full, and taken back."""

    @pytest.mark.parametrize(
        ("rule", "optimizer", "remedy"),
        [
            (PC(steps=20, step_size=50.0), Adam(), "step_size"),
            (PC(steps=200, step_size=4.0), SGD(1e-3), "step_size"),
            (PC(), SGD(3e38), "learning rate"),
            (PC(), Adam(1e38), "learning rate"),
            (PC(), SGD(1e6), "learning rate"),
        ],
        ids=["state step", "state step slowly", "sgd overflows", "adam overflows", "rate too high"],
    )
    def test_the_error_names_place_and_remedy(self, rule, optimizer, remedy):
        train, _ = load_digits()
        trainer = digits_trainer(rule, optimizer)
        before = trainer.network.parameters.copy()
        with pytest.raises(DivergenceError) as caught:
            trainer.fit(train)
        error = caught.value
        assert (error.epoch, error.layer) in ((1, 1), (1, 2))
        assert 1 <= error.batch <= 16
        assert remedy in error.advice
        assert "nan" not in str(error)
        assert f"epoch 1, batch {error.batch}, layer {error.layer}" in str(error)
        assert np.array_equal(trainer.network.parameters, before)

    def test_advice_on_the_state_step_names_the_limit_of_the_weights_before_the_chunk(self):
        train, _ = load_digits()
        trainer = digits_trainer(PC(steps=20, step_size=50.0))
        limit = 2 / Spectrum(trainer.network).curvature((1.0, 1.0))
        with pytest.raises(DivergenceError, match="above the stability limit") as caught:
            trainer.fit(train)
        assert f"{limit:.3g}" in caught.value.advice

    def test_weights_that_overflow_are_the_cause_where_the_energies_are_sound(self):
        train, _ = load_digits()
        with pytest.raises(DivergenceError) as caught:
            digits_trainer(PC(), Adam(1e38)).fit(train)
        assert caught.value.batch == 1
        assert "weights" in caught.value.cause

    def test_the_batch_is_the_one_in_which_it_happened(self):
        """One sample alone is absurd: the error names the batch it falls into."""
        case = small_case()
        for sample in (100, 101, 102):
            position = int(np.flatnonzero(orders(SAMPLES, 1)[0] == sample)[0])
            with pytest.raises(DivergenceError) as caught:
                trainer_of(case).fit((case.x, with_absurd_target(case, sample)))
            assert (caught.value.epoch, caught.value.batch) == (1, position // BATCH + 1)

    def test_a_later_epoch_is_named_and_what_was_learned_before_stays(self):
        case, diary = small_case(), Diary()
        trainer = trainer_of(case, callbacks=[diary])
        trainer.fit((case.x, case.target), epochs=2)
        before = trainer.network.parameters.copy()
        with pytest.raises(DivergenceError) as caught:
            trainer.fit((case.x, with_absurd_target(case, 0)))
        assert caught.value.epoch == 3
        assert trainer.epochs_done == 2
        assert np.array_equal(trainer.network.parameters, before)
        assert diary.calls[-1] == "fit ends"

    def test_the_optimizers_memory_is_taken_back_too(self):
        case, rule, optimizer = small_case(), PLAIN, Adam(0.01)
        trainer = trainer_of(case, rule, optimizer)
        trainer.fit((case.x, case.target))
        with pytest.raises(DivergenceError):
            trainer.fit((case.x, with_absurd_target(case, 0)))
        trainer.fit((case.x, case.target))
        expected = naive_training.train(case, rule, optimizer, orders(SAMPLES, 2), BATCH)
        assert_same_parameters(trainer.network, expected)

    def test_chunks_before_the_one_that_diverged_are_kept(self, monkeypatch):
        monkeypatch.setattr(run_module, "_FIRST_CHUNK", 1)
        monkeypatch.setattr(run_module, "_CHUNK_SECONDS", 0.0)
        case, rule, order = small_case(), PLAIN, orders(SAMPLES, 1)[0]
        trainer = trainer_of(case, rule, SGD(0.1))
        with pytest.raises(DivergenceError, match="batch 2"):
            trainer.fit((case.x, with_absurd_target(case, order[BATCH])))
        expected = naive_training.train(case, rule, SGD(0.1), [order[:BATCH]], BATCH)
        assert_same_parameters(trainer.network, expected)


class TestCeiling:
    """What counts as divergence, for data of any size."""

    def test_large_targets_are_no_divergence(self):
        """Prices in millions: an energy of 10^13 on the first batch, which falls."""
        case = small_case()
        trainer = trainer_of(case, PLAIN, Adam(0.05))
        history = trainer.fit((case.x, 1e7 * (1 + case.target)), epochs=3)
        assert history.epochs[0].energy[-1] > 1e13
        assert history.epochs[-1].energy[-1] < history.epochs[0].energy[-1]

    @pytest.mark.parametrize("size", [1e-6, 1.0, 1e7])
    def test_it_is_that_of_the_median_target(self, size):
        targets = size * np.random.default_rng(0).normal(size=(5000, 3))
        ceiling = ceiling_of(targets, 2.0, 0.5)
        exact = 0.25 * np.median(np.square(2 * targets).sum(axis=1))
        assert ceiling == pytest.approx(CEILING * max(1.0, exact), rel=0.2)
        targets[17] = 1e200
        assert ceiling_of(targets, 2.0, 0.5) == ceiling

    def test_no_energy_is_finite_above_it(self):
        assert ceiling_of(np.full((3, 2), 1e300), 1.0) == np.finfo(np.float64).max

    def test_a_second_moment_that_overflows_is_seen_at_once(self):
        """Its weights would never move again, and no energy would show it."""
        case = small_case()
        network = PCNetwork(case.sizes, case.activations)
        x = 1e25 * case.x.astype(np.float32)
        network.weights[0] = 0 * network.weights[0]  # so that the outputs know nothing of the inputs' size
        with pytest.raises(DivergenceError, match="the optimiser's memory") as caught:
            Trainer(network, Backprop(), Adam(1e-6)).fit((x, case.labels))
        assert caught.value.batch == 1


class TestAtRest:
    """What a network that stands still cannot answer in finite numbers."""

    def test_outputs_name_the_data(self):
        network = PCNetwork((3, 4, 2))
        network.weights = [np.ones(weights.shape) for weights in network.weights]
        with pytest.raises(DivergenceError, match=r"the network diverged: .* the data reach 3e\+38") as caught:
            network.predict(np.full((2, 3), 3e38, np.float32))
        assert (caught.value.epoch, caught.value.batch) == (None, None)

    def test_a_relaxation_names_layer_step_and_limit(self):
        network = PCNetwork((3, 4, 2))
        with pytest.raises(DivergenceError, match="above the stability limit") as caught:
            network.relax(np.ones((2, 3)), [0, 1], PC(steps=500, step_size=30.0))
        assert caught.value.layer in (1, 2)
        assert str(caught.value).startswith(f"the network diverged in layer {caught.value.layer}: ")

    def test_weights_are_named_where_data_and_steps_are_usual(self):
        network = PCNetwork((3, 4, 2))
        network.weights = [np.float32(3e38) * np.ones(weights.shape) for weights in network.weights]
        with pytest.raises(DivergenceError, match=r"the weights reach 3e\+38.*so make the network anew"):
            network.forward(np.ones((2, 3)))

    def test_a_validation_that_overflows_takes_the_last_chunk_back(self):
        case = small_case()
        trainer = Trainer(PCNetwork(case.sizes, "identity", dtype="float64"), PLAIN, SGD(1e-3), BATCH)
        before = trainer.network.parameters.copy()
        with pytest.raises(DivergenceError, match="epoch 1, batch 3") as caught:
            trainer.fit((case.x, case.labels), (1e308 * np.sign(case.x), case.labels))
        assert np.array_equal(trainer.network.parameters, before)
        assert "with the weights it left" in caught.value.cause


def with_absurd_target(case: Case, sample: int) -> NDArray[np.float64]:
    """Return the targets of `case`, but for one sample far above any useful energy."""
    target = case.target.copy()
    target[sample] = 1e10
    return target
