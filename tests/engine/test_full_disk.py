"""Who finds no room to write says so in an error with the path; what was there stays, and nothing half is left."""

import errno
import os
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models

from offbook.engine import files
from offbook.engine.drafters.checkpoint import draft_config, save_drafter
from offbook.engine.files import atomic_files, writing
from offbook.engine.pretrained import weights_sha256
from offbook.engine.students import saving
from offbook.engine.students.record import RECORD
from offbook.engine.students.train import train_student
from offbook.engine.tensor_file import write_tensors
from tests.engine.drafters.test_training import ARCHITECTURES, TARGET, backbone
from tests.engine.students.test_student_training import job, objective, weights
from tests.full_disk import atomic_files_of_at_most, files_of_at_most, names_below
from tests.tiny import save_tiny


def full_at(call: int, monkeypatch) -> None:
    """From that call on, nothing can be synced."""
    synced = []

    def fsync(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) >= call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", fsync)


def write_three(folder: Path, text: str) -> None:
    with atomic_files(folder) as written:
        for name in ("a", "b", "below/c"):
            (written / name).parent.mkdir(exist_ok=True)
            (written / name).write_text(text)


def test_several_files_arrive_together_over_older_ones(tmp_path):
    for text in ("old", "new"):
        write_three(tmp_path, text)
        assert names_below(tmp_path) == {"a", "b", "below", "below/c"}
        assert {path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == {text}


@pytest.mark.parametrize("call", [1, 2, 3])
def test_of_several_files_none_arrives_where_one_finds_no_room(call, tmp_path, monkeypatch):
    write_three(tmp_path, "old")
    with monkeypatch.context() as patch:
        full_at(call, patch)
        with pytest.raises(OSError, match="No space left") as told:
            write_three(tmp_path, "new")
    assert told.value.filename == str(tmp_path)
    assert names_below(tmp_path) == {"a", "b", "below", "below/c"}
    assert {path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == {"old"}


def test_of_a_hidden_file_the_name_is_told_that_it_would_have_got(tmp_path):
    with pytest.raises(OSError, match="No such file") as told, atomic_files(tmp_path) as written:
        (written / "missing" / "x").write_text("")
    assert told.value.filename == str(tmp_path / "missing" / "x")


def test_tokenizers_own_error_for_a_full_disk_gets_a_path(tmp_path):
    tokenizer = Tokenizer(models.WordLevel({str(i): i for i in range(100)}, unk_token="0"))
    with pytest.raises(OSError, match="File too large") as told, writing(tmp_path), files_of_at_most(10):
        tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert told.value.filename == str(tmp_path)


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_tensors_that_find_no_room_leave_nothing(size, tmp_path):
    with pytest.raises(OSError, match="File too large") as told, files_of_at_most(size):
        write_tensors(tmp_path / "x.safetensors", {"x": torch.zeros(100, 100)})
    assert told.value.filename == str(tmp_path / "x.safetensors")
    assert not names_below(tmp_path)


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_a_drafter_that_finds_no_room_names_its_weights(size, tmp_path):
    with pytest.raises(OSError, match="File too large") as told, files_of_at_most(size):
        save(tmp_path / "d")
    assert told.value.filename == str(tmp_path / "d" / "model.safetensors")
    assert names_below(tmp_path) == {"d"}


@pytest.mark.parametrize(("call", "kept"), [(1, set()), (3, {"model.safetensors"})])
def test_a_drafter_is_none_without_its_config(call, kept, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        full_at(call, patch)
        with pytest.raises(OSError, match="No space left") as told:
            save(tmp_path)
    assert Path(told.value.filename).parent == tmp_path
    assert names_below(tmp_path) == kept
    save(tmp_path)
    assert names_below(tmp_path) == {"model.safetensors", "config.json"}


def save(folder: Path) -> None:
    network = ARCHITECTURES["eagle2"].build(draft_config(backbone()))
    ids = torch.arange(0, 258, 2)
    save_drafter(
        folder, network, ids, layer=network.config, architecture="eagle2", target=TARGET, vocab_size=258, training={}
    )


def test_a_student_that_finds_no_room_at_its_end_is_finished_once_there_is_some(tmp_path, monkeypatch):
    folder = tmp_path / "s"
    for size in (1, 500, 2_000, 20_000):  # less than config.json, the weights, the tokenizer
        with monkeypatch.context() as patch:
            patch.setattr(saving, "atomic_files", atomic_files_of_at_most(size))
            with pytest.raises(OSError, match="File too large") as told:
                train_student(job(folder), "test", objective())
        assert Path(told.value.filename).is_relative_to(folder)
        assert ".tmp" not in told.value.filename
        assert {path.name for path in folder.iterdir()} == {"state"}, "no weights, no tokenizer, nothing hidden"

    scored: list[float] = []
    train_student(job(folder, score=lambda _: scored.append(0.0) or 0.0), "test", objective())
    assert len(scored) == 1, "rounded weights alone: nothing is trained again"
    assert (folder / RECORD).is_file()
    assert weights(folder)
    assert not list(folder.rglob("*.tmp"))


def test_a_hash_that_finds_no_room_is_not_remembered_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("OFFBOOK_CACHE", str(tmp_path / "cache"))
    tiny = save_tiny(tmp_path / "tiny")
    with files_of_at_most(10):
        found = weights_sha256(str(tiny))
    assert names_below(tmp_path / "cache") <= {"sha256"}
    assert weights_sha256(str(tiny)) == found
    assert len(names_below(tmp_path / "cache")) == 2
