"""Evaluation: predictions first, labels afterwards."""

from dataclasses import replace

import numpy as np
import pytest

from fastpc.data import load_digits
from fastpc.evaluation import evaluate
from fastpc.optimizers import Adam
from fastpc.rules import PC
from training import (
    SAMPLES,
    digits_trainer,
    network_of,
    small_case,
    trainer_of,
)


class TestEvaluation:
    def test_accuracy_confusion_and_predictions(self):
        case = small_case()
        network = network_of(case)
        evaluation = evaluate(network, (case.x, case.labels))
        predictions = network.forward(case.x).argmax(axis=1)
        confusion = np.zeros((4, 4), np.int64)
        for label, prediction in zip(case.labels, predictions, strict=True):
            confusion[label, prediction] += 1
        assert np.array_equal(evaluation.predictions, predictions)
        assert np.array_equal(evaluation.confusion, confusion)
        assert evaluation.accuracy == np.trace(confusion) / SAMPLES

    @pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
    @pytest.mark.parametrize("targets", ["labels", "target"])
    def test_the_loss_is_the_output_layers_energy(self, loss, targets):
        case = small_case(loss)
        network = network_of(case)
        evaluation = evaluate(network, (case.x, getattr(case, targets)))
        expected = network.energy(case.x, case.labels)[-1]
        assert evaluation.loss == pytest.approx(expected, rel=1e-12)

    def test_classes_that_never_occur_have_empty_rows(self):
        case = small_case()
        confusion = evaluate(network_of(case), (case.x, np.zeros(SAMPLES, int))).confusion
        assert confusion is not None
        assert confusion.shape == (4, 4)
        assert confusion[0].sum() == SAMPLES

    def test_dense_targets_give_a_loss_alone(self):
        case = small_case()
        evaluation = evaluate(network_of(case), (case.x, case.target))
        assert evaluation.accuracy is None
        assert evaluation.confusion is None

    def test_shuffled_labels_leave_every_prediction_bitwise_unchanged(self):
        train, test = load_digits()
        shuffled = replace(test, targets=np.random.default_rng(0).permutation(test.targets))
        trainer = digits_trainer(PC(steps=3, step_size=0.05), Adam(0.01), batch_size=32)
        trainer.fit(train, epochs=8)
        honest, blind = trainer.evaluate(test), trainer.evaluate(shuffled)
        assert np.array_equal(honest.predictions, blind.predictions)
        outputs = [trainer.network.forward(data) for data in (test, shuffled)]
        assert outputs[0].tobytes() == outputs[1].tobytes()
        assert honest.accuracy is not None
        assert honest.accuracy > 0.8
        assert blind.accuracy is not None
        assert blind.accuracy < 0.3

    def test_evaluating_changes_nothing(self):
        case = small_case()
        trainer = trainer_of(case)
        before = trainer.network.parameters.copy()
        trainer.evaluate((case.x, case.labels))
        assert np.array_equal(trainer.network.parameters, before)
