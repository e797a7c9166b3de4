"""Optional packages: imported when they are used, and asked for in one sentence where they are missing."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from fastpc.errors import DependencyError


def load(module: str, purpose: str, extra: str) -> Any:
    """Return an optional module, imported now.

    Parameters
    ----------
    module : str
        Its name.
    purpose : str
        What needs it, for the error.
    extra : str
        The extra of fastpc that installs it.

    Raises
    ------
    DependencyError
        If it cannot be imported.
    """
    try:
        return import_module(module)
    except (ImportError, RuntimeError) as error:  # some raise the other where a library of theirs is missing
        raise DependencyError(
            f"expected {module} for {purpose}, got none that can be imported ({error}); install fastpc[{extra}]"
        ) from error


def tensorflow(purpose: str) -> Any:
    """Return TensorFlow, which Keras comes with; see `load`."""
    # Its own log would bury what we have to say.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return load("tensorflow", purpose, "tensorflow")
