"""The processes that train one network together, its ranks, as MPI calls them; and the one that trains alone.

What follows here holds for both, so that whoever trains need not ask how many there are. Every rank makes the same
calls in the same order, but for those that say otherwise.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from typing import TYPE_CHECKING, Any, TypeVar

from fastpc.errors import ConfigurationError, FastPCError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_T = TypeVar("_T")
# Seconds that a launcher is given to pass on what a rank said: it drops what it has not read when it kills all.
_LAST_WORDS = 0.2


class Alone:
    """One process, which has nobody to wait for."""

    rank, size = 0, 1

    @property
    def is_first(self) -> bool:
        """Whether this is the rank that prints, draws and saves."""
        return self.rank == 0

    def share_of(self, cores: int) -> int:
        """Return how many of the cores that this process may use are its own."""
        return cores

    def sum(self, numbers: NDArray[Any]) -> None:
        """Add up the arrays of all ranks, in place."""

    def joined(self, part: _T) -> list[_T]:
        """Return the parts of all ranks, in their order."""
        return [part]

    def from_first(self, value: _T) -> _T:
        """Return what the first rank has."""
        return value

    def first_before_others(self) -> bool:
        """Return whether this rank goes first on its machine; one that does not returns once those have `passed`."""
        return True

    def passed(self) -> None:
        """Let the others go on."""

    @contextmanager
    def together(self) -> Iterator[None]:
        """Do something that can fail on one rank: then its error is raised on all of them, as the block ends.

        The block must not call on the others: one that has failed would not answer.
        """
        yield

    def abort(self, error: BaseException) -> None:
        """End all ranks now, for an error that only this one knows of."""


ALONE = Alone()


class Ranks(Alone):
    """The processes of an MPI communicator.

    Parameters
    ----------
    communicator : mpi4py.MPI.Intracomm

    Raises
    ------
    ConfigurationError
        If it is none.
    """

    def __init__(self, communicator: Any) -> None:
        if not all(hasattr(communicator, name) for name in ("Allreduce", "Split_type", "Abort", "bcast")):
            raise ConfigurationError(
                f"expected communicator to be one of mpi4py, got {communicator!r}; pass for example MPI.COMM_WORLD"
            )
        from mpi4py import MPI

        self._communicator, self._mpi = communicator, MPI
        self.rank, self.size = communicator.Get_rank(), communicator.Get_size()
        machine = communicator.Split_type(MPI.COMM_TYPE_SHARED, key=self.rank)
        self._rank_here = machine.Get_rank()
        mine = frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        # A launcher may have bound every rank to cores of its own.
        self._sharers = int(machine.allgather(mine).count(mine))
        machine.Free()

    def share_of(self, cores: int) -> int:
        """Return how many cores are left for this rank, once all that may use the same ones have theirs."""
        return max(1, cores // self._sharers)

    def sum(self, numbers: NDArray[Any]) -> None:
        """Add up the arrays of all ranks, in place."""
        self._communicator.Allreduce(self._mpi.IN_PLACE, numbers)

    def joined(self, part: _T) -> list[_T]:
        """Return the parts of all ranks, in their order."""
        return list(self._communicator.allgather(part))

    def from_first(self, value: _T) -> _T:
        """Return what the first rank has."""
        found: _T = self._communicator.bcast(value)
        return found

    def first_before_others(self) -> bool:
        """Return whether this rank goes first on its machine; one that does not returns once those have `passed`."""
        if self._rank_here == 0:
            return True
        self._communicator.Barrier()
        return False

    def passed(self) -> None:
        """Let the others go on."""
        self._communicator.Barrier()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Do something that can fail on one rank: then its error is raised on all of them, as the block ends."""
        own: Exception | None = None
        try:
            yield
        except Exception as error:
            own = error
        except BaseException as error:  # Ctrl-C: the others may not have heard of it
            self.abort(error)
            raise
        failed = [error for error in self.joined(_sendable(own)) if error is not None]
        if failed:
            raise as_known(failed[0] if own is None else own)

    def abort(self, error: BaseException) -> None:
        """End all ranks now, for an error that only this one may know of."""
        if self.size == 1 or is_known(error):
            return
        own = isinstance(error, FastPCError | KeyboardInterrupt | SystemExit)
        trace = "" if own else "".join(traceback.format_exception(error))
        said = str(error) or type(error).__name__
        sys.stderr.write(f"{trace}fastpc: rank {self.rank} of {self.size} ends all: {said}\n")
        sys.stderr.flush()
        sleep(_LAST_WORDS)
        self._communicator.Abort(1)


def as_known(error: BaseException) -> BaseException:
    """Return an error, marked as one that all ranks raise."""
    error.known_to_all_ranks = True  # type: ignore[attr-defined]
    return error


def is_known(error: BaseException | None) -> bool:
    """Return whether all ranks raise this error, or what caused it."""
    return error is not None and (hasattr(error, "known_to_all_ranks") or is_known(error.__cause__))


def ranks_of(communicator: Any) -> Alone:
    """Return the ranks of a communicator, or those given; without any, this process alone."""
    if communicator is None:
        return ALONE
    return communicator if isinstance(communicator, Alone) else Ranks(communicator)


def _sendable(error: Exception | None) -> Exception | None:
    """Return an error that other processes can unpack."""
    if error is None or isinstance(error, FastPCError | OSError):
        return error
    return FastPCError(f"{type(error).__name__}: {error}")
