"""Files that are written: whole, or not at all."""

import os
from pathlib import Path

import pytest

from fastpc.errors import CheckpointError
from fastpc.files import remove_leftovers, write_whole
from limits import largest_file


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    write_whole(path, b"content")
    return path


def test_what_others_left_is_cleared_away_and_nothing_else(tmp_path):
    for name in ("file", ".file.abc", ".file", ".other.abc", "file.abc"):
        (tmp_path / name).write_bytes(b"")
    remove_leftovers(tmp_path / "file")
    assert {path.name for path in tmp_path.iterdir()} == {"file", ".file", ".other.abc", "file.abc"}


class TestWriting:
    def test_a_full_disk_leaves_the_old_file_and_nothing_else(self, saved):
        before = saved.read_bytes()
        with largest_file(100), pytest.raises(CheckpointError, match=r"\d+ bytes.*free some space"):
            write_whole(saved, b"other " * 100)
        assert saved.read_bytes() == before
        assert [path.name for path in saved.parent.iterdir()] == [saved.name]

    @pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
    def test_a_failure_at_any_step_leaves_the_old_file_and_nothing_else(self, saved, monkeypatch, step):
        def fail(*arguments: object) -> None:
            raise OSError(5, "Input/output error")

        before = saved.read_bytes()
        monkeypatch.setattr(os, step, fail)
        with pytest.raises(CheckpointError, match="Input/output error"):
            write_whole(saved, b"other " * 100)
        monkeypatch.undo()
        assert saved.read_bytes() == before
        assert [path.name for path in saved.parent.iterdir()] == [saved.name]

    def test_ctrl_c_leaves_the_old_file_and_nothing_else(self, saved, monkeypatch):
        def interrupt(*arguments: object) -> None:
            raise KeyboardInterrupt

        before = saved.read_bytes()
        monkeypatch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_whole(saved, b"other " * 100)
        monkeypatch.undo()
        assert saved.read_bytes() == before
        assert [path.name for path in saved.parent.iterdir()] == [saved.name]

    def test_no_such_folder(self, tmp_path):
        with pytest.raises(CheckpointError, match="No such file or directory"):
            write_whole(tmp_path / "nowhere" / "model", b"")

    def test_a_file_where_a_folder_should_be(self, saved):
        with pytest.raises(CheckpointError, match="Not a directory"):
            write_whole(saved / "model", b"")

    def test_a_folder_where_the_file_should_be(self, tmp_path):
        (tmp_path / "model").mkdir()
        with pytest.raises(CheckpointError, match="Is a directory"):
            write_whole(tmp_path / "model", b"")
        assert [path.name for path in tmp_path.iterdir()] == ["model"]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_folder_closed_to_writing(self, tmp_path):
        tmp_path.chmod(0o500)
        try:
            with pytest.raises(CheckpointError, match="Permission denied"):
                write_whole(tmp_path / "model", b"")
        finally:
            tmp_path.chmod(0o700)

    def test_a_name_too_long(self, tmp_path):
        with pytest.raises(CheckpointError, match="too long"):
            write_whole(tmp_path / ("a" * 300), b"")

    def test_any_bytes_are_written_whole(self, tmp_path):
        write_whole(tmp_path / "file", b"con", memoryview(b"tent"))
        assert (tmp_path / "file").read_bytes() == b"content"
        assert [path.name for path in tmp_path.iterdir()] == ["file"]
