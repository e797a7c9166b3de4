"""TensorBoard from the command line."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def tensorboard(folder: Path) -> Any:
    """Return the callback of the `Trainer` that writes for TensorBoard.

    Raises
    ------
    DependencyError, ConfigurationError
        If TensorFlow or TensorBoard is missing, or the folder cannot be written to.
    """
    from fastpc.tensorboard import TensorBoard

    with _native_log_aside():
        return TensorBoard(folder)


@contextlib.contextmanager
def _native_log_aside() -> Iterator[None]:
    """Keep out of sight what TensorFlow says about itself as it loads, in C++, before any setting is heard."""
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # nobody listens
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
