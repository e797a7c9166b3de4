"""Files of tensors: no bit of them is believed unchecked."""

import json
import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from benchmarks.mutations import mutated
from fastpc.errors import CheckpointError
from fastpc.tensor_file import MOST_HEADER_BYTES, read_tensors, write_tensors

FORMAT = "a format"
DESCRIPTION = {"format": FORMAT, "sizes": [3, 4], "rate": 0.1, "name": 'quotes " and \\ and ü', "none": None}
TENSORS: dict[str, Any] = {
    "weights": np.arange(12, dtype=np.float32).reshape(3, 4),
    "count": np.array(7),
    "empty": np.zeros((0, 3)),
    "text": np.frombuffer(b"bytes", np.uint8),
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    write_tensors(path, DESCRIPTION, TENSORS)
    return path


def assert_refused(path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"file: expected .+, got .*; ") as caught:
        read_tensors(path, FORMAT)
    assert len(str(caught.value)) < 1000


class TestRoundTrip:
    def test_everything_comes_back(self, saved):
        description, tensors = read_tensors(saved, "another", FORMAT)
        assert description == DESCRIPTION
        assert tensors.keys() == TENSORS.keys()
        for key, tensor in TENSORS.items():
            assert (tensors[key].dtype, tensors[key].shape) == (tensor.dtype, tensor.shape)
            assert tensors[key].tobytes() == tensor.tobytes()

    @given(st.binary(), st.text())
    def test_any_text_and_bytes(self, tmp_path_factory, content, text):
        path = tmp_path_factory.mktemp("any") / "file"
        write_tensors(path, {"format": FORMAT, "text": text}, {"content": np.frombuffer(content, np.uint8)})
        description, tensors = read_tensors(path, FORMAT)
        assert description["text"] == text
        assert tensors["content"].tobytes() == content

    def test_arrays_in_any_order_in_memory(self, tmp_path):
        matrix = np.arange(12.0).reshape(3, 4)
        views = {"turned": matrix.T, "column": matrix[:, 1], "reversed": matrix[::-1]}
        write_tensors(tmp_path / "file", {"format": FORMAT}, views)
        _, tensors = read_tensors(tmp_path / "file", FORMAT)
        assert all(np.array_equal(tensors[key], view) for key, view in views.items())

    def test_the_same_content_makes_the_same_bytes(self, tmp_path, saved):
        write_tensors(tmp_path / "again", dict(reversed(DESCRIPTION.items())), dict(reversed(TENSORS.items())))
        assert (tmp_path / "again").read_bytes() == saved.read_bytes()

    def test_other_programs_can_read_it(self, saved):
        with safe_open(saved, framework="numpy") as file:
            assert json.loads(file.metadata()["fastpc"])["sizes"] == [3, 4]
            assert np.array_equal(file.get_tensor("weights"), TENSORS["weights"])

    def test_a_header_too_long_to_be_read_is_not_written(self, tmp_path):
        with pytest.raises(CheckpointError, match="header of at most"):
            write_tensors(tmp_path / "file", {"format": FORMAT, "text": "x" * MOST_HEADER_BYTES}, {})
        assert not list(tmp_path.iterdir())


class TestDamage:
    def test_every_byte_counts(self, saved):
        content = saved.read_bytes()
        for i in range(len(content)):
            changed = bytearray(content)
            changed[i] ^= 1 << i % 8
            saved.write_bytes(changed)
            with pytest.raises(CheckpointError):
                read_tensors(saved, FORMAT)
        saved.write_bytes(content)
        assert read_tensors(saved, FORMAT)[0] == DESCRIPTION

    def test_a_file_cut_anywhere(self, saved):
        content = saved.read_bytes()
        for length in range(0, len(content), 5):
            saved.write_bytes(content[:length])
            assert_refused(saved)

    def test_files_damaged_at_random(self, saved):
        """A few hundred; ``python -m benchmarks reliability`` tries ten thousand."""
        begin = time.monotonic()
        for name, changed in mutated(saved.read_bytes(), 500):
            saved.write_bytes(changed)
            with pytest.raises(CheckpointError, match=r"file: expected .+, got .*; "):
                pytest.fail(f"{name}: read as {read_tensors(saved, FORMAT)}")
        assert time.monotonic() - begin < 30

    def test_no_damage_makes_reading_cost_more_memory_than_the_file_is_large(self, saved):
        for _, changed in mutated(saved.read_bytes(), 200, seed=1):
            saved.write_bytes(changed)
            tracemalloc.start()
            try:
                assert_refused(saved)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            # JSON of empty lists is what grows most.
            assert peak < 100_000 + 20 * len(changed)

    def test_a_tensor_that_changed_is_named(self, saved):
        content = saved.read_bytes()
        saved.write_bytes(content.replace(TENSORS["weights"].tobytes(), TENSORS["weights"][::-1].tobytes()))
        with pytest.raises(CheckpointError, match=r"file: expected tensor weights \['float32', \[3, 4\], '\w+'\], got"):
            read_tensors(saved, FORMAT)

    def test_another_program_s_tensors(self, tmp_path):
        save_file({"weights": np.zeros(3)}, tmp_path / "file")
        with pytest.raises(CheckpointError, match="expected format a format, got another program's file"):
            read_tensors(tmp_path / "file", FORMAT)

    def test_another_format(self, saved):
        with pytest.raises(CheckpointError, match="expected format one or two, got a format; load it as what it is"):
            read_tensors(saved, "one", "two")

    def test_a_length_that_no_memory_holds_is_not_believed(self, saved):
        saved.write_bytes(b"\xff" * 8 + saved.read_bytes()[8:])
        assert_refused(saved)

    def test_nothing_a_folder_and_what_never_ends(self, tmp_path):
        assert_refused(tmp_path / "file")
        (tmp_path / "file").mkdir()
        assert_refused(tmp_path / "file")
        (tmp_path / "file").rmdir()
        os.mkfifo(tmp_path / "file")
        assert_refused(tmp_path / "file")
