"""``--distributed mpi``: this process is one of several, and what becomes of errors then."""

import os
import sys

from fastpc.checks import require_choice
from fastpc.extras import load
from fastpc.ranks import ALONE, Alone, is_known, ranks_of

# Where the launchers of MPI say which rank a process has, before it has said so to MPI.
_RANK = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")

_ranks = ALONE


def begin(distributed: str | None) -> Alone:
    """Return the processes that mpiexec started together with this one; alone, without ``--distributed``.

    Raises
    ------
    ConfigurationError
        For another word than mpi.
    DependencyError
        If mpi4py is missing, or an MPI for it.
    """
    global _ranks
    if distributed is not None:
        require_choice("--distributed", distributed, ("mpi",))
        _ranks = ranks_of(load("mpi4py.MPI", "--distributed mpi", "mpi").COMM_WORLD)
    return _ranks


def speaks(error: BaseException | None) -> bool:
    """Return whether this process is the one to print an error."""
    if _ranks.size > 1:
        return _ranks.is_first and is_known(error)
    if "--distributed" not in sys.argv:
        return True
    return next((os.environ[name] for name in _RANK if name in os.environ), "0") == "0"


def end(error: BaseException | None) -> None:
    """End all processes with this one, unless all of them know of its error; they would wait for it."""
    if error is not None:
        _ranks.abort(error)
