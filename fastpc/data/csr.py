"""Sparse inputs: any SciPy matrix in, one canonical CSR array out.

The engine walks the rows of a CSR array with no further checks, so what leaves this module has
indices that are in range and sorted, no duplicate entries, and no stored zeros.
"""

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from fastpc.data.dtypes import engine_dtype, engine_memory
from fastpc.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def is_sparse(value: object) -> "TypeGuard[Any]":
    """Tell whether `value` is a SciPy sparse array or matrix, without importing SciPy."""
    # Nobody can hold a sparse matrix before scipy.sparse has been imported.
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(value))


def canonical_csr(matrix: Any, role: str) -> "csr_array":
    """Return `matrix` as a canonical CSR array, sharing its memory where it already is one.

    Parameters
    ----------
    matrix : scipy.sparse array or matrix, shape (N, n)
        Any format and any real dtype. It is never changed.
    role : str
        What the matrix holds, for error messages.

    Returns
    -------
    csr_array of uint8, float32 or float64, shape (N, n)
        With int32 or int64 indices.

    Raises
    ------
    DataError
        For an empty matrix, one that is not two-dimensional, indices out of range, a dtype that is
        not a real number, or duplicate uint8 entries whose sum exceeds 255.
    """
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise DataError(
            f"expected sparse {role} of shape (samples, features), neither of them 0, "
            f"got shape {matrix.shape}; check how the matrix was made"
        )
    dtype = engine_dtype(matrix.dtype, role)
    matrix = _checked(matrix, role)
    if matrix.format == "csr" and matrix.has_canonical_format and np.count_nonzero(matrix.data) == matrix.nnz:
        return matrix.astype(dtype, copy=False)
    return _canonicalised(matrix, dtype, role)


def _checked(matrix: Any, role: str) -> Any:
    """Return `matrix`, compressed formats as new objects whose index arrays have been checked."""
    from scipy import sparse

    if matrix.format not in ("csr", "csc"):
        return matrix
    # A new object around the same memory forgets flags such as `has_sorted_indices`, which are
    # wrong once somebody has edited the arrays, and lets SciPy trim the arrays without the
    # caller noticing. SciPy's conversions trust the indices, hence the full check before them.
    compressed = sparse.csr_array if matrix.format == "csr" else sparse.csc_array
    parts = (matrix.data, matrix.indices, matrix.indptr)
    try:
        matrix = compressed(tuple(engine_memory(part) for part in parts), shape=matrix.shape)
        matrix.check_format(full_check=True)
    except ValueError as error:
        raise DataError(
            f"expected sparse {role} with valid indices, got a damaged matrix ({error}); "
            "build it again from its entries"
        ) from error
    return matrix


def _canonicalised(matrix: Any, dtype: "np.dtype[Any]", role: str) -> "csr_array":
    """Return a canonical copy of `matrix`, its duplicates summed and its zeros dropped."""
    from scipy import sparse

    # Duplicates are summed in a type in which small integers cannot wrap round.
    summing = np.dtype(np.float64) if matrix.dtype.kind in "iu" else dtype
    csr = sparse.csr_array(matrix.astype(summing))
    csr.sum_duplicates()
    csr.eliminate_zeros()
    if dtype == np.uint8 and csr.nnz and csr.data.max() > 255:
        raise DataError(
            f"expected duplicate uint8 entries of the {role} to sum to at most 255, "
            f"got {csr.data.max():.0f}; remove the duplicates or use floats"
        )
    return csr.astype(dtype, copy=False)
