"""Small networks, data and witnesses for tests of training."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

import naive_training
from fastpc.data import Shuffle
from fastpc.history import EpochRecord, History, Progress
from fastpc.network import PCNetwork
from fastpc.optimizers import Optimizer
from fastpc.rules import PC
from fastpc.trainer import Trainer
from strategies import Case, make_case

SIZES = (7, 21, 5, 4)
SAMPLES, BATCH = 150, 64  # batches of 64, 64 and 22
SEED = 3
PLAIN = PC(steps=4, step_size=0.1)


def small_case(loss: str = "squared_error", samples: int = SAMPLES) -> Case:
    """A float64 network of two smooth hidden layers, and classified samples with one-hot targets."""
    case = make_case(SIZES, ("tanh", "gelu"), loss, batch_size=samples, seed=1)
    return replace(case, target=np.eye(SIZES[-1])[case.labels])


def network_of(case: Case) -> PCNetwork:
    network = PCNetwork(case.sizes, case.activations, case.loss, case.dtype)
    network.weights = case.weights
    network.biases = case.biases
    return network


def trainer_of(case: Case, rule: PC | None = None, optimizer: Optimizer | None = None, **settings: object) -> Trainer:
    return Trainer(network_of(case), rule, optimizer, BATCH, seed=SEED, **settings)  # type: ignore[arg-type]


def digits_trainer(rule: PC | None = None, optimizer: Optimizer | None = None, **settings: object) -> Trainer:
    """Make a float32 network for the digits."""
    return Trainer(PCNetwork((64, 16, 10)), rule, optimizer, **settings)  # type: ignore[arg-type]


def orders(samples: int, epochs: int) -> list[NDArray[np.int64]]:
    return [Shuffle(samples, SEED).order(epoch) for epoch in range(epochs)]


def assert_same_parameters(network: PCNetwork, trained: naive_training.Trained) -> None:
    for ours, theirs in zip(network.weights, trained.parameters.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
    for ours, theirs in zip(network.biases, trained.parameters.biases, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


class Diary:
    """Writes down every call."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.calls: list[str] = []
        self.progress: list[Progress] = []
        self.records: list[EpochRecord] = []
        self.histories: list[History] = []

    def on_fit_begin(self, trainer: Trainer) -> None:
        self.calls.append("fit begins")

    def on_chunk(self, trainer: Trainer, progress: Progress) -> None:
        self.calls.append("chunk")
        self.progress.append(progress)

    def on_epoch_end(self, trainer: Trainer, record: EpochRecord) -> None:
        self.calls.append("epoch ends")
        self.records.append(record)

    def on_fit_end(self, trainer: Trainer, history: History) -> None:
        self.calls.append("fit ends")
        self.histories.append(history)
