"""What leaves the checks of single arrays is safe for compiled code."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from fastpc.data import as_dataset, as_inputs
from fastpc.errors import ConfigurationError, DataError

from .samples import IMAGES, LABELS, rows


class TestInputs:
    @pytest.mark.parametrize("shape", [(6, 784), (6, 28, 28), (6, 28, 28, 1)])
    def test_images_are_flattened_and_stay_uint8_in_the_callers_memory(self, shape: tuple[int, ...]) -> None:
        data = as_dataset(IMAGES.reshape(shape), LABELS)
        assert data.inputs.shape == (6, 784)
        assert data.inputs.dtype == np.uint8
        assert np.shares_memory(data.inputs, IMAGES)
        assert data.scale == 1 / 255

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("uint8", "uint8"),
            ("float32", "float32"),
            ("float64", "float64"),
            ("bool", "float32"),
            ("int16", "float32"),
            ("float16", "float32"),
            (">f4", "float32"),
            (">f8", "float64"),
            ("int32", "float64"),
            ("int64", "float64"),
        ],
    )
    def test_every_number_type_becomes_one_the_engine_has(self, given: str, kept: str) -> None:
        data = as_dataset(rows(dtype=given), LABELS)
        assert data.inputs.dtype == np.dtype(kept)
        assert data.inputs.dtype.isnative
        assert data.scale == (1 / 255 if kept == "uint8" else 1.0)
        assert np.array_equal(data.inputs, rows(dtype=given))

    def test_the_memory_is_what_compiled_code_takes(self) -> None:
        frozen = rows()
        frozen.flags.writeable = False
        for x in (np.asfortranarray(rows()), rows(12)[::2], frozen):
            flags = as_dataset(x, LABELS).inputs.flags
            assert flags.c_contiguous
            assert flags.aligned
            assert flags.writeable

    def test_lists_are_arrays_too(self) -> None:
        assert as_dataset([[1, 2], [3, 4]], [0, 1]).inputs.tolist() == [[1, 2], [3, 4]]

    @pytest.mark.parametrize(
        ("x", "message"),
        [
            (np.float32(1), r"got shape \(\)"),
            (np.zeros(6), r"got shape \(6,\)"),
            (np.zeros((6, 2, 2, 2, 2)), "reshape to one row a sample"),
            (np.zeros((0, 4)), "at least one sample"),
            (np.zeros((6, 0)), "at least one sample and one feature"),
            (np.array([[None]] * 6), "got dtype object"),
            (np.array([["a"]] * 6), "got dtype <U1"),
            (np.zeros((6, 4), complex), "got dtype complex128"),
            (np.zeros((6, 4), "M8[s]"), "got dtype datetime64"),
            (np.zeros((6, 4), [("a", "f4")]), "expected inputs of a real number type"),
            ([[1, 2], [3]], "make every row the same length"),
            (np.ma.masked_equal(rows(), 3), "masked"),
        ],
    )
    def test_wrong_shapes_and_types_are_refused(self, x: Any, message: str) -> None:
        with pytest.raises(DataError, match=message):
            as_dataset(x, LABELS)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.coo_array])
    def test_values_that_are_not_finite_are_found(self, bad: float, make: Any) -> None:
        x = rows()
        x[4, 2] = bad
        with pytest.raises(DataError, match=f"finite inputs, got {bad} in sample 4"):
            as_dataset(make(x), LABELS)

    def test_a_long_double_too_large_for_float64_is_not_finite(self) -> None:
        if np.finfo(np.longdouble).max <= np.finfo(np.float64).max:
            pytest.skip("long double is no larger than float64 here")
        with pytest.raises(DataError, match="finite inputs"):
            as_inputs(np.full((1, 1), np.finfo(np.longdouble).max))


class TestTargets:
    @pytest.mark.parametrize("dtype", ["uint8", "int8", ">i4", "int64", "uint64", "float32", "f8"])
    def test_a_row_of_whole_numbers_is_labels(self, dtype: str) -> None:
        data = as_dataset(rows(), LABELS.astype(dtype))
        assert data.targets.dtype == np.int64
        assert data.targets.tolist() == LABELS.tolist()
        assert (data.n_classes, data.n_outputs) == (3, 3)

    def test_a_column_of_integers_is_labels_and_a_column_of_floats_is_not(self) -> None:
        assert as_dataset(rows(), LABELS[:, None]).targets.shape == (6,)
        regression = as_dataset(rows(), LABELS[:, None].astype(np.float32))
        assert regression.targets.shape == (6, 1)
        assert (regression.n_classes, regression.n_outputs) == (None, 1)

    def test_rows_of_numbers_are_dense_targets(self) -> None:
        one_hot = np.eye(3)[LABELS]
        data = as_dataset(rows(), one_hot)
        assert data.n_classes is None
        assert data.n_outputs == 3
        assert np.array_equal(data.targets, one_hot)
        assert np.array_equal(as_dataset(rows(), sparse.csr_array(one_hot)).targets, one_hot)

    def test_images_can_be_targets_and_are_scaled_as_inputs_are(self) -> None:
        data = as_dataset(np.eye(3)[LABELS], IMAGES)
        assert data.targets.shape == (6, 784)
        assert data.targets.dtype == np.uint8
        assert data.target_scale == 1 / 255

    def test_one_hot_bytes_are_not_mistaken_for_images(self) -> None:
        assert as_dataset(rows(), np.eye(3, dtype=np.uint8)[LABELS]).target_scale == 1.0

    def test_labels_are_copied_so_that_a_later_edit_cannot_put_them_out_of_range(self) -> None:
        labels = LABELS.astype(np.int64)
        data = as_dataset(rows(), labels)
        labels[:] = 99
        assert data.targets.max() == 2

    @pytest.mark.parametrize(
        ("y", "n_classes", "message"),
        [
            ([0, 1, 2, 0, 1, 3], 3, "labels from 0 to 2, got 3 in sample 5"),
            ([0, -1, 2, 0, 1, 2], None, "got -1 in sample 1"),
            ([-1] * 6, None, "got -1 in sample 0"),
            (np.full(6, 2**64 - 1, np.uint64), None, "got 18446744073709551615"),
            ([0, 0.5, 0, 0, 0, 0], None, "whole numbers as labels, got 0.5 in sample 1"),
            ([0, np.nan, 0, 0, 0, 0], None, "finite labels, got nan in sample 1"),
            ([1e300] * 6, None, "labels from 0 to"),
            (["a"] * 6, None, "targets of a real number type"),
            ([None] * 6, None, "got dtype object"),
            ([], None, "at least one label"),
            (3, None, r"got shape \(\)"),
            ([0, 1, 2], None, "got 3 targets for 6 inputs"),
            (np.eye(6), 3, "3 columns"),
            (np.full((6, 2), np.nan), None, "finite targets, got nan in sample 0"),
        ],
    )
    def test_bad_targets_are_refused(self, y: Any, n_classes: int | None, message: str) -> None:
        with pytest.raises(DataError, match=message):
            as_dataset(rows(), y, n_classes=n_classes)

    @pytest.mark.parametrize("n_classes", [0, -1, 2.5, True, "ten"])
    def test_a_bad_number_of_classes_is_a_configuration_error(self, n_classes: Any) -> None:
        with pytest.raises(ConfigurationError, match="positive number of classes"):
            as_dataset(rows(), LABELS, n_classes=n_classes)
