"""Saved networks: whole or not at all, the same bytes for the same network, and read strictly."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastpc.bidirectional import BidirectionalNetwork
from fastpc.checkpoint import FORMAT
from fastpc.errors import CheckpointError
from fastpc.network import ACTIVATIONS, PCNetwork
from fastpc.tensor_file import read_tensors, write_tensors
from limits import largest_file

ROOT = Path(__file__).resolve().parents[1]


def make_network(**settings: Any) -> PCNetwork:
    network = PCNetwork((3, 4, 2), **settings)
    network.biases = [np.arange(4), [0.5, -0.5]]
    return network


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    make_network().save(path)
    return path


class TestRoundTrip:
    @pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_a_network_comes_back_as_it_was(self, tmp_path, dtype, loss):
        network = PCNetwork((5, 4, 3, 2), ("tanh", "gelu"), loss, dtype, seed=7, initializer="orthogonal")
        network.biases[1] = [1e-30, -2.5, 1 / 3]
        network.save(tmp_path / "model")
        loaded = PCNetwork.load(tmp_path / "model")
        for name in ("sizes", "activations", "loss", "dtype", "seed", "initializer", "residual", "scaling"):
            assert getattr(loaded, name) == getattr(network, name)
        assert loaded.parameters.tobytes() == network.parameters.tobytes()

    def test_every_activation(self, tmp_path):
        network = PCNetwork([2] * (len(ACTIVATIONS) + 2), ACTIVATIONS)
        network.save(tmp_path / "model")
        assert PCNetwork.load(tmp_path / "model").activations == ACTIVATIONS

    def test_no_hidden_layer(self, tmp_path):
        PCNetwork((3, 2)).save(tmp_path / "model")
        assert PCNetwork.load(tmp_path / "model").sizes == (3, 2)

    def test_paths_may_be_strings(self, tmp_path):
        make_network().save(str(tmp_path / "model"))
        assert PCNetwork.load(str(tmp_path / "model")).sizes == (3, 4, 2)

    def test_a_loaded_network_predicts_the_same(self, tmp_path, saved):
        x = np.random.default_rng(0).normal(size=(5, 3))
        assert np.array_equal(PCNetwork.load(saved).forward(x), make_network().forward(x))


class TestBytes:
    def test_the_same_network_makes_the_same_bytes(self, tmp_path):
        make_network().save(tmp_path / "one")
        (tmp_path / "folder").mkdir()
        make_network().save(tmp_path / "folder" / "two")
        assert (tmp_path / "one").read_bytes() == (tmp_path / "folder" / "two").read_bytes()

    def test_loading_and_saving_again_makes_the_same_bytes(self, tmp_path, saved):
        PCNetwork.load(saved).save(tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == saved.read_bytes()

    def test_another_process_makes_the_same_bytes(self, tmp_path, saved):
        script = (
            "import sys, numpy as np; from fastpc.network import PCNetwork; n = PCNetwork((3, 4, 2));"
            "n.biases = [np.arange(4), [0.5, -0.5]]; n.save(sys.argv[1])"
        )
        environment = {**os.environ, "PYTHONHASHSEED": "123"}
        command = [sys.executable, "-c", script, str(tmp_path / "other")]
        subprocess.run(command, check=True, cwd=ROOT, env=environment)
        assert (tmp_path / "other").read_bytes() == saved.read_bytes()

    def test_the_umask_decides_who_may_read(self, tmp_path):
        before = os.umask(0o027)
        try:
            make_network().save(tmp_path / "model")
        finally:
            os.umask(before)
        assert (tmp_path / "model").stat().st_mode & 0o777 == 0o640

    def test_nothing_lies_about_afterwards(self, tmp_path, saved):
        assert [path.name for path in tmp_path.iterdir()] == [saved.name]


def forged(**changes: Any) -> Callable[[Path], None]:
    """Return what changes a saved network's settings, with digests that fit; None removes one."""

    def damage(path: Path) -> None:
        settings, tensors = read_tensors(path, FORMAT)
        settings = {key: value for key, value in {**settings, **changes}.items() if value is not None}
        write_tensors(path, settings, tensors)

    return damage


def forged_tensors(**changes: Any) -> Callable[[Path], None]:
    """Return what changes a saved network's tensors, with digests that fit; None removes one."""

    def damage(path: Path) -> None:
        settings, tensors = read_tensors(path, FORMAT)
        changed = {key.replace("_", "."): value for key, value in changes.items()}
        write_tensors(path, settings, {k: v for k, v in {**tensors, **changed}.items() if v is not None})

    return damage


# What stands in a file whose every digest is right, and is no network for all that: the settings, or the tensor, named.
FORGED: dict[str, tuple[str, Callable[[Path], None]]] = {
    "no format": ("format", forged(format=None)),
    "a later format": ("format", forged(format="fastpc network 999")),
    "no sizes": ("sizes", forged(sizes=None)),
    "other sizes": ("tensor biases.1", forged(sizes=[3, 5, 2])),
    "sizes as text": ("sizes", forged(sizes="342")),
    "sizes of fractions": ("sizes", forged(sizes=[3, 4.5, 2])),
    "sizes beyond memory": ("tensor biases.1", forged(sizes=[10**6, 10**6, 10**6])),
    "sizes beyond integers": ("tensor weights.1", forged(sizes=[10**30, 4, 2])),
    "another depth": ("tensor biases.3", forged(sizes=[3, 4, 2, 2], activations=["relu", "relu"])),
    "unknown activation": ("settings", forged(activations=["wobble"])),
    "activations of no kind": ("settings", forged(activations=3)),
    "unknown loss": ("settings", forged(loss="hinge")),
    "another dtype": ("tensor biases.1", forged(dtype="float64")),
    "no dtype": ("tensor biases.1", forged(dtype=None)),
    "unknown dtype": ("tensor biases.1", forged(dtype=[1])),
    "negative seed": ("settings", forged(seed=-1)),
    "no initializer": ("settings", forged(initializer=None)),
    "a tensor too many": ("tensor weights.3", forged_tensors(weights_3=np.zeros(2, np.float32))),
    "a tensor's shape": ("tensor weights.1", forged_tensors(weights_1=np.zeros((4, 3), np.float32))),
    "a tensor's dtype": ("tensor weights.1", forged_tensors(weights_1=np.zeros((3, 4), np.int32))),
    "a tensor too few": ("tensor weights.2", forged_tensors(weights_2=None)),
    "NaN": ("tensor biases.2", forged_tensors(biases_2=np.array([1, np.nan], np.float32))),
    "infinity": ("tensor biases.2", forged_tensors(biases_2=np.array([1, np.inf], np.float32))),
}


class TestDamage:
    @pytest.mark.parametrize(("key", "damage"), FORGED.values(), ids=FORGED)
    def test_is_an_error_that_names_the_file_and_what_in_it(self, saved, key, damage):
        damage(saved)
        with pytest.raises(CheckpointError, match=rf"model\.safetensors: expected {key}\b.*, got .*; "):
            PCNetwork.load(saved)

    @pytest.mark.parametrize("part", np.linspace(0, 0.999, 20).round(3))
    def test_a_file_cut_anywhere(self, saved, part):
        content = saved.read_bytes()
        saved.write_bytes(content[: int(part * len(content))])
        with pytest.raises(CheckpointError):
            PCNetwork.load(saved)

    def test_the_other_kind_of_network(self, saved):
        with pytest.raises(CheckpointError, match="expected format fastpc bidirectional network 1, got fastpc network"):
            BidirectionalNetwork.load(saved)


def test_a_full_disk_leaves_the_old_file(saved):
    before = saved.read_bytes()
    with largest_file(100), pytest.raises(CheckpointError, match=r"\d+ bytes.*free some space"):
        make_network(seed=1).save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
