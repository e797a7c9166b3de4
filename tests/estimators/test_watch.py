"""When training has gone on for long enough."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fastpc.estimators.watch import Watch


def watched(watch: Watch, energies: list[float]) -> Any:
    """Show a watch epochs of these energies until it stops; return what stands for the trainer."""
    trainer = SimpleNamespace(stop_training=False, network=SimpleNamespace(parameters=np.zeros(2)))
    for epoch, energy in enumerate(energies, 1):
        if trainer.stop_training:
            break
        trainer.network.parameters[:] = epoch
        watch.on_epoch_end(trainer, SimpleNamespace(epoch=epoch, energy=(energy / 2, energy / 2)))  # type: ignore[arg-type]
    watch.on_fit_end(trainer, None)  # type: ignore[arg-type]
    return trainer


def test_it_stops_after_more_epochs_without_improvement_than_allowed() -> None:
    watch = Watch(0.1, 2, None, False)
    trainer = watched(watch, [3.0, 2.0, 1.95, 1.94, 1.93, 1.0])
    assert watch.losses == [3.0, 2.0, 1.95, 1.94, 1.93]
    assert watch.converged
    assert np.all(trainer.network.parameters == 5)  # without a score, where training ended


def test_an_improvement_starts_the_count_anew() -> None:
    watch = Watch(0.1, 2, None, False)
    watched(watch, [3.0, 2.95, 2.94, 1.0, 0.99, 0.98])
    assert not watch.converged
    assert len(watch.losses) == 6


def test_by_a_score_the_best_parameters_come_back() -> None:
    scores = iter([0.5, 0.9, 0.8, 0.7, 0.6])
    watch = Watch(0.0, 2, lambda: next(scores), False)
    trainer = watched(watch, [5.0, 4.0, 3.0, 2.0, 1.0])
    assert watch.converged
    assert watch.best == 0.9
    assert np.all(trainer.network.parameters == 2)


@pytest.mark.parametrize("verbose", [True, False])
def test_it_says_what_it_sees_if_asked(verbose: bool, capsys: pytest.CaptureFixture[str]) -> None:
    watched(Watch(0.0, 9, lambda: 0.25, verbose), [2.0])
    said = capsys.readouterr().out
    assert said == ("Iteration 1, energy = 2.00000000, validation score = 0.250000\n" if verbose else "")
