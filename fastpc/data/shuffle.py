"""The order in which an epoch visits the samples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastpc.errors import ConfigurationError


def permutation(n: int, seed: int, *stream: int) -> NDArray[np.int64]:
    """Return a random permutation of ``0 … n-1`` that depends on the arguments alone.

    Parameters
    ----------
    n : int
        How many numbers to permute, at least 1 and below 2**32.
    seed : int
        The user's seed, not negative.
    *stream : int
        Numbers that tell one use of the seed from another, such as the epoch.

    Returns
    -------
    ndarray of int64, shape (n,)

    Notes
    -----
    NumPy promises the raw stream of a bit generator for ever, but not what
    ``Generator.permutation`` makes of it. So we sort random keys ourselves: the high bits of a key
    are random and its low bits are the number it carries, which makes the keys distinct and the
    result independent of the sorting algorithm. A run can then be repeated, and resumed, under
    another release of NumPy.
    """
    index_bits = np.uint64((1 << int(n - 1).bit_length()) - 1)
    bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=stream))
    keys = bits.random_raw(n) & ~index_bits | np.arange(n, dtype=np.uint64)
    keys.sort()
    return (keys & index_bits).astype(np.int64)


def batches(n: int, batch_size: int) -> int:
    """Return how many batches `n` samples make, the last short one included."""
    if batch_size < 1:
        raise ConfigurationError(f"expected a batch size of at least 1, got {batch_size}; use a positive number")
    return -(-n // batch_size)


@dataclass(frozen=True)
class Shuffle:
    """A seeded shuffle without hidden state.

    Every epoch's order is a pure function of `n`, `seed` and the epoch's number, so a run resumes
    in the middle of training by asking for the epoch it stopped in.

    Parameters
    ----------
    n : int
        The number of samples, at least 1.
    seed : int
        Not negative.
    """

    n: int
    seed: int

    def __post_init__(self) -> None:
        if not 1 <= self.n < 2**32:
            raise ConfigurationError(
                f"expected between 1 and 2**32 - 1 samples to shuffle, got {self.n}; pass the size of the data set"
            )
        if self.seed < 0:
            raise ConfigurationError(f"expected a seed of at least 0, got {self.seed}; use a non-negative integer")

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the samples' order in `epoch`: int64 of shape (n,), each sample once."""
        if epoch < 0:
            raise ConfigurationError(f"expected an epoch of at least 0, got {epoch}; count epochs from 0 or 1 upwards")
        return permutation(self.n, self.seed, epoch)
