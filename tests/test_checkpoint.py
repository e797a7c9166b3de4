"""Saved networks: whole or not at all, the same bytes for the same network, and read strictly."""

import json
import os
import resource
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastpc.checkpoint import FORMAT, write_whole
from fastpc.errors import CheckpointError
from fastpc.network import ACTIVATIONS, PCNetwork

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


Header = dict[str, Any]


def taken_apart(path: Path) -> tuple[Header, bytes]:
    """Return a safetensors file's header and the tensors' bytes."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def put_together(path: Path, header: Header, body: bytes) -> None:
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def with_settings(**changes: Any) -> Callable[[Path], None]:
    """Return what changes a saved network's settings; None removes one."""

    def damage(path: Path) -> None:
        header, body = taken_apart(path)
        settings = {**json.loads(header["__metadata__"]["fastpc"]), **changes}
        settings = {key: value for key, value in settings.items() if value is not None}
        header["__metadata__"]["fastpc"] = json.dumps(settings)
        put_together(path, header, body)

    return damage


def with_metadata(metadata: dict[str, str] | None) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        header, body = taken_apart(path)
        del header["__metadata__"]
        put_together(path, header if metadata is None else {"__metadata__": metadata, **header}, body)

    return damage


def with_content(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return damage


def with_tensors(change: Callable[[Header, bytes], tuple[Header, bytes]]) -> Callable[[Path], None]:
    return lambda path: put_together(path, *change(*taken_apart(path)))


def renamed(header: Header, body: bytes) -> tuple[Header, bytes]:
    header["weights.3"] = header.pop("weights.2")
    return header, body


def transposed(header: Header, body: bytes) -> tuple[Header, bytes]:
    header["weights.1"]["shape"].reverse()
    return header, body


def integers(header: Header, body: bytes) -> tuple[Header, bytes]:
    header["weights.1"]["dtype"] = "I32"
    return header, body


def without_biases(header: Header, body: bytes) -> tuple[Header, bytes]:
    del header["weights.2"]  # the last one, so that no hole is left
    return header, body[:-32]


def not_a_number(header: Header, body: bytes) -> tuple[Header, bytes]:
    return header, body[:-4] + np.float32(np.nan).tobytes()


DAMAGE: dict[str, Callable[[Path], None]] = {
    "empty": with_content(lambda content: b""),
    "a length alone": with_content(lambda content: content[:8]),
    "header cut": with_content(lambda content: content[:40]),
    "last byte cut": with_content(lambda content: content[:-1]),
    "bytes too many": with_content(lambda content: content + b"\0"),
    "absurd header length": with_content(lambda content: b"\xff" * 8 + content[8:]),
    "text": with_content(lambda content: b"no model at all, but long enough for a header"),
    "zip": with_content(lambda content: b"PK\x03\x04" + content),
    "one bit of a weight": with_content(lambda content: content[:-1] + bytes([content[-1] ^ 1])),
    "no metadata": with_metadata(None),
    "another program's": with_metadata({"format": "pt"}),
    "broken JSON": with_metadata({"fastpc": "{"}),
    "a list": with_metadata({"fastpc": "[]"}),
    "nested without end": with_metadata({"fastpc": "[" * 100_000}),
    "no format": with_settings(format=None),
    "a later format": with_settings(format="fastpc network 999"),
    "no sizes": with_settings(sizes=None),
    "other sizes": with_settings(sizes=[3, 5, 2]),
    "sizes as text": with_settings(sizes="342"),
    "sizes of fractions": with_settings(sizes=[3, 4.5, 2]),
    "sizes beyond memory": with_settings(sizes=[10**6, 10**6, 10**6]),
    "sizes beyond integers": with_settings(sizes=[10**30, 4, 2]),
    "another depth": with_settings(sizes=[3, 4, 2, 2], activations=["relu", "relu"]),
    "unknown activation": with_settings(activations=["wobble"]),
    "activations of no kind": with_settings(activations=3),
    "unknown loss": with_settings(loss="hinge"),
    "another dtype": with_settings(dtype="float64"),
    "no dtype": with_settings(dtype=None),
    "unknown dtype": with_settings(dtype=[1]),
    "negative seed": with_settings(seed=-1),
    "no initializer": with_settings(initializer=None),
    "a tensor's name": with_tensors(renamed),
    "a tensor's shape": with_tensors(transposed),
    "a tensor's dtype": with_tensors(integers),
    "a tensor too few": with_tensors(without_biases),
    "NaN": with_tensors(not_a_number),
}


class TestDamage:
    @pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
    def test_is_an_error_that_names_the_file(self, saved, damage):
        damage(saved)
        with pytest.raises(CheckpointError, match=r"model\.safetensors: expected .*, got "):
            PCNetwork.load(saved)

    def test_taking_apart_and_putting_together_is_no_damage(self, saved):
        put_together(saved, *taken_apart(saved))
        assert PCNetwork.load(saved).sizes == (3, 4, 2)

    @pytest.mark.parametrize("part", np.linspace(0, 0.999, 20).round(3))
    def test_a_file_cut_anywhere(self, saved, part):
        content = saved.read_bytes()
        saved.write_bytes(content[: int(part * len(content))])
        with pytest.raises(CheckpointError):
            PCNetwork.load(saved)

    def test_values_that_are_not_finite_are_called_so(self, saved):
        DAMAGE["NaN"](saved)
        with pytest.raises(CheckpointError, match=r"got .*(NaN|finite|infinit).*"):
            PCNetwork.load(saved)

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(CheckpointError, match="found none; check the path"):
            PCNetwork.load(tmp_path / "nothing")

    def test_a_folder(self, tmp_path):
        with pytest.raises(CheckpointError, match=str(tmp_path)):
            PCNetwork.load(tmp_path)

    def test_the_format_is_part_of_the_file(self, saved):
        header, _ = taken_apart(saved)
        assert json.loads(header["__metadata__"]["fastpc"])["format"] == FORMAT


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond `size` bytes, as on a full disk; it holds for root too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestFailedWrite:
    def test_a_full_disk_leaves_the_old_file_and_nothing_else(self, saved):
        before = saved.read_bytes()
        with largest_file(100), pytest.raises(CheckpointError, match=r"\d+ bytes.*free some space"):
            make_network(seed=1).save(saved)
        assert saved.read_bytes() == before
        assert [path.name for path in saved.parent.iterdir()] == [saved.name]

    @pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
    def test_a_failure_at_any_step_leaves_the_old_file_and_nothing_else(self, saved, monkeypatch, step):
        def fail(*arguments: object) -> None:
            raise OSError(5, "Input/output error")

        before = saved.read_bytes()
        monkeypatch.setattr(os, step, fail)
        with pytest.raises(CheckpointError, match="Input/output error"):
            make_network(seed=1).save(saved)
        monkeypatch.undo()
        assert saved.read_bytes() == before
        assert [path.name for path in saved.parent.iterdir()] == [saved.name]

    def test_ctrl_c_leaves_the_old_file_and_nothing_else(self, saved, monkeypatch):
        def interrupt(*arguments: object) -> None:
            raise KeyboardInterrupt

        before = saved.read_bytes()
        monkeypatch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            make_network(seed=1).save(saved)
        monkeypatch.undo()
        assert saved.read_bytes() == before
        assert [path.name for path in saved.parent.iterdir()] == [saved.name]

    def test_no_such_folder(self, tmp_path):
        with pytest.raises(CheckpointError, match="No such file or directory"):
            make_network().save(tmp_path / "nowhere" / "model")

    def test_a_file_where_a_folder_should_be(self, saved):
        with pytest.raises(CheckpointError, match="Not a directory"):
            make_network().save(saved / "model")

    def test_a_folder_where_the_file_should_be(self, tmp_path):
        (tmp_path / "model").mkdir()
        with pytest.raises(CheckpointError, match="Is a directory"):
            make_network().save(tmp_path / "model")
        assert [path.name for path in tmp_path.iterdir()] == ["model"]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_folder_closed_to_writing(self, tmp_path):
        tmp_path.chmod(0o500)
        try:
            with pytest.raises(CheckpointError, match="Permission denied"):
                make_network().save(tmp_path / "model")
        finally:
            tmp_path.chmod(0o700)

    def test_a_name_too_long(self, tmp_path):
        with pytest.raises(CheckpointError, match="too long"):
            make_network().save(tmp_path / ("a" * 300))

    def test_any_bytes_are_written_whole(self, tmp_path):
        write_whole(tmp_path / "file", b"content")
        assert (tmp_path / "file").read_bytes() == b"content"
