"""Any SciPy matrix becomes a canonical CSR array, and damaged ones are refused."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from fastpc.data import as_dataset, as_inputs
from fastpc.errors import DataError


class TestSparseInputs:
    DENSE = np.array([[0, 1, 0], [0, 0, 0], [2, 0, 3]])

    @pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "lil", "dok", "dia"])
    @pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int64, np.bool_])
    @pytest.mark.parametrize("make", [sparse.coo_array, sparse.coo_matrix])
    def test_every_format_becomes_canonical_csr(self, form: str, dtype: Any, make: Any) -> None:
        dense = self.DENSE.astype(dtype)
        inputs = as_inputs(make(dense).asformat(form))
        assert isinstance(inputs, sparse.csr_array)
        assert inputs.has_canonical_format
        assert inputs.dtype == as_inputs(dense).dtype
        assert np.array_equal(inputs.toarray(), dense)

    def test_canonical_csr_is_not_copied(self) -> None:
        csr = sparse.csr_array(self.DENSE.astype(np.uint8))
        assert np.shares_memory(as_inputs(csr).data, csr.data)

    def test_duplicates_stored_zeros_and_unsorted_indices_are_resolved_in_a_copy(self) -> None:
        csr = sparse.csr_array((np.array([5, 1, 2, 0], np.uint8), [2, 0, 2, 1], [0, 3, 4]), shape=(2, 3))
        inputs: Any = as_inputs(csr)
        assert inputs.data.tolist() == [1, 7]
        assert inputs.indices.tolist() == [0, 2]
        assert inputs.indptr.tolist() == [0, 2, 2]
        assert inputs.dtype == np.uint8
        assert csr.data.tolist() == [5, 1, 2, 0]

    def test_a_flag_that_the_callers_edits_made_wrong_is_not_believed(self) -> None:
        csr = sparse.csr_array(np.ones((1, 3), np.float32))
        assert csr.has_canonical_format
        csr.indices[:] = [2, 1, 0]
        inputs: Any = as_inputs(csr)
        assert inputs.indices.tolist() == [0, 1, 2]

    def test_duplicate_bytes_do_not_wrap_round(self) -> None:
        coo = sparse.coo_array((np.array([200, 100], np.uint8), ([0, 0], [0, 0])), shape=(1, 1))
        with pytest.raises(DataError, match="sum to at most 255, got 300"):
            as_inputs(coo)

    @pytest.mark.parametrize("form", ["csr", "csc"])
    @pytest.mark.parametrize("index", [3, -1, 10**6])
    def test_indices_out_of_range_are_found_before_they_are_used(self, form: str, index: int) -> None:
        matrix = sparse.coo_array(np.ones((3, 3), np.float32)).asformat(form)
        matrix.indices[1] = index
        with pytest.raises(DataError, match="damaged matrix"):
            as_inputs(matrix)

    @pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
    def test_empty_matrices_are_refused(self, shape: tuple[int, int]) -> None:
        with pytest.raises(DataError, match="neither of them 0"):
            as_inputs(sparse.csr_array(shape))

    def test_a_complex_matrix_is_refused(self) -> None:
        with pytest.raises(DataError, match="got dtype complex128"):
            as_inputs(sparse.csr_array(np.eye(2, dtype=complex)))

    def test_taking_and_splitting_keep_rows_together_with_their_targets(self) -> None:
        data = as_dataset(sparse.csr_array(self.DENSE), [0, 1, 2])
        taken: Any = data.take([2, 0]).inputs
        assert taken.toarray().tolist() == [[2, 0, 3], [0, 1, 0]]
        train, held_out = data.split(0.3, seed=0)
        assert (len(train), len(held_out)) == (2, 1)
