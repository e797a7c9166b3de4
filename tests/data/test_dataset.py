"""A data set that exists is valid, whatever it was made of."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from fastpc.data import Dataset, as_dataset
from fastpc.errors import ConfigurationError, DataError

from .samples import IMAGES, LABELS, rows


class TestDataset:
    def test_it_checks_and_normalises_by_itself(self) -> None:
        data = Dataset(IMAGES, LABELS)
        assert (len(data), data.n_features, data.n_classes) == (6, 784, 3)
        with pytest.raises(DataError):
            Dataset(rows(), LABELS, n_classes=2)

    @pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
    def test_a_bad_scale_is_refused(self, scale: float) -> None:
        with pytest.raises(ConfigurationError, match="scale"):
            as_dataset(rows(), LABELS, scale=scale)
        with pytest.raises(ConfigurationError, match="target_scale"):
            as_dataset(rows(), LABELS, target_scale=scale)

    def test_taking_keeps_everything_but_the_selection(self) -> None:
        data = as_dataset(IMAGES, LABELS, n_classes=10, scale=0.5, name="mine")
        part = data.take([5, 0, 0])
        assert np.array_equal(part.inputs, data.inputs[[5, 0, 0]])
        assert part.targets.tolist() == [2, 0, 0]
        assert (part.n_classes, part.scale, part.name) == (10, 0.5, "mine")

    @pytest.mark.parametrize("indices", [[6], [-1], [0.0], [], [True], [[0]]])
    def test_taking_what_is_not_there_is_refused(self, indices: Any) -> None:
        with pytest.raises(DataError, match="pass sample numbers"):
            as_dataset(rows(), LABELS).take(indices)

    def test_a_split_is_a_seeded_partition_in_the_original_order(self) -> None:
        data = as_dataset(np.arange(100.0)[:, None], np.arange(100))
        train, held_out = data.split(0.2, seed=3)
        assert (len(train), len(held_out)) == (80, 20)
        assert sorted([*train.targets, *held_out.targets]) == list(range(100))
        for part in (train, held_out):
            assert np.all(np.diff(part.targets) > 0)
            assert np.array_equal(part.inputs[:, 0], part.targets)
        assert np.array_equal(data.split(0.2, seed=3)[1].targets, held_out.targets)
        assert not np.array_equal(data.split(0.2, seed=4)[1].targets, held_out.targets)

    def test_both_sides_of_a_split_keep_a_sample(self) -> None:
        data = as_dataset(rows(), LABELS)
        assert [len(part) for part in data.split(0.01, seed=0)] == [5, 1]
        assert [len(part) for part in data.split(0.99, seed=0)] == [1, 5]

    def test_an_impossible_split_is_refused(self) -> None:
        data = as_dataset(rows(), LABELS)
        for fraction in (0.0, 1.0, -0.1, np.nan):
            with pytest.raises(ConfigurationError, match="fraction"):
                data.split(fraction, seed=0)
        with pytest.raises(ConfigurationError, match="seed"):
            data.split(0.5, seed=-1)
        with pytest.raises(DataError, match="two samples"):
            data.take([0]).split(0.5, seed=0)

    def test_sample_weights_are_kept_and_go_with_their_samples(self) -> None:
        weights = [3, 0, 1, 0, 2, 0]
        data = as_dataset(rows(), LABELS, sample_weight=weights)
        assert data.sample_weight is not None
        assert data.sample_weight.tolist() == weights
        assert data.sample_weight.dtype == np.float64
        part = data.take([4, 0])
        assert part.sample_weight is not None
        assert part.sample_weight.tolist() == [2, 3]
        assert as_dataset(as_dataset(rows(), LABELS), sample_weight=weights).sample_weight is not None

    @pytest.mark.parametrize("scale", [1.0, 1e-300, 1e300])
    def test_only_proportions_of_weights_matter(self, scale: float) -> None:
        weights = np.array([3, 0, 1, 0, 2, 0])
        found = as_dataset(rows(), LABELS, sample_weight=weights * scale).mean_one_weights()
        np.testing.assert_allclose(found, weights, rtol=1e-12)
        assert as_dataset(rows(), LABELS).mean_one_weights() is None

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            ([1.0, 2.0], r"6 sample weights, one for each sample, got shape \(2,\)"),
            (np.ones((6, 1)), "6 sample weights"),
            (2.0, r"got shape \(\)"),
            ([1, 1, 1, 1, 1, -0.5], "not negative and not all zero, got -0.5 to 1"),
            (np.zeros(6), "not negative and not all zero, got 0 to 0"),
            ([1, 1, np.nan, 1, 1, 1], "finite sample weights, got nan in sample 2"),
            (["a"] * 6, "sample weights of a real number type"),
        ],
    )
    def test_bad_weights_are_refused(self, weights: Any, message: str) -> None:
        with pytest.raises(DataError, match=message):
            as_dataset(rows(), LABELS, sample_weight=weights)

    def test_its_text_is_short(self) -> None:
        assert repr(as_dataset(IMAGES, LABELS, name="mine")).startswith("Dataset(n_classes=3")


def test_importing_the_package_imports_numpy_alone() -> None:
    heavy = "{'scipy', 'sklearn', 'tensorflow', 'keras', 'numba', 'matplotlib', 'pandas'}"
    code = f"import sys, fastpc.data; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
