"""Pairs and batches from anywhere become one data set."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from fastpc.data import Dataset, as_dataset
from fastpc.errors import DataError

from .samples import IMAGES, LABELS


class TestSources:
    def batches(self, size: int = 4) -> Iterator[tuple[Any, Any]]:
        for start in range(0, 6, size):
            yield IMAGES[start : start + size], LABELS[start : start + size]

    def assert_is_everything(self, data: Dataset) -> None:
        assert data.inputs.dtype == np.uint8
        assert np.array_equal(data.inputs, IMAGES.reshape(6, 784))
        assert np.array_equal(data.targets, LABELS)

    def test_a_data_set_passes_through(self) -> None:
        data = as_dataset(IMAGES, LABELS)
        assert as_dataset(data) is data
        assert as_dataset(data, n_classes=10).n_classes == 10
        with pytest.raises(DataError, match="alone"):
            as_dataset(data, LABELS)

    def test_a_pair_a_generator_and_sequences_of_batches(self) -> None:
        self.assert_is_everything(as_dataset((IMAGES, LABELS)))
        self.assert_is_everything(as_dataset(self.batches()))
        self.assert_is_everything(as_dataset(list(self.batches())))
        self.assert_is_everything(as_dataset(tuple(self.batches())))

    def test_a_buffer_that_is_filled_again_and_again_is_copied(self) -> None:
        def reused() -> Iterator[list[Any]]:
            x, y = np.empty((2, 28, 28), np.uint8), np.empty(2, np.uint8)
            for start in (0, 2, 4):
                x[:], y[:] = IMAGES[start : start + 2], LABELS[start : start + 2]
                yield [x, y]

        self.assert_is_everything(as_dataset(reused()))

    def test_sparse_batches_are_stacked(self) -> None:
        data = as_dataset((sparse.csr_array(x.reshape(len(x), -1)), y) for x, y in self.batches())
        assert isinstance(data.inputs, sparse.csr_array)
        assert data.inputs.dtype == np.uint8
        assert np.array_equal(data.inputs.toarray(), IMAGES.reshape(6, 784))

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            (IMAGES, "got ndarray alone"),
            (sparse.csr_array(np.eye(2)), "csr_array alone"),
            ("mnist.npz", "got str alone"),
            ({"image": IMAGES}, "got dict alone"),
            (3, "got int alone"),
            (None, "got NoneType alone"),
            ([], "got none"),
            ([IMAGES], "as batch 0"),
            ([(IMAGES, LABELS, LABELS)], "got tuple of 3 as batch 0"),
            ([{"x": IMAGES, "y": LABELS}], "got dict of 2 as batch 0"),
            ([(IMAGES[0], LABELS[0])], "single samples"),
            ([(IMAGES, LABELS[:5])], "got 5 targets for 6 inputs in batch 0"),
            ([(IMAGES, LABELS), (IMAGES / 255, LABELS)], "got float64 ndarray .* in batch 1"),
            ([(IMAGES, LABELS), (IMAGES[:, 1:], LABELS)], r"\(27, 28\).* in batch 1"),
            ([(IMAGES, np.array([None] * 6))], "targets of batch 0 .* got dtype object"),
        ],
    )
    def test_what_cannot_be_data_is_refused(self, source: Any, message: str) -> None:
        with pytest.raises(DataError, match=message):
            as_dataset(source)
