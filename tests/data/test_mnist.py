"""MNIST is found wherever it is, and nothing else is passed off as it."""

import gzip
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fastpc.data import Dataset, find, find_training, load_mnist
from fastpc.data.idx import STEMS, read_idx
from fastpc.errors import DataError

from .samples import assert_is_small_set, pack_idx, small_set, write_idx, write_npz

# The published sums of the four original files, in the order of the arrays in mnist.npz.
ORIGINAL_MD5 = (
    "6bbc9ace898e44ae57da46a324031adb",
    "a25bea736e30d166cdddb491f175f624",
    "2646ac647ad5339dbf082846283269ea",
    "27ae3e4e09519cfbb04c329615203637",
)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point Keras at an empty home, name no data, and return that home."""
    monkeypatch.delenv("FASTPC_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    return tmp_path / "keras"


@pytest.fixture
def no_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)


def fake_tensorflow(load_data: Callable[[], Any]) -> ModuleType:
    """Return a module with Keras's `load_data`; a real download has no place in a test."""
    module = ModuleType("tensorflow")
    mnist = SimpleNamespace(load_data=load_data)
    module.keras = SimpleNamespace(  # type: ignore[attr-defined]
        datasets=SimpleNamespace(mnist=mnist)
    )
    return module


class TestRealMNIST:
    def test_packed_back_into_idx_it_is_the_original(self, mnist: tuple[Dataset, Dataset]) -> None:
        train, test = mnist
        arrays = [
            np.reshape(train.inputs, (60000, 28, 28)),
            train.targets.astype(np.uint8),
            np.reshape(test.inputs, (10000, 28, 28)),
            test.targets.astype(np.uint8),
        ]
        sums = [hashlib.md5(pack_idx(array)).hexdigest() for array in arrays]
        assert tuple(sums) == ORIGINAL_MD5

    def test_idx_files_give_back_the_same_images(self, mnist: tuple[Dataset, Dataset], tmp_path: Path) -> None:
        test = mnist[1]
        images = np.reshape(test.inputs, (10000, 28, 28))
        (tmp_path / "plain").write_bytes(pack_idx(images))
        (tmp_path / "packed").write_bytes(gzip.compress(pack_idx(images), compresslevel=1))
        for name in ("plain", "packed"):
            assert np.array_equal(read_idx(tmp_path / name), images)

    def test_kerass_cache_is_read_without_tensorflow(self, mnist_npz: Path, tmp_path: Path) -> None:
        (tmp_path / "datasets").mkdir()
        (tmp_path / "datasets" / "mnist.npz").symlink_to(mnist_npz)
        code = (
            "import sys; from fastpc.data import find; train, test = find('mnist'); "
            "print(len(train), len(test), train.n_features, train.n_classes, train.name, "
            "train.targets[:5].tolist(), 'tensorflow' in sys.modules, 'keras' in sys.modules)"
        )
        environment = {**os.environ, "KERAS_HOME": str(tmp_path), "FASTPC_DATA": ""}
        run = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == "60000 10000 784 10 mnist [5, 0, 4, 1, 9] False False"


@pytest.mark.usefixtures("elsewhere")
class TestFind:
    @pytest.mark.parametrize("kind", ["file", "folder with mnist.npz", "folder of IDX files"])
    @pytest.mark.parametrize("how", ["path", "auto", "mnist"])
    def test_a_path_or_the_environment_comes_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, how: str
    ) -> None:
        path = tmp_path / "data"
        if kind == "folder of IDX files":
            write_idx(path, small_set())
        else:
            path.mkdir()
            write_npz(path / "mnist.npz", small_set())
            path = path / "mnist.npz" if kind == "file" else path
        if how == "path":
            assert_is_small_set(find(path))
            assert_is_small_set(find(str(path), warn=pytest.fail))
        else:
            monkeypatch.setenv("FASTPC_DATA", str(path))
            assert_is_small_set(find(how, warn=pytest.fail))

    @pytest.mark.usefixtures("no_tensorflow")
    def test_kerass_cache_comes_next(self, elsewhere: Path) -> None:
        write_npz(elsewhere / "datasets" / "mnist.npz", small_set())
        assert_is_small_set(load_mnist())
        assert_is_small_set(find("auto", warn=pytest.fail))

    def test_then_kerass_download(self, monkeypatch: pytest.MonkeyPatch) -> None:
        a = small_set()
        keras = fake_tensorflow(lambda: ((a["x_train"], a["y_train"]), (a["x_test"], a["y_test"])))
        monkeypatch.setitem(sys.modules, "tensorflow", keras)
        pair = find("auto", warn=pytest.fail)
        assert_is_small_set(pair)
        assert pair[0].name == "mnist"

    @pytest.mark.usefixtures("no_tensorflow")
    def test_without_tensorflow_auto_warns_and_falls_back_and_mnist_does_not(self, elsewhere: Path) -> None:
        warnings: list[str] = []
        train, _ = find("auto", warn=warnings.append)
        assert train.name == "digits"
        assert len(warnings) == 1
        for part in ("1,797", "expected tensorflow", "install fastpc", str(elsewhere)):
            assert part in warnings[0]
        assert "FASTPC_DATA" in warnings[0]
        with pytest.raises(DataError, match=r"expected tensorflow.*install.*FASTPC_DATA"):
            find("mnist")
        with pytest.warns(UserWarning, match="MNIST is not at hand"):
            find()

    def test_a_failing_download_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> None:
            raise Exception("URL fetch failure: no route to host")

        monkeypatch.setitem(sys.modules, "tensorflow", fake_tensorflow(fail))
        warnings: list[str] = []
        assert find("auto", warn=warnings.append)[0].name == "digits"
        assert "no route to host" in warnings[0]
        with pytest.raises(DataError, match=r"no route to host.*check the connection"):
            find("mnist")

    def test_a_broken_cache_is_told_and_never_overwritten(self, elsewhere: Path) -> None:
        broken = elsewhere / "datasets" / "mnist.npz"
        broken.write_bytes(b"PK but not really")
        warnings: list[str] = []
        assert find("auto", warn=warnings.append)[0].name == "digits"
        assert "broken" in warnings[0]
        with pytest.raises(DataError, match="fetch it again"):
            find("mnist")
        assert broken.read_bytes() == b"PK but not really"

    @pytest.mark.parametrize("source", ["auto", "mnist"])
    def test_an_explicit_wish_is_never_replaced(
        self, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, source: str
    ) -> None:
        write_npz(elsewhere / "datasets" / "mnist.npz", small_set())
        monkeypatch.setenv("FASTPC_DATA", str(elsewhere / "absent"))
        with pytest.raises(DataError, match=r"FASTPC_DATA to name a file or folder, got .*absent"):
            find(source, warn=pytest.fail)

    def test_unknown_sources_are_refused(self, elsewhere: Path) -> None:
        with pytest.raises(DataError, match=r"expected auto, mnist, digits, or the path.*'cifar'"):
            find("cifar")
        with pytest.raises(DataError, match=r"IDX files or mnist\.npz .* got neither"):
            find(elsewhere)

    def test_digits_are_to_be_had_by_name(self) -> None:
        assert find("digits", warn=pytest.fail)[0].name == "digits"


class TestTrainingAlone:
    """`find_training`: what belongs to the test set may be missing or damaged, as nobody looks at it."""

    def assert_is_training_set(self, found: Dataset) -> None:
        arrays = small_set()
        np.testing.assert_array_equal(found.inputs, arrays["x_train"].reshape(5, 12))
        np.testing.assert_array_equal(found.targets, arrays["y_train"])
        assert (found.scale, found.n_classes) == (1 / 255, 5)

    def test_an_archive(self, tmp_path: Path) -> None:
        arrays = small_set()
        arrays["x_test"] = np.array([None])  # a pickle, which is refused where it is read
        del arrays["y_test"]
        self.assert_is_training_set(find_training(write_npz(tmp_path / "small.npz", arrays)))

    def test_a_folder(self, tmp_path: Path) -> None:
        folder = write_idx(tmp_path / "small", small_set())
        for stem in STEMS[2:]:
            (folder / stem).unlink()
        self.assert_is_training_set(find_training(folder))
        (folder / STEMS[1]).unlink()
        with pytest.raises(DataError, match="the training set's IDX files"):
            find_training(folder)

    def test_the_digits(self) -> None:
        expected, found = find("digits")[0], find_training("digits")
        np.testing.assert_array_equal(found.inputs, expected.inputs)
        np.testing.assert_array_equal(found.targets, expected.targets)
