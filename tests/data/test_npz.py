"""Archives are read in full or refused, and pickles are never opened."""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastpc.data import as_dataset, load_npz
from fastpc.data.npz import NAMES
from fastpc.errors import DataError

from .samples import Arrays, assert_is_small_set, small_set, write_npz


class TestNpz:
    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    def test_four_arrays_make_two_data_sets(self, tmp_path: Path, save: Any) -> None:
        arrays = {**small_set(), "extra": np.zeros(2)}
        pair = load_npz(write_npz(tmp_path / "small.npz", arrays, save))
        assert_is_small_set(pair)
        assert pair[0].name == "small"

    def test_layouts_that_numpy_writes_are_read(self, tmp_path: Path) -> None:
        arrays = small_set()
        arrays["x_train"] = np.asfortranarray(arrays["x_train"])
        arrays["y_train"] = arrays["y_train"].astype(">i8")
        assert_is_small_set(load_npz(write_npz(tmp_path / "small.npz", arrays)))

    def test_a_missing_array_is_named(self, tmp_path: Path) -> None:
        arrays = small_set()
        del arrays["y_test"]
        write_npz(tmp_path / "small.npz", arrays)
        with pytest.raises(DataError, match=r"small\.npz: expected the arrays .*add y_test"):
            load_npz(tmp_path / "small.npz")

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"absent\.npz, got none"):
            load_npz(tmp_path / "absent.npz")

    def test_pickles_are_never_opened(self, tmp_path: Path) -> None:
        class Trap:
            def __reduce__(self) -> tuple[Any, ...]:
                return os.mkdir, (str(tmp_path / "sprung"),)

        trapped = np.empty(5, object)
        trapped[:] = [Trap() for _ in range(5)]
        write_npz(tmp_path / "trap.npz", {**small_set(), "y_train": trapped})
        with pytest.raises(DataError, match="y_train, got dtype object"):
            load_npz(tmp_path / "trap.npz")
        assert not (tmp_path / "sprung").exists()

    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    def test_a_truncated_archive_is_refused_wherever_it_ends(self, tmp_path: Path, save: Any) -> None:
        whole = write_npz(tmp_path / "whole.npz", small_set(), save).read_bytes()
        path = tmp_path / "part.npz"
        for length in range(0, len(whole), 7):
            path.write_bytes(whole[:length])
            with pytest.raises(DataError, match=r"part\.npz"):
                load_npz(path)

    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    def test_a_flipped_byte_is_refused_or_harmless(self, tmp_path: Path, save: Any) -> None:
        whole = write_npz(tmp_path / "whole.npz", small_set(), save).read_bytes()
        path = tmp_path / "flipped.npz"
        for place in range(0, len(whole), 5):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
            try:
                pair = load_npz(path)
            except DataError:
                continue
            assert_is_small_set(pair)  # the byte was a date or the like

    def test_a_header_that_claims_too_much_is_refused_before_memory_is_taken(self, tmp_path: Path) -> None:
        header = io.BytesIO()
        claim = {"descr": "|u1", "fortran_order": False, "shape": (2**40, 28, 28)}
        np.lib.format.write_array_header_1_0(header, claim)
        with zipfile.ZipFile(tmp_path / "lie.npz", "w") as archive:
            for name in NAMES:
                archive.writestr(f"{name}.npy", header.getvalue())
        with pytest.raises(DataError, match="got 0 bytes"):
            load_npz(tmp_path / "lie.npz")

    def test_arrays_that_do_not_belong_together_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "odd.npz"
        changes: list[tuple[Arrays, str]] = [
            ({"x_test": np.zeros((2, 5, 5), np.uint8)}, "test inputs like the training inputs"),
            ({"x_test": np.zeros((2, 3, 4), np.float32)}, "test inputs like the training inputs"),
            ({"y_test": np.array([0], np.uint8)}, "got 1 targets for 2 inputs"),
            ({"y_test": np.zeros((2, 3))}, "width 5, as in training, got 3"),
            ({"y_train": np.array([0.0, 1, 2, 3, 0.5])}, "whole numbers as labels"),
            ({"x_train": np.zeros((0, 3, 4), np.uint8)}, "at least one sample"),
            ({"x_train": np.full((5, 3, 4), "a")}, "expected numbers in x_train"),
        ]
        for change, message in changes:
            write_npz(path, {**small_set(), **change})
            with pytest.raises(DataError, match=message):
                load_npz(path)


def test_training_needs_the_test_sets_classes_too() -> None:
    """The small set's label 9 occurs in its test set alone; see `assert_is_small_set`."""
    arrays = small_set()
    assert as_dataset(arrays["x_train"], arrays["y_train"]).n_classes == 5
