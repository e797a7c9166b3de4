"""What training measures and tells, and when."""

from dataclasses import replace

import numpy as np
import pytest

from fastpc import run as run_module
from fastpc import session as session_module
from fastpc import trainer as trainer_module
from fastpc.data import Dataset
from fastpc.evaluation import Evaluation
from fastpc.history import EpochRecord, Progress
from fastpc.optimizers import SGD, Adam
from fastpc.rules import PC
from fastpc.schedules import Step
from fastpc.spectrum import first_step
from fastpc.trainer import Trainer
from training import (
    PLAIN,
    SAMPLES,
    Diary,
    small_case,
    trainer_of,
)


class TestHistory:
    def test_figures_of_an_epoch(self):
        case = small_case()
        optimizer = Adam(0.01, schedule=Step(1, 0.5))
        history = trainer_of(case, PLAIN, optimizer).fit((case.x, case.labels), (case.x, case.labels), epochs=2)
        first, second = history.epochs
        assert (first.epoch, second.epoch) == (1, 2)
        assert first.samples == second.samples == SAMPLES
        assert (first.learning_rate, second.learning_rate) == (0.01, 0.005)
        assert first.state_step == PLAIN.step_size
        assert first.train_seconds > 0
        assert first.samples_per_second == SAMPLES / first.train_seconds
        assert history.samples_seen == 2 * SAMPLES
        assert history.train_seconds == first.train_seconds + second.train_seconds
        assert history.compile_seconds >= 0
        assert not history.interrupted

    def test_validation_is_measured_after_each_epoch(self):
        case, held_out = small_case(), small_case(samples=30)
        trainer = trainer_of(case)
        (record,) = trainer.fit((case.x, case.labels), (held_out.x, held_out.labels)).epochs
        predictions = trainer.network.predict(held_out.x)
        assert record.validation_accuracy == np.mean(predictions == held_out.labels)

    def test_without_labels_there_is_no_accuracy(self):
        case = small_case()
        (record,) = trainer_of(case).fit((case.x, case.target), (case.x, case.target)).epochs
        assert record.accuracy is None
        assert record.validation_accuracy is None

    def test_validation_changes_nothing_that_is_learned(self):
        case, without, beside = small_case(), trainer_of(small_case()), trainer_of(small_case())
        without.fit((case.x, case.labels), epochs=2)
        beside.fit((case.x, case.labels), (case.x[::-1], case.labels), epochs=2)
        assert np.array_equal(without.network.parameters, beside.network.parameters)

    @pytest.mark.parametrize("rule", [PC(step_size="auto"), PC(step_size=100.0, capped=True)])
    def test_the_automatic_step_follows_the_weights(self, rule):
        case = small_case()
        trainer = trainer_of(case, rule, SGD(0.5))
        start = first_step(trainer.network, replace(rule, step_size="auto"))
        record = trainer.fit((case.x, case.labels), epochs=30).epochs[-1]
        end = first_step(trainer.network, replace(rule, step_size="auto"))
        assert abs(start / end - 1) > 0.05
        assert record.state_step == pytest.approx(end, rel=0.02)

    def test_converting_the_data_counts_as_training(self, monkeypatch):
        case = small_case()
        trainer = trainer_of(case)
        trainer.fit((case.x, case.labels))
        clock = FakeClock()
        monkeypatch.setattr(trainer_module, "perf_counter", clock)
        bind = session_module.EngineSession.bind

        def slow_bind(self: session_module.EngineSession, data: Dataset) -> None:
            bind(self, data)
            clock.now += 1000.0

        monkeypatch.setattr(session_module.EngineSession, "bind", slow_bind)
        assert trainer.fit((case.x, case.labels)).train_seconds >= 1000.0

    def test_evaluation_does_not_count_as_training(self, monkeypatch):
        case = small_case()
        clock = FakeClock()
        monkeypatch.setattr(run_module, "perf_counter", clock)

        class SlowCallback:
            def on_epoch_end(self, trainer: Trainer, record: EpochRecord) -> None:
                clock.now += 1000.0

        quick = session_module.EngineSession.evaluate

        def slow(self: session_module.EngineSession, data: Dataset) -> Evaluation:
            clock.now += 1000.0
            return quick(self, data)

        monkeypatch.setattr(session_module.EngineSession, "evaluate", slow)
        trainer = trainer_of(case, callbacks=[SlowCallback()])
        history = trainer.fit((case.x, case.labels), (case.x, case.labels), epochs=2)
        assert history.train_seconds < 1000.0


class FakeClock:
    """Stands still between readings, but for a tick at each, unless told to move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1e-3
        return self.now


class TestCallbacks:
    def test_the_order_of_the_calls(self, monkeypatch):
        monkeypatch.setattr(run_module, "_FIRST_CHUNK", 2)
        monkeypatch.setattr(run_module, "_CHUNK_SECONDS", 0.0)
        case, diary = small_case(), Diary()
        trainer = trainer_of(case, callbacks=[diary])
        history = trainer.fit((case.x, case.labels), epochs=2)
        assert diary.calls == [
            "fit begins", "chunk", "chunk", "epoch ends", "chunk", "chunk", "chunk", "epoch ends", "fit ends",
        ]  # fmt: skip
        assert diary.records == history.epochs
        assert diary.histories == [history]

    def test_progress_tells_where_the_run_stands(self, monkeypatch):
        monkeypatch.setattr(run_module, "_FIRST_CHUNK", 1)
        monkeypatch.setattr(run_module, "_CHUNK_SECONDS", 0.0)
        case, diary = small_case(), Diary()
        trainer = trainer_of(case, callbacks=[diary])
        trainer.fit((case.x, case.labels))
        trainer.fit((case.x, case.labels), epochs=2)
        places = [(p.epoch, p.epochs, p.batch, p.batches) for p in diary.progress]
        assert places == [
            (epoch, epochs, batch, 3) for epoch, epochs in ((1, 1), (2, 3), (3, 3)) for batch in (1, 2, 3)
        ]
        at_the_end, record = diary.progress[-1], diary.records[-1]
        assert at_the_end.energy == pytest.approx(sum(record.energy))
        assert at_the_end.accuracy == record.accuracy
        assert at_the_end.seconds_left == 0
        assert diary.progress[3].seconds_left > 0

    def test_samples_of_a_short_batch_are_not_counted_as_a_whole_one(self):
        case, diary = small_case(samples=10), Diary()
        trainer = trainer_of(case, callbacks=[diary])
        trainer.fit((case.x, case.labels))
        expected = diary.records[0].samples_per_second
        assert diary.progress[-1].samples_per_second == pytest.approx(expected, rel=0.5)

    def test_any_of_the_methods_will_do(self):
        case = small_case()
        trainer_of(case, callbacks=[object()]).fit((case.x, case.labels))

    def test_several_are_called_in_turn(self):
        case, calls = small_case(), []

        class Named:
            def __init__(self, name: str) -> None:
                self.name = name

            def on_fit_begin(self, trainer: Trainer) -> None:
                calls.append(self.name)

        trainer_of(case, callbacks=[Named("a"), Named("b")]).fit((case.x, case.labels))
        assert calls == ["a", "b"]

    def test_an_error_of_a_callback_comes_through_and_leaves_a_whole_network(self):
        class Broken:
            def on_chunk(self, trainer: Trainer, progress: Progress) -> None:
                raise OSError("disk full")

        case, diary = small_case(), Diary()
        trainer = trainer_of(case, callbacks=[Broken(), diary])
        with pytest.raises(OSError, match="disk full"):
            trainer.fit((case.x, case.labels))
        assert diary.calls == ["fit begins", "fit ends"]
        assert np.isfinite(trainer.network.parameters).all()
