"""A sealed file of tensors holds what was written, or is named with what to do."""

import json
import struct
from pathlib import Path

import pytest
import torch

from offbook.engine.tensor_file import read_tensors, write_tensors

REMEDY = "delete it, and it is made anew"
TENSORS = {
    "a": torch.arange(12, dtype=torch.float32).reshape(3, 4),
    "b": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "none": torch.zeros(0, 3),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.safetensors"
    write_tensors(path, TENSORS, {"wall_s": "2.5"}, sealed=True)
    return path


def test_what_was_sealed_is_read_back(path: Path):
    tensors, words = read_tensors(path, remedy=REMEDY, sealed=True)
    assert words == {"wall_s": "2.5"}
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def damaged(data: bytes, damage: str) -> bytes:
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    match damage:
        case "a bit":
            return data[:-3] + bytes([data[-3] ^ 4]) + data[-2:]
        case "a word":
            header["__metadata__"]["wall_s"] = "2.4"
        case "a name":
            header["c"] = header.pop("b")
        case "a shape":
            header["a"]["shape"] = [4, 3]
        case "the seal":
            del header["__metadata__"]["sha256"]
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


@pytest.mark.parametrize("damage", ["a bit", "a word", "a name", "a shape", "the seal"])
def test_whatever_was_changed_is_told_in_one_line(path: Path, damage: str):
    path.write_bytes(damaged(path.read_bytes(), damage))
    with pytest.raises(ValueError, match=r"expected what it was sealed with, got .*; delete it") as told:
        read_tensors(path, remedy=REMEDY, sealed=True)
    assert path.name in str(told.value)
    assert "\n" not in str(told.value)
