"""Files that were damaged, at random: what cables, disks, editors and other programs do to them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any


def mutated(content: bytes, count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield what was done and what came of it, `count` times; never the file as it was.

    Parameters
    ----------
    content : bytes
        A safetensors file.
    count : int
    seed : int
    """
    randoms = random.Random(seed)
    while count > 0:
        name = randoms.choice(list(_MUTATIONS))
        changed = _MUTATIONS[name](content, randoms)
        if changed != content:
            count -= 1
            yield name, changed


def _flip(content: bytes, randoms: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(randoms.choice((1, 1, 1, 2, 16))):
        bit = randoms.randrange(8 * len(content))
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _flip_in_header(content: bytes, randoms: random.Random) -> bytes:
    changed = bytearray(content)
    bit = randoms.randrange(8 * (8 + _length(content)))
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _digit(content: bytes, randoms: random.Random) -> bytes:
    """Put another digit where one stands in the header: the smallest change of a size, an offset, a setting."""
    digits = [i for i in range(8, 8 + _length(content)) if chr(content[i]).isdigit()]
    i = randoms.choice(digits)
    return content[:i] + randoms.choice("0123456789").encode() + content[i + 1 :]


def _cut(content: bytes, randoms: random.Random) -> bytes:
    return content[: randoms.randrange(len(content))]


def _grow(content: bytes, randoms: random.Random) -> bytes:
    return content + randoms.randbytes(randoms.choice((1, 8, 1000)))


def _hole(content: bytes, randoms: random.Random) -> bytes:
    """Write zeros, as where a block of the disk was never written."""
    first, length = randoms.randrange(len(content)), randoms.choice((1, 64, 512, 4096))
    return content[:first] + bytes(len(content[first : first + length])) + content[first + length :]


def _shift(content: bytes, randoms: random.Random) -> bytes:
    """Leave a stretch in the middle out, or have it twice."""
    first, length = randoms.randrange(len(content)), randoms.choice((1, 8, 100))
    return content[: first + length * randoms.randrange(2)] + content[first + length * randoms.randrange(2) :]


def _header_length(content: bytes, randoms: random.Random) -> bytes:
    lengths = (0, 1, 7, 2**20, 2**31, 2**63 - 1, 2**64 - 1, _length(content) + 1, len(content), randoms.getrandbits(64))
    return randoms.choice(lengths).to_bytes(8, "little") + content[8:]


def _noise(content: bytes, randoms: random.Random) -> bytes:
    return randoms.randbytes(randoms.choice((0, 1, 7, 8, 9, 100, len(content))))


def _other_program(content: bytes, randoms: random.Random) -> bytes:
    starts = (b"PK\x03\x04", b"\x80\x04\x95", b"\x89HDF\r\n\x1a\n", b"\x93NUMPY", b"{}", b"\x7fELF", b"")
    return randoms.choice(starts) + content[randoms.choice((0, 8)) :]


def _header(change: Callable[[dict[str, Any], random.Random], None]) -> Callable[[bytes, random.Random], bytes]:
    """Return what rewrites the header, in good order but for the change."""

    def mutate(content: bytes, randoms: random.Random) -> bytes:
        header = json.loads(content[8 : 8 + _length(content)])
        change(header, randoms)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text + content[8 + _length(content) :]

    return mutate


def _tensor(header: dict[str, Any], randoms: random.Random) -> str:
    return randoms.choice([key for key in header if key != "__metadata__"])


def _rename(header: dict[str, Any], randoms: random.Random) -> None:
    header[randoms.choice(("weights.99", "", "x" * 1000))] = header.pop(_tensor(header, randoms))


def _remove(header: dict[str, Any], randoms: random.Random) -> None:
    header.pop(_tensor(header, randoms))


def _add(header: dict[str, Any], randoms: random.Random) -> None:
    header[f"extra.{randoms.randrange(10)}"] = dict(header[_tensor(header, randoms)])


def _reshape(header: dict[str, Any], randoms: random.Random) -> None:
    shapes = ([], [1], [0], [2**62, 4], [-1], [10**30], [1.5], ["3"], None, {}, [[3]])
    header[_tensor(header, randoms)]["shape"] = randoms.choice(shapes)


def _retype(header: dict[str, Any], randoms: random.Random) -> None:
    dtypes = ("F16", "BF16", "F8_E4M3", "I8", "U64", "BOOL", "F64", "I32", "C64", "F4", "", "float32", None, 3)
    header[_tensor(header, randoms)]["dtype"] = randoms.choice(dtypes)


def _offsets(header: dict[str, Any], randoms: random.Random) -> None:
    offsets = ([0, 0], [0, 2**63], [-8, 8], [8, 0], [0], [], None, [0.5, 8], [10**30, 10**31])
    header[_tensor(header, randoms)]["data_offsets"] = randoms.choice(offsets)


def _metadata(header: dict[str, Any], randoms: random.Random) -> None:
    texts = (
        None, {}, {"format": "pt"}, {"fastpc": "{"}, {"fastpc": "[]"}, {"fastpc": "null"}, {"fastpc": "[" * 100_000},
        {"fastpc": "9" * 10_000}, {"fastpc": '{"format": {}}'}, {"fastpc": 3}, [], "fastpc", {"fastpc": "{}"},
    )  # fmt: skip
    header["__metadata__"] = randoms.choice(texts)


def _setting(header: dict[str, Any], randoms: random.Random) -> None:
    """Give another value, or none, to one of fastpc's own settings."""
    own = json.loads(header["__metadata__"]["fastpc"])
    key = randoms.choice(list(own))
    values = (None, 0, -1, 1e308, 10**30, "", "x", [], [[]], {}, True, "fastpc network 2", "fastpc checkpoint 2")
    if randoms.random() < 0.2:
        del own[key]
    else:
        own[key] = randoms.choice(values)
    header["__metadata__"]["fastpc"] = json.dumps(own)


def _nest(header: dict[str, Any], randoms: random.Random) -> None:
    header["deep"] = {"dtype": "F32", "shape": [0] * 10_000, "data_offsets": [0, 0]}


_MUTATIONS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "bits flipped": _flip,
    "a bit of the header flipped": _flip_in_header,
    "a digit of the header": _digit,
    "cut": _cut,
    "grown": _grow,
    "a hole": _hole,
    "a stretch missing or twice": _shift,
    "header length": _header_length,
    "noise": _noise,
    "another program's": _other_program,
    "tensor renamed": _header(_rename),
    "tensor missing": _header(_remove),
    "tensor extra": _header(_add),
    "shape": _header(_reshape),
    "dtype": _header(_retype),
    "offsets": _header(_offsets),
    "metadata": _header(_metadata),
    "setting": _header(_setting),
    "many dimensions": _header(_nest),
}


def _length(content: bytes) -> int:
    return int.from_bytes(content[:8], "little")
