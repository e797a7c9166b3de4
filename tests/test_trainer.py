"""Training: the naive reference's numbers, however a run is cut, continued or fed."""

import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import naive_training
from fastpc import run as run_module
from fastpc.data import as_dataset, load_digits
from fastpc.errors import ConfigurationError, DataError
from fastpc.network import PCNetwork
from fastpc.optimizers import SGD, Adam, AdamW, Optimizer
from fastpc.rules import PC, IncrementalPC
from fastpc.schedules import Cosine, Step, Warmup
from fastpc.trainer import Trainer
from strategies import Case, make_case
from training import (
    BATCH,
    PLAIN,
    SAMPLES,
    SIZES,
    assert_same_parameters,
    digits_trainer,
    network_of,
    orders,
    small_case,
    trainer_of,
)

RULES = {
    "plain": PLAIN,
    "no steps": PC(steps=0),
    "momentum": PC(steps=5, step_size=0.05, momentum=0.6),
    "precisions": PC(steps=4, step_size=0.1, precisions=(0.5, 2.0, 1.5)),
    "from zeros": PC(steps=5, step_size=0.1, start="zeros"),
    "tolerance": PC(steps=8, step_size=0.2, tolerance=0.03),
}
OPTIMIZERS = {
    "sgd": SGD(0.1),
    "sgd with momentum, decay and steps": SGD(0.05, 0.8, 0.01, schedule=Step(1, 0.5)),
    "sgd with clipping and warm-up": SGD(0.5, clip_norm=0.05, schedule=Warmup(0.5)),
    "adam": Adam(0.01),
    "adam with decay, clipping and a cosine": Adam(
        0.02, 0.8, 0.98, 1e-6, 0.02, clip_norm=0.1, schedule=Cosine(0.1, warmup=0.3)
    ),
    "adamw with clipping and a cosine": AdamW(0.02, weight_decay=0.1, clip_norm=0.2, schedule=Cosine()),
    "clipping that never bites": SGD(0.1, clip_norm=1e6),
}


class TestAgainstTheReference:
    """Two epochs of three batches, the last of them short, in float64."""

    @pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
    @pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
    def test_every_optimizer_reaches_the_same_parameters(self, optimizer, loss):
        self.check(small_case(loss), PLAIN, optimizer)

    @pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
    @pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
    def test_every_setting_of_the_rule_reaches_the_same_parameters(self, rule, loss):
        self.check(small_case(loss), rule, Adam(0.01))

    def test_a_set_smaller_than_one_batch_is_one_short_batch(self):
        self.check(small_case(samples=5), PLAIN, SGD(0.1))

    def test_a_network_without_hidden_layers(self):
        case = make_case((7, 4), (), batch_size=SAMPLES)
        self.check(replace(case, target=np.eye(4)[case.labels]), PC(steps=3), Adam(0.01))

    def test_dense_targets_and_labels_teach_the_same(self):
        case, by_label, by_target = small_case(), trainer_of(small_case()), trainer_of(small_case())
        by_label.fit((case.x, case.labels), epochs=2)
        by_target.fit((case.x, case.target), epochs=2)
        assert np.array_equal(by_label.network.parameters, by_target.network.parameters)

    def check(self, case: Case, rule: PC, optimizer: Optimizer) -> None:
        trainer = trainer_of(case, rule, optimizer)
        history = trainer.fit((case.x, case.labels), epochs=2)
        expected = naive_training.train(case, rule, optimizer, orders(len(case.x), 2), BATCH)
        assert_same_parameters(trainer.network, expected)
        for record, epoch in zip(history.epochs, expected.epochs, strict=True):
            np.testing.assert_allclose(record.energy, epoch.energy, rtol=1e-10, atol=1e-12)
            assert record.accuracy == epoch.accuracy


class TestChunks:
    @pytest.mark.parametrize("optimizer", [Adam(0.01, schedule=Cosine()), SGD(0.1, 0.9, clip_norm=0.1)])
    @pytest.mark.parametrize("rule", [PC(steps=3, step_size="auto"), PC(steps=3, start="random")])
    def test_how_an_epoch_is_cut_changes_no_bit(self, monkeypatch, rule, optimizer):
        case = small_case()
        networks, energies = [], []
        for first, seconds in ((1, 0.0), (2, 0.0), (1000, 1000.0)):
            monkeypatch.setattr(run_module, "_FIRST_CHUNK", first)
            monkeypatch.setattr(run_module, "_CHUNK_SECONDS", seconds)
            trainer = Trainer(network_of(case), rule, optimizer, batch_size=16)
            history = trainer.fit((case.x, case.labels), epochs=2)
            networks.append(trainer.network.parameters)
            energies.append([record.energy for record in history.epochs])
        assert np.array_equal(networks[0], networks[1])
        assert np.array_equal(networks[0], networks[2])
        assert energies[0] == energies[1] == energies[2]


class TestFittingAgain:
    def test_calls_of_the_engine_are_as_long_as_they_were(self, monkeypatch):
        monkeypatch.setattr(run_module, "_FIRST_CHUNK", 1)
        monkeypatch.setattr(run_module, "_CHUNK_SECONDS", 1000.0)
        case = small_case()
        trainer = Trainer(network_of(case), PLAIN, Adam(0.01), batch_size=1)
        calls: list[list[int]] = []
        for _ in range(2):
            ends: list[int] = []
            trainer.callbacks = [SimpleNamespace(on_chunk=lambda _, progress, ends=ends: ends.append(progress.batch))]
            trainer.fit((case.x, case.labels))
            calls.append(np.diff([0, *ends]).tolist())
        assert calls[0][:3] == [1, 4, 16]
        assert calls[1][0] >= 16

    def test_many_fits_of_one_batch_make_no_long_call(self, monkeypatch):
        monkeypatch.setattr(run_module, "_CHUNK_SECONDS", 1000.0)
        case = small_case()
        trainer = trainer_of(case, PLAIN, Adam(0.01))
        for _ in range(10):
            trainer.fit((case.x[:2], case.labels[:2]))
        assert trainer.chunk <= 16

    def test_a_second_call_goes_on_with_the_optimizers_memory_and_the_next_order(self):
        case, rule, optimizer = small_case(), PLAIN, Adam(0.01)
        trainer = trainer_of(case, rule, optimizer)
        trainer.fit((case.x, case.labels))
        trainer.fit((case.x, case.labels), epochs=2)
        expected = naive_training.train(case, rule, optimizer, orders(SAMPLES, 3), BATCH)
        assert_same_parameters(trainer.network, expected)

    def test_epochs_are_counted_on_and_each_call_has_its_own_history(self):
        case = small_case()
        trainer = trainer_of(case)
        first = trainer.fit((case.x, case.labels), epochs=2)
        second = trainer.fit((case.x, case.labels), epochs=1)
        assert [record.epoch for record in first.epochs] == [1, 2]
        assert [record.epoch for record in second.epochs] == [3]
        assert trainer.history is second
        assert trainer.epochs_done == 3

    def test_no_epochs_change_nothing(self):
        case = small_case()
        trainer = trainer_of(case)
        before = trainer.network.parameters.copy()
        history = trainer.fit((case.x, case.labels), epochs=0)
        assert history.epochs == []
        assert history.samples_seen == 0
        assert np.array_equal(trainer.network.parameters, before)

    @pytest.mark.parametrize("rule", [PC(4), IncrementalPC(3)])
    def test_a_snapshot_goes_on_in_another_trainer_as_in_its_own(self, rule):
        case = small_case()
        data = (case.x, case.labels)
        first, second = trainer_of(case, rule, Adam(0.01)), trainer_of(case, rule, Adam(0.01))
        first.fit(data, epochs=2)
        second.restore(pickle.loads(pickle.dumps(first.snapshot())))
        for trainer in (first, second):
            trainer.fit(data)
        assert second.epochs_done == 3
        assert np.array_equal(first.network.parameters, second.network.parameters)

    def test_a_callback_can_end_a_call_after_an_epoch(self):
        class Enough:
            def on_epoch_end(self, trainer, record):
                trainer.stop_training = record.epoch == 2

        case = small_case()
        trainer, straight = trainer_of(case, callbacks=[Enough()]), trainer_of(case)
        assert len(trainer.fit((case.x, case.labels), epochs=9).epochs) == 2
        straight.fit((case.x, case.labels), epochs=2)
        assert np.array_equal(trainer.network.parameters, straight.network.parameters)
        assert len(trainer.fit((case.x, case.labels), epochs=3).epochs) == 3

    def test_other_data_of_the_same_widths_may_follow(self):
        trainer = trainer_of(small_case())
        for samples in (SAMPLES, 20, 2 * SAMPLES):
            case = small_case(samples=samples)
            assert trainer.fit((case.x, case.labels)).samples_seen == samples

    def test_weights_set_in_between_get_a_step_that_fits_them(self):
        train, _ = load_digits()
        trainer = digits_trainer(PC(steps=30, step_size="auto"))
        trainer.fit(train)
        trainer.network.weights = [100 * weights for weights in trainer.network.weights]
        trainer.fit(train)

    @pytest.mark.parametrize(("setting", "value"), [("batch_size", 10), ("batch_size", 100), ("optimizer", Adam(0.5))])
    def test_a_setting_changed_in_between_is_refused_or_used(self, setting, value):
        case = small_case()
        trainer, other = trainer_of(case), trainer_of(case)
        trainer.fit((case.x, case.labels), epochs=0)
        try:
            setattr(trainer, setting, value)
        except (AttributeError, ConfigurationError):
            return
        setattr(other, setting, value)
        trainer.fit((case.x, case.labels))
        other.fit((case.x, case.labels))
        assert np.array_equal(trainer.network.parameters, other.network.parameters)


class TestWrongUse:
    @pytest.fixture
    def trainer(self) -> Trainer:
        return trainer_of(small_case())

    @pytest.mark.parametrize("role", ["training", "validation", "evaluation"])
    @pytest.mark.parametrize(
        ("x", "y"),
        [
            (np.zeros((3, 8)), [0, 1, 2]),
            (np.zeros((3, 6)), [0, 1, 2]),
            (np.zeros((3, 7)), [0, 1, 4]),
            (np.zeros((3, 7)), np.zeros((3, 5))),
            (np.zeros((3, 7)), np.zeros((3, 3))),
            (np.zeros((3, 7)), np.zeros((3, 1))),
        ],
        ids=["wide inputs", "narrow inputs", "classes", "wide targets", "narrow targets", "a column"],
    )
    def test_data_that_do_not_fit_the_network(self, trainer, x, y, role):
        case = small_case()
        before = trainer.network.parameters.copy()
        calls = {
            "training": lambda: trainer.fit((x, y)),
            "validation": lambda: trainer.fit((case.x, case.labels), (x, y)),
            "evaluation": lambda: trainer.evaluate((x, y)),
        }
        with pytest.raises(DataError, match=r"expected .*, got .*; "):
            calls[role]()
        assert np.array_equal(trainer.network.parameters, before)

    def test_inputs_and_targets_as_two_arguments(self, trainer):
        case = small_case()
        with pytest.raises(DataError, match=r"pass \(x, y\)"):
            trainer.fit(case.x, case.labels)

    @pytest.mark.parametrize("epochs", [-1, 1.5, "3", None, True])
    def test_epochs(self, trainer, epochs):
        case = small_case()
        with pytest.raises(ConfigurationError, match="epochs"):
            trainer.fit((case.x, case.labels), epochs=epochs)

    @pytest.mark.parametrize(
        ("settings", "word"),
        [
            ({"rule": Adam()}, "rule"),
            ({"rule": PC}, "rule"),
            ({"rule": "pc"}, "rule"),
            ({"optimizer": PC()}, "optimizer"),
            ({"optimizer": Adam}, "optimizer"),
            ({"batch_size": 0}, "batch_size"),
            ({"batch_size": 2.5}, "batch_size"),
            ({"seed": -1}, "seed"),
            ({"threads": 0}, "threads"),
            ({"threads": 1.5}, "threads"),
            ({"callbacks": None}, "callbacks"),
            ({"callbacks": object()}, "callbacks"),
        ],
        ids=[
            "optimizer as rule",
            "rule class",
            "rule name",
            "rule as optimizer",
            "optimizer class",
            "no batch",
            "part of a sample",
            "negative seed",
            "no threads",
            "half a thread",
            "callbacks None",
            "one callback alone",
        ],
    )
    def test_settings(self, settings, word):
        with pytest.raises(ConfigurationError, match=word):
            Trainer(PCNetwork(SIZES), **settings)

    def test_what_is_no_network(self):
        with pytest.raises(ConfigurationError, match="PCNetwork"):
            Trainer(SIZES)

    def test_precisions_for_another_depth(self):
        case = small_case()
        with pytest.raises(ConfigurationError, match="3 precisions"):
            trainer_of(case, PC(precisions=(1.0, 2.0))).fit((case.x, case.labels))

    def test_batches_larger_than_the_set_cost_no_memory(self):
        case = small_case()
        history = Trainer(network_of(case), batch_size=10**9).fit((case.x, case.labels))
        assert history.samples_seen == SAMPLES

    def test_numpy_integers_are_whole_numbers(self):
        Trainer(PCNetwork(SIZES), batch_size=np.int64(3), threads=np.int64(2), seed=np.uint8(1))


def test_streams_of_batches_and_arrays_teach_the_same():
    case, of_arrays, of_batches = small_case(), trainer_of(small_case()), trainer_of(small_case())
    of_arrays.fit((case.x, case.labels))
    of_batches.fit((case.x[at : at + 10], case.labels[at : at + 10]) for at in range(0, SAMPLES, 10))
    assert np.array_equal(of_arrays.network.parameters, of_batches.network.parameters)


def test_data_are_left_as_they_were():
    case = small_case()
    x, labels = case.x.copy(), case.labels.copy()
    trainer_of(case).fit(as_dataset(x, labels))
    assert np.array_equal(x, case.x)
    assert np.array_equal(labels, case.labels)
