"""IDX files are read in full or refused, plain and compressed."""

import gzip
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fastpc.data import load_idx
from fastpc.data.idx import STEMS, read_idx
from fastpc.errors import DataError

from .samples import assert_is_small_set, pack_idx, small_set, write_idx


class TestIdx:
    @pytest.mark.parametrize("suffix", ["", ".gz"])
    def test_four_files_make_two_data_sets(self, tmp_path: Path, suffix: str) -> None:
        pair = load_idx(write_idx(tmp_path / "fashion", small_set(), suffix))
        assert_is_small_set(pair)
        assert pair[0].name == "fashion"

    def test_the_other_spelling_of_the_names_is_understood(self, tmp_path: Path) -> None:
        folder = write_idx(tmp_path / "small", small_set())
        for stem in STEMS:
            (folder / stem).rename(folder / stem.replace("-idx", ".idx"))
        assert_is_small_set(load_idx(folder))

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        folder = write_idx(tmp_path / "small", small_set())
        (folder / STEMS[3]).unlink()
        with pytest.raises(DataError, match=f"got none named {STEMS[3]}"):
            load_idx(folder)

    @pytest.mark.parametrize(
        ("code", "dtype"),
        [(0x08, "u1"), (0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")],
    )
    def test_every_type_is_read_into_the_machines_byte_order(self, tmp_path: Path, code: int, dtype: str) -> None:
        array = np.arange(24).reshape(2, 3, 4).astype(dtype)
        (tmp_path / "file").write_bytes(pack_idx(array, code))
        read = read_idx(tmp_path / "file")
        assert read.dtype.isnative
        assert np.array_equal(read, array)

    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_a_truncated_file_is_refused_wherever_it_ends(self, tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
        whole = pack(pack_idx(small_set()["x_train"]))
        for length in range(len(whole)):
            (tmp_path / "part").write_bytes(whole[:length])
            with pytest.raises(DataError, match="part"):
                read_idx(tmp_path / "part")

    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_bytes_beyond_the_end_are_refused(self, tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
        (tmp_path / "long").write_bytes(pack(pack_idx(small_set()["x_train"]) + b"\0"))
        with pytest.raises(DataError, match="corrupt"):
            read_idx(tmp_path / "long")

    def test_a_damaged_checksum_is_refused(self, tmp_path: Path) -> None:
        packed = bytearray(gzip.compress(pack_idx(small_set()["x_train"])))
        packed[-6] ^= 0xFF
        (tmp_path / "damaged.gz").write_bytes(packed)
        with pytest.raises(DataError, match="CRC check failed"):
            read_idx(tmp_path / "damaged.gz")

    @pytest.mark.parametrize(
        "header",
        [
            b"",
            b"PK\x03\x04" * 8,  # a zip archive
            b"\0\0\x07\x01" + bytes(12),  # a type that is not defined
            b"\0\0\x08\x00" + bytes(12),  # no dimensions
            b"\0\0\x08\xff" + bytes(12),  # 255 dimensions
            b"\0\0\x08\x03\0\0",  # half a dimension
        ],
    )
    def test_what_is_not_idx_is_refused(self, tmp_path: Path, header: bytes) -> None:
        (tmp_path / "file").write_bytes(header)
        with pytest.raises(DataError, match="expected an IDX header"):
            read_idx(tmp_path / "file")

    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_a_header_that_claims_too_much_is_refused_before_memory_is_taken(
        self, tmp_path: Path, pack: Callable[[bytes], bytes]
    ) -> None:
        claim = struct.pack(">HBB4I", 0, 0x08, 4, *[2**32 - 1] * 4)
        (tmp_path / "lie").write_bytes(pack(claim + bytes(100)))
        with pytest.raises(DataError, match="truncated or corrupt"):
            read_idx(tmp_path / "lie")

    def test_a_gzip_bomb_is_read_no_further_than_its_header_says(self, tmp_path: Path) -> None:
        bomb = gzip.compress(pack_idx(np.zeros((1, 2), np.uint8)) + bytes(2**26))
        (tmp_path / "bomb.gz").write_bytes(bomb)
        tracemalloc.start()
        try:
            with pytest.raises(DataError, match="got more"):
                read_idx(tmp_path / "bomb.gz")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 2**22

    def test_labels_that_are_no_labels_are_refused(self, tmp_path: Path) -> None:
        arrays = {**small_set(), "y_train": np.zeros(4, np.uint8)}
        with pytest.raises(DataError, match="small: expected as many targets as inputs"):
            load_idx(write_idx(tmp_path / "small", arrays))
