"""Where every number lies: one flat parameter vector, one scratch strip a tile, one buffer a batch.

Compiled code sees a network as flat arrays and one integer table with a row for each layer 0…L and the columns
named below. A weight matrix carries its bias as a last row, belonging to a unit that is always 1:

    parameters[row[WEIGHTS] + i * n_l + j]   W_l[i, j] for i < n_{l-1}, and b_l[j] for i = n_{l-1}

so a product, a gradient and an optimiser step each treat weights and biases in one go, and the whole network is one
contiguous vector: one buffer to optimise, to save, to send.

Inside a tile everything is feature-major: ``tile[row[STATE] + j * lanes + sample]``. In a batch buffer everything is
sample-major: ``errors[row[BATCH_ERROR] + sample * row[ERROR_STRIDE] + j]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastpc.engine.llvm import lanes
from fastpc.engine.products import BAND

(
    SIZE,  # n_l
    ACTIVATION,  # code of the f applied to this layer's states; identity at layer 0
    SKIP,  # whether x_{l-1} is a part of mu_l
    WEIGHTS,  # offset of W_l (and, behind it, b_l) in the parameters; layers 1…L
    STATE,  # tile: x_l; at layer L the target
    PREDICTION,  # tile: mu_l
    ERROR,  # tile: pi_l e_l
    ACTIVITY,  # tile: f(x_l), with a last row of ones
    SLOPE,  # tile: f'(x_l), where it is not told by the state or the activity
    VELOCITY,  # tile: v_l of the state momentum
    PULL,  # tile: pi_L e_L W_L^T, of the layer below a wide output; see gram
    CHANGE,  # tile: -dF/dx_l, which a step turns into the change of x_l, and that into the change of f(x_l)
    MOVE,  # tile: a step's change of x_l, where a skip leads on to layer l + 1
    BATCH_ERROR,  # batch: pi_l e_l
    ERROR_STRIDE,
    BATCH_ACTIVITY,  # batch: f(x_l), with a last column of ones
    ACTIVITY_STRIDE,
    N_COLUMNS,
) = range(18)

# A strip of columns may read or write this many lane groups past a row's end, so every flat array ends in slack.
SLACK_GROUPS = 4


def aligned_zeros(shape: int | tuple[int, int], dtype: DTypeLike) -> NDArray:
    """Return zeros whose first element (and, in two dimensions, each row's) starts a cache line; rows are filled up.

    NumPy aligns to 16 bytes; a 64-byte load that straddles two cache lines costs two.
    """
    rows, columns = shape if isinstance(shape, tuple) else (1, shape)
    per_line = 64 // np.dtype(dtype).itemsize
    stride = -(-columns // per_line) * per_line
    raw = np.zeros(rows * stride + per_line, dtype)
    skip = -raw.ctypes.data % 64 // raw.itemsize
    numbers = raw[skip : skip + rows * stride]
    return numbers.reshape(rows, stride) if isinstance(shape, tuple) else numbers[:columns]


class Layout:
    """The table of a network, and the sizes of the arrays it indexes.

    Parameters
    ----------
    sizes : the layers' sizes n_0…n_L.
    activations : activation codes of layers 0…L-1 (identity at 0).
    dtype : float32 or float64.
    scales : a_1…a_L, what layers' products are multiplied by; 1 by default.
    skips : whether a skip connection leads to layers 1…L; none by default. Such a layer is as wide as the one below.

    `sample_weights` is where a tile keeps its samples' weights, if they have any.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activations: Sequence[int],
        dtype: np.dtype,
        scales: Sequence[float] | None = None,
        skips: Sequence[bool] | None = None,
    ) -> None:
        self.sizes = tuple(sizes)
        self.dtype = np.dtype(dtype)
        self.lanes = lanes(dtype)
        self.slack = SLACK_GROUPS * self.lanes
        self.weighted = self._weighted_layers()
        self.layers = np.zeros((len(sizes), N_COLUMNS), np.int64)
        self.layers[:, SIZE] = sizes
        self.layers[:-1, ACTIVATION] = activations
        self.layers[1:, SKIP] = False if skips is None else skips
        # Entry 0 is not used.
        self.scales = np.ones(len(sizes), dtype)
        self.scales[1:] = 1 if scales is None else scales
        self.n_parameters = self._place_weights()
        # Whole lane groups, so that every area of a tile starts a cache line.
        self.work_size = max(BAND, -(-max(sizes) // self.lanes) + SLACK_GROUPS) * self.lanes
        self.tile_size = self._place_tile()

    def _weighted_layers(self) -> Sequence[int]:
        """Return the layers that have weights, in the order of the flat vector."""
        return range(1, len(self.sizes))

    def _place_weights(self) -> int:
        offset = 0
        for l in self.weighted:
            self.layers[l, WEIGHTS] = offset
            offset += (self.sizes[l - 1] + 1) * self.sizes[l]
        return offset

    def _place_tile(self) -> int:
        offset = self.work_size
        for row in self.layers:
            for column in (STATE, PREDICTION, ERROR, ACTIVITY, SLOPE, VELOCITY, PULL, CHANGE):
                row[column] = offset
                # One spare row holds the activity's ones, and keeps the areas off multiples of a page.
                offset += (row[SIZE] + 1) * self.lanes
        for row, above in pairwise(self.layers):
            if above[SKIP]:
                row[MOVE] = offset
                offset += (row[SIZE] + 1) * self.lanes
        self.sample_weights = int(offset) + self.slack
        return self.sample_weights + self.lanes

    def place_batch(self, batch_size: int) -> tuple[int, int]:
        """Lay out the batch buffers; return the numbers in (errors, activities)."""
        errors = activities = 0
        for row in self.layers:
            # One more than units: a bias' ones stand there.
            stride = -(-(row[SIZE] + 1) // self.lanes) * self.lanes
            if stride * self.dtype.itemsize % 512 == 0:
                stride += self.lanes  # rows a multiple of 512 bytes apart would crowd into few cache sets
            row[ERROR_STRIDE], row[BATCH_ERROR] = stride, errors
            errors += int(stride) * batch_size
            row[ACTIVITY_STRIDE], row[BATCH_ACTIVITY] = stride, activities
            activities += int(stride) * batch_size
        return errors + self.slack, activities + self.slack

    def empty_parameters(self) -> NDArray:
        """Return a zeroed parameter vector (n_parameters,), with slack behind it in memory."""
        return aligned_zeros(self.n_parameters + self.slack, self.dtype)[: self.n_parameters]

    def weights(self, parameters: NDArray) -> list[NDArray]:
        """Return views (n_{l-1}, n_l) of W_1…W_L."""
        return [self._augmented(parameters, l)[:-1] for l in self.weighted]

    def biases(self, parameters: NDArray) -> list[NDArray]:
        """Return views (n_l,) of b_1…b_L."""
        return [self._augmented(parameters, l)[-1] for l in self.weighted]

    def _augmented(self, parameters: NDArray, l: int) -> NDArray:
        start, n_in, n_out = self.layers[l, WEIGHTS], self.sizes[l - 1] + 1, self.sizes[l]
        return parameters[start : start + n_in * n_out].reshape(n_in, n_out)
