"""Where the numbers of a network of two directions lie: one table, one vector, one set of states.

The table has the rows of the bottom-up network, layers 0…L, and behind them those of the top-down one, whose layer k
is layer L-k: the same states and activities, with predictions, errors and weights of its own. Either half is a table
like any network's, so everything that is done to one network can be done to each direction; and a step of the
weights, which looks at a layer's row and the row before it, takes all rows as one network's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastpc.engine.layout import ACTIVITY, ACTIVITY_STRIDE, BATCH_ACTIVITY, SLOPE, STATE, Layout


class BidirectionalLayout(Layout):
    """The table of both directions, and the sizes of the arrays it indexes.

    Parameters
    ----------
    sizes : the layers' sizes n_0…n_L, bottom-up.
    activations : activation codes of the hidden layers 1…L-1, shared by both directions.
    dtype : float32 or float64.
    """

    def __init__(self, sizes: Sequence[int], activations: Sequence[int], dtype: np.dtype) -> None:
        self.n_rows = len(sizes)  # of each direction
        codes = (0, *activations, 0, 0, *reversed(activations))
        super().__init__((*sizes, *reversed(sizes)), codes, dtype)

    def _weighted_layers(self) -> Sequence[int]:
        # Top-down first: its matrices, unlike one to ten classes, mostly fill whole cache lines.
        return (*range(self.n_rows + 1, 2 * self.n_rows), *range(1, self.n_rows))

    def _place_tile(self) -> int:
        size = super()._place_tile()
        self._share(STATE, ACTIVITY, SLOPE)
        return size

    def place_batch(self, batch_size: int) -> tuple[int, int]:
        """Lay out the batch buffers; return the numbers in (errors, activities)."""
        numbers = super().place_batch(batch_size)
        self._share(BATCH_ACTIVITY, ACTIVITY_STRIDE)
        return numbers

    def _share(self, *columns: int) -> None:
        """Give the top-down rows the places of the bottom-up ones."""
        for column in columns:
            self.layers[self.n_rows :, column] = self.layers[: self.n_rows, column][::-1]
