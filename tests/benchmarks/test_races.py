"""Time to an accuracy: which epoch counts, which settings are chosen, and that a repetition is one."""

import time

import numpy as np
import pytest

from benchmarks import settings, time_to_accuracy
from benchmarks.errors import BenchmarkError
from benchmarks.mnist import Mnist
from benchmarks.settings import RACERS, best, grid
from benchmarks.time_to_accuracy import accuracy, race, reached, summary

RNG = np.random.default_rng(2)
LABELS = np.arange(400) % 10
IMAGES = RNG.integers(0, 60, (400, 784)).astype(np.uint8)
IMAGES[np.arange(400), LABELS * 78] = 255  # each class has a pixel of its own
IMAGES[np.arange(400), LABELS * 78 + 1] = 255
DATA = Mnist(IMAGES[:300], LABELS[:300], IMAGES[300:], LABELS[300:])


def test_the_first_epoch_that_is_there_counts():
    assert reached([0.9, 0.98, 0.96, 0.99], 0.97) == 2
    assert reached([0.9, 0.96], 0.97) is None


def test_a_seed_that_does_not_get_there_leaves_no_median():
    def run(seconds: float | None) -> dict[str, dict[str, float | None]]:
        return {kind: {"0.97": 1.0, "0.98": seconds} for kind in ("epochs", "train_seconds", "total_seconds")}

    assert summary([run(1.0), run(5.0), run(2.0)])["train_seconds"] == {"0.97": 1.0, "0.98": 2.0}
    assert summary([run(1.0), run(None), run(2.0)])["train_seconds"]["0.98"] is None


def test_the_fastest_setting_is_chosen_and_else_the_highest():
    def tried(name: str, seconds: float | None, *curve: float) -> dict[str, object]:
        return {"settings": {"name": name}, "train_seconds": {"0.97": 0.1, "0.98": seconds}, "accuracy": list(curve)}

    assert best([tried("slow", 3.0, 0.99), tried("fast", 2.0, 0.98), tried("never", None, 0.97)])["name"] == "fast"
    assert best([tried("low", None, 0.975), tried("high", None, 0.979)])["name"] == "high"
    sooner = tried("sooner", None, 0.972) | {"train_seconds": {"0.97": 0.05, "0.98": None}}
    assert best([tried("high", None, 0.979), sooner])["name"] == "sooner"


def test_backpropagation_has_the_same_grid_everywhere():
    others = [name for name, racer in RACERS.items() if racer.workload.rule == "backprop"]
    assert len(others) == 4
    assert all(grid(RACERS[name]) == grid(RACERS[others[0]]) for name in others)
    assert grid(RACERS["fastpc"]) == grid(RACERS[others[0]])


def test_settings_that_were_not_chosen_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "FILE", tmp_path / "settings.json")
    with pytest.raises(BenchmarkError, match="run choose jax first"):
        settings.chosen("jax")


def test_the_validation_split_leaves_the_test_set_alone():
    split = DATA.validation_split(100)
    assert np.array_equal(split.images, DATA.images[:200])
    assert np.array_equal(split.test_images, DATA.images[200:])


def test_accuracy_is_that_of_the_feed_forward_pass():
    W = np.zeros((784, 10), np.float32)
    W[np.arange(10) * 78, np.arange(10)] = 1
    assert accuracy([(W, np.zeros(10, np.float32))], "relu", IMAGES, LABELS) == 1.0


def test_a_race_trains_measures_and_repeats_itself_exactly():
    racer = RACERS["fastpc"]
    found = race(racer, racer.workload, DATA, 0, time.time(), epochs=3)
    assert found["repeated"] == 0
    assert 1 <= len(found["accuracy"]) <= 3
    assert found["accuracy"][-1] > found["accuracy"][0] or found["accuracy"][0] > 0.9
    assert found["relaxation"]["steps"] == 3
    assert 0 < found["relaxation"]["cosine"] <= 1
    for target, epoch in found["epochs"].items():
        assert (found["train_seconds"][target] is None) == (epoch is None)


def test_the_rest_after_measuring_is_off_the_clock(monkeypatch):
    monkeypatch.setattr(time_to_accuracy, "TARGETS", (0.0,))
    monkeypatch.setattr(time_to_accuracy, "REST", 0.5)
    racer = RACERS["fastpc"]
    begin = time.time()
    found = race(racer, racer.workload, DATA, 0, time.time(), epochs=1)
    assert found["total_seconds"]["0.0"] < time.time() - begin - 0.5


def test_the_rate_falls_over_the_epochs_planned():
    assert settings.factor(0, 4) == 1
    assert settings.factor(2, 4) == pytest.approx(0.5)
    assert 0 < settings.factor(3, 4) < 0.2


def test_accuracies_of_another_implementation_count_with_seconds_of_one_s_own(monkeypatch):
    def run(arguments, python):
        size = settings.json.loads(arguments[arguments.index("--settings") + 1])["batch_size"]
        return {"epoch_seconds": 64.0 / size}

    def tried(size, epochs):
        return {"settings": {"batch_size": size}, "epochs": {"0.97": 1, "0.98": epochs}, "accuracy": [0.98]}

    monkeypatch.setattr(settings.processes, "run", run)
    like = {"tried": [tried(64, 2), tried(128, 3), tried(128, None)]}
    found = settings.choose("keras", "data", None, like)
    assert [item["train_seconds"]["0.98"] for item in found["tried"]] == [2.0, 1.5, None]
    assert found["chosen"] == {"batch_size": 128}
