"""Data for training and testing: where it comes from, and what it must look like.

Importing this package imports NumPy alone; SciPy, scikit-learn and TensorFlow are loaded by the
functions that need them.
"""

from fastpc.data.arrays import Inputs, Targets, as_inputs, as_targets
from fastpc.data.dataset import Dataset, as_dataset
from fastpc.data.digits import load_digits
from fastpc.data.idx import load_idx
from fastpc.data.mnist import find, find_training, load_mnist
from fastpc.data.npz import load_npz
from fastpc.data.shuffle import Shuffle
from fastpc.data.tf_dataset import as_tf_dataset

__all__ = [
    "Dataset",
    "Inputs",
    "Shuffle",
    "Targets",
    "as_dataset",
    "as_inputs",
    "as_targets",
    "as_tf_dataset",
    "find",
    "find_training",
    "load_digits",
    "load_idx",
    "load_mnist",
    "load_npz",
]
