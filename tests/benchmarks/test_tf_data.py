"""The sources that are compared hold the same samples, and each is measured."""

import json

import numpy as np
import pytest

from benchmarks import tf_data
from benchmarks.mnist import Mnist
from fastpc import as_dataset

pytest.importorskip("tensorflow")

RNG = np.random.default_rng(0)
DATA = Mnist(RNG.integers(0, 256, (300, 784), np.uint8), RNG.integers(0, 10, 300), *2 * [np.zeros(0)])


def test_every_source_holds_the_same_samples():
    made = tf_data.sources(DATA)
    assert len(made) == 1 + len(tf_data.BATCHES)
    for make in made.values():
        data = as_dataset(make())
        assert np.array_equal(data.inputs, DATA.images)
        assert np.array_equal(data.targets, DATA.labels)


def test_each_is_measured():
    for found in tf_data.measure(DATA, threads=1, epochs=2, rounds=1):
        assert found["one_epoch"] > 0
        assert found["all_epochs"] > 0
        assert (found["read_seconds"] > 0) == found["source"].startswith("tf.data")
        json.dumps(found)
