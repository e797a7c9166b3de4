"""Predictive coding networks, trained fast on CPUs.

Everything named in `__all__` is loaded when it is first asked for: to import fastpc costs next to
nothing, and loads no TensorFlow, scikit-learn, matplotlib or Numba.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastpc import data, notebook, plots
    from fastpc.bidirectional import BidirectionalNetwork
    from fastpc.clamp import Clamp
    from fastpc.data import Dataset, Shuffle, as_dataset, load_digits, load_mnist
    from fastpc.errors import (
        CheckpointError,
        ConfigurationError,
        DataError,
        DependencyError,
        DivergenceError,
        FastPCError,
        WorkerError,
    )
    from fastpc.estimators import PCClassifier, PCRegressor, PCTransformer
    from fastpc.network import PCNetwork
    from fastpc.optimizers import SGD, Adam, AdamW
    from fastpc.rules import (
        PC,
        ZIL,
        Backprop,
        BidirectionalPC,
        ErrorPC,
        FixedPrediction,
        Generative,
        Hybrid,
        IncrementalPC,
        Nudge,
        Unsupervised,
    )
    from fastpc.schedules import Constant, Cosine, Step, Warmup
    from fastpc.tensorboard import TensorBoard
    from fastpc.trainer import Trainer
    from fastpc.training_checkpoint import Checkpoint
    from fastpc.tuning import tune

__version__ = "0.1.0"

_MODULES = ("data", "notebook", "plots")
_HOMES = {
    "fastpc.bidirectional": ("BidirectionalNetwork",),
    "fastpc.clamp": ("Clamp",),
    "fastpc.data": ("Dataset", "Shuffle", "as_dataset", "load_digits", "load_mnist"),
    "fastpc.errors": (
        "CheckpointError",
        "ConfigurationError",
        "DataError",
        "DependencyError",
        "DivergenceError",
        "FastPCError",
        "WorkerError",
    ),
    "fastpc.estimators": ("PCClassifier", "PCRegressor", "PCTransformer"),
    "fastpc.network": ("PCNetwork",),
    "fastpc.optimizers": ("SGD", "Adam", "AdamW"),
    "fastpc.rules": (
        "PC",
        "ZIL",
        "Backprop",
        "BidirectionalPC",
        "ErrorPC",
        "FixedPrediction",
        "Generative",
        "Hybrid",
        "IncrementalPC",
        "Nudge",
        "Unsupervised",
    ),
    "fastpc.schedules": ("Constant", "Cosine", "Step", "Warmup"),
    "fastpc.tensorboard": ("TensorBoard",),
    "fastpc.trainer": ("Trainer",),
    "fastpc.training_checkpoint": ("Checkpoint",),
    "fastpc.tuning": ("tune",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "PC",
    "SGD",
    "ZIL",
    "Adam",
    "AdamW",
    "Backprop",
    "BidirectionalNetwork",
    "BidirectionalPC",
    "Checkpoint",
    "CheckpointError",
    "Clamp",
    "ConfigurationError",
    "Constant",
    "Cosine",
    "DataError",
    "Dataset",
    "DependencyError",
    "DivergenceError",
    "ErrorPC",
    "FastPCError",
    "FixedPrediction",
    "Generative",
    "Hybrid",
    "IncrementalPC",
    "Nudge",
    "PCClassifier",
    "PCNetwork",
    "PCRegressor",
    "PCTransformer",
    "Shuffle",
    "Step",
    "TensorBoard",
    "Trainer",
    "Unsupervised",
    "Warmup",
    "WorkerError",
    "__version__",
    "as_dataset",
    "data",
    "load_digits",
    "load_mnist",
    "notebook",
    "plots",
    "tune",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module, once."""
    if name in _MODULES:
        return import_module(f"fastpc.{name}")  # which also makes it an attribute of this package
    if name not in _HOME_OF:
        raise AttributeError(f"module 'fastpc' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
