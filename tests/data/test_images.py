"""Images alone, from files of every kind."""

import gzip
import struct

import numpy as np
import pytest

from fastpc.data.images import read_images
from fastpc.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 2, 4), np.uint8)


def idx(images):
    return struct.pack(">HBB3I", 0, 8, 3, *images.shape) + images.tobytes()


def test_all_formats_bring_the_same_images(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES)
    np.savez(tmp_path / "only.npz", whatever=IMAGES)
    np.savez_compressed(tmp_path / "named.npz", labels=np.arange(3), x_test=IMAGES)
    np.savetxt(tmp_path / "a.csv", IMAGES.reshape(3, -1), fmt="%d", delimiter=",")
    (tmp_path / "images-idx3-ubyte").write_bytes(idx(IMAGES))
    (tmp_path / "images.gz").write_bytes(gzip.compress(idx(IMAGES)))
    for name in ("a.npy", "only.npz", "named.npz", "a.csv", "images-idx3-ubyte", "images.gz"):
        found = read_images(tmp_path / name)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found.reshape(3, -1), IMAGES.reshape(3, -1))


def test_a_line_of_names_is_skipped_and_fractions_stay_fractions(tmp_path):
    (tmp_path / "a.csv").write_text("one,two\n0.5,1e-1\n0,1\n")
    np.testing.assert_array_equal(read_images(tmp_path / "a.csv"), [[0.5, 0.1], [0, 1]])
    (tmp_path / "a.csv").write_text("0,1\n1,0\n")
    assert read_images(tmp_path / "a.csv").dtype == np.float64  # black and white, in the network's own scale


def test_a_pickle_is_never_opened(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(DataError, match="pickled objects are never loaded"):
        read_images(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.npy", b"", "readable data file"),
        ("a.npy", b"\x93NUMPY\x01\x00v\x00{", "readable data file"),
        ("a.npz", b"PK", "readable data file"),
        ("a.csv", b"", "a line of numbers"),
        ("a.csv", b"1,2\n3\n", "readable data file"),
        ("a.csv", b"1,2\n3,x\n", "readable data file"),
        ("a.idx", b"1,2\n3,4\n", "IDX header"),
    ],
    ids=str,
)
def test_broken_files_are_refused(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_images(tmp_path / name)


def test_an_archive_that_does_not_say_which_are_the_images_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", one=IMAGES, two=IMAGES)
    with pytest.raises(DataError, match="one, two"):
        read_images(tmp_path / "a.npz")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"a\.npy"):
        read_images(tmp_path / "a.npy")
