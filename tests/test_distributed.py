"""Batches divided among ranks: what they end with is what one process ends with, and is the same again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastpc import PC, SGD, IncrementalPC, PCNetwork, Trainer
from fastpc.distributed import require_divisible
from fastpc.errors import ConfigurationError
from fastpc.rules import BY_NAME, Unsupervised
from rank_program import KINDS, data_of, trained
from ranks import needs_mpi, run

RANKS = (1, 2, 3, 4)
IN_FLOAT64 = [name for name, kind in KINDS.items() if kind.dtype == "float64"]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Any]:
    """Every kind of run on 1, 2, 3 and 4 ranks."""
    folder, found = tmp_path_factory.mktemp("ranks"), {}
    for ranks in RANKS:
        done = run(ranks, str(Path(__file__).with_name("rank_program.py")), str(folder / f"{ranks}.npz"))
        assert done.returncode == 0, done.stderr
        with np.load(folder / f"{ranks}.npz") as arrays:
            found[ranks] = dict(arrays) | {"errors": json.loads((folder / f"{ranks}.json").read_text())}
    return found


@needs_mpi
class TestRanks:
    @pytest.mark.parametrize("ranks", RANKS)
    @pytest.mark.parametrize("name", IN_FLOAT64)
    def test_weights_after_two_epochs_are_those_of_one_process(self, ended, name, ranks):
        expected = trained(KINDS[name])
        for key, array in expected.items():
            np.testing.assert_allclose(ended[ranks][f"{name}/{key}"], array, rtol=1e-11, atol=1e-11, err_msg=key)

    @pytest.mark.parametrize("ranks", [2, 3, 4])
    def test_the_gradient_of_a_batch_is_one_process_s_in_float32(self, ended, ranks):
        kind = KINDS["one batch in float32"]
        train, _ = data_of(kind)
        network = PCNetwork((64, 21, 17, 10), "tanh", kind.loss, kind.dtype)
        weights, biases = network.gradient(train, None, kind.rule)
        layout = network.layout
        total = ended[ranks]["one batch in float32/last sum"]
        ours = [-array / kind.batch for array in (*layout.weights(total), *layout.biases(total))]
        for mine, theirs in zip(ours, (*weights, *biases), strict=True):
            assert np.abs(mine - theirs).max() <= 1e-6 * np.abs(theirs).max()

    @pytest.mark.parametrize("ranks", [2, 4])
    @pytest.mark.parametrize("name", KINDS)
    def test_1_2_and_4_ranks_end_with_the_same_bits(self, ended, name, ranks):
        assert ended[ranks][f"{name}/parameters"].tobytes() == ended[1][f"{name}/parameters"].tobytes()

    @pytest.mark.parametrize("ranks", RANKS)
    def test_a_run_once_more_on_another_number_of_threads_ends_with_the_same_bits(self, ended, ranks):
        again, before = (ended[ranks][f"{name}/parameters"] for name in ("again", "pc in float32"))
        assert again.tobytes() == before.tobytes()

    @pytest.mark.parametrize("ranks", RANKS)
    def test_one_rank_s_diverging_sample_is_the_same_error_on_all(self, ended, ranks):
        errors = ended[ranks]["errors"]
        assert len(errors) == ranks
        assert all(error == errors[0] for error in errors)
        assert errors[0]["error"].startswith("training diverged in epoch 1, batch 2, layer ")
        assert errors[0]["finite"] == "True"


@needs_mpi
def test_accuracy_is_one_process_s_within_a_third_of_a_point(mnist, tmp_path):
    program = f"""
import numpy as np
from mpi4py import MPI
from fastpc import PC, Adam, PCNetwork, Trainer
from fastpc.data import find
from conftest import MNIST_SOURCE
train, test = find(MNIST_SOURCE)
accuracies = []
for communicator in (MPI.COMM_WORLD, None):
    trainer = Trainer(PCNetwork((784, 64, 10)), PC(), Adam(1e-3), threads=1, communicator=communicator)
    trainer.fit(train, epochs=1)
    accuracies.append(trainer.evaluate(test).accuracy)
if MPI.COMM_WORLD.rank == 0:
    np.save({str(tmp_path / "found.npy")!r}, accuracies)
"""
    done = run(2, "-c", program)
    assert done.returncode == 0, done.stderr
    ours, theirs = np.load(tmp_path / "found.npy")
    assert theirs > 0.9
    assert abs(ours - theirs) <= 0.003


@needs_mpi
def test_other_data_on_one_rank_are_refused_on_all():
    program = """
from mpi4py import MPI
from fastpc import PCNetwork, Trainer, load_digits
network = PCNetwork((64, 8, 10), seed=MPI.COMM_WORLD.rank)
try:
    Trainer(network, communicator=MPI.COMM_WORLD).fit(load_digits()[0])
except ValueError as error:
    print(error, flush=True)
"""
    done = run(2, "-c", program)
    assert done.returncode == 0
    assert done.stdout.count("expected the same settings, weights and data on all ranks") == 2


@needs_mpi
@pytest.mark.parametrize("where", ["on_fit_begin", "on_chunk", "on_epoch_end"])
def test_an_error_that_one_rank_alone_knows_of_ends_all(where):
    program = f"""
from mpi4py import MPI
from fastpc import PCNetwork, Trainer, load_digits
class Broken:
    def {where}(self, *_):
        raise RuntimeError("a callback's own")
trainer = Trainer(PCNetwork((64, 8, 10)), callbacks=[Broken()], communicator=MPI.COMM_WORLD)
trainer.fit(load_digits()[0], epochs=1000)
"""
    done = run(2, "-c", program)
    assert done.returncode == 1
    assert done.stderr.count("fastpc: rank 0 of 2 ends all: a callback's own") == 1


@needs_mpi
def test_a_callback_of_the_first_rank_ends_training_on_all():
    program = """
from mpi4py import MPI
from fastpc import PCNetwork, Trainer, load_digits
class Enough:
    def on_epoch_end(self, trainer, record):
        trainer.stop_training = record.epoch == 3
trainer = Trainer(PCNetwork((64, 8, 10)), callbacks=[Enough()], communicator=MPI.COMM_WORLD)
print(len(trainer.fit(load_digits()[0], epochs=1000).epochs), flush=True)
"""
    done = run(2, "-c", program)
    assert done.returncode == 0, done.stderr
    assert "".join(done.stdout.split()) == "33"


def test_rules_whose_batches_are_more_than_one_sum_are_refused():
    for rule in (IncrementalPC(), Unsupervised()):
        with pytest.raises(ConfigurationError) as caught:
            require_divisible(rule)
        assert f"got {type(rule).__name__}; take one of PC, ErrorPC, FixedPrediction, ZIL, Backprop, or" in str(
            caught.value
        )
    taken = {name for name, kind in BY_NAME.items() if name in ("pc", "epc", "fpa", "zil", "backprop")}
    for name in taken:
        require_divisible(BY_NAME[name]())


def test_a_communicator_is_one_of_mpi4py():
    with pytest.raises(ConfigurationError, match="expected communicator to be one of mpi4py, got 'world'"):
        Trainer(PCNetwork((4, 3)), PC(), SGD(0.1), communicator="world")
