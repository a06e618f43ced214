import json
import os
import time
from pathlib import Path

import pytest

from offbook.harness.artifacts import manifest
from offbook.harness.artifacts.manifest import CHECKED, NAME, check, complete

KEY = "0" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "drafter-000000000000"
    (folder / "parts").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "parts" / "weights").write_bytes(bytes(range(256)) * 8)
    (folder / "empty").touch()
    (folder / ".lock").touch()
    return folder


def age(folder: Path) -> None:
    """Lets the clock of the file system move on."""
    newest = max(path.stat().st_ctime_ns for path in folder.rglob("*"))
    while time.time_ns() < newest + manifest.SETTLED_NS:
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "SETTLED_NS", 20_000_000)


def test_an_artifact_is_whole_once_its_list_is_written(folder: Path) -> None:
    assert "half made" in str(check(folder))
    done = complete(folder, KEY)
    assert [entry.name for entry in done.files] == ["config.json", "empty", "parts/weights"]
    assert check(folder, KEY) is None
    assert check(folder, KEY, again=True) is None
    assert "expected the artifact 1111" in str(check(folder, "1" * 64))
    assert "found none" in str(check(folder.parent / "nothing"))


def test_only_the_named_files_may_be_there(folder: Path) -> None:
    with pytest.raises(ValueError, match="found one that is not named"):
        complete(folder, KEY, ["config.json", "empty"])
    with pytest.raises(ValueError, match=r"missing.*found none"):
        complete(folder, KEY, ["config.json", "empty", "parts/weights", "missing"])
    assert not (folder / NAME).exists()


@pytest.mark.parametrize("remembered", [False, True])
@pytest.mark.parametrize("damage", ["flip", "cut", "longer", "remove", "add", "swap", "list", "key", "unread"])
def test_every_damage_is_named(folder: Path, damage: str, remembered: bool) -> None:
    complete(folder, KEY)
    if remembered:
        age(folder)
        assert check(folder) is None
        assert (folder / CHECKED).is_file()
    weights, content = folder / "parts" / "weights", json.loads((folder / NAME).read_text())
    data = weights.read_bytes()
    match damage:
        case "flip":
            stat = weights.stat()
            weights.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
            os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        case "cut":
            weights.write_bytes(data[:-1])
        case "longer":
            weights.write_bytes(data + b"\0")
        case "remove":
            weights.unlink()
        case "add":
            (folder / "model.safetensors.index.json").write_text("{}")
        case "swap":
            (folder / "config.json").rename(folder / "x")
            (folder / "empty").rename(folder / "config.json")
            (folder / "x").rename(folder / "empty")
        case "list":
            content["files"][0]["size"] = 3
            (folder / NAME).write_text(json.dumps(content))
        case "key":
            content["key"] = "1" * 64
            (folder / NAME).write_text(json.dumps(content))
        case "unread":
            (folder / NAME).write_text("[]")
    problem = check(folder)
    assert problem is not None
    assert "\n" not in problem
    assert problem.startswith("drafter-000000000000: ")
    assert check(folder, again=True) == problem


def test_what_was_remembered_spares_reading_and_may_be_lost(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    complete(folder, KEY)
    age(folder)
    assert check(folder) is None
    monkeypatch.setattr(manifest, "file_sha256", lambda path: pytest.fail("read again"))
    assert check(folder) is None
    monkeypatch.undo()
    (folder / CHECKED).write_text("[")
    assert check(folder) is None


def test_a_file_just_written_is_not_remembered_and_the_others_are(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete(folder, KEY)
    age(folder)
    assert check(folder) is None
    weights, read = folder / "parts" / "weights", []
    weights.write_bytes(weights.read_bytes())
    original = manifest.file_sha256
    monkeypatch.setattr(manifest, "SETTLED_NS", 3_600 * 10**9)
    monkeypatch.setattr(manifest, "file_sha256", lambda path: [read.append(path.name), original(path)][1])
    assert check(folder) is None
    assert read == ["weights"]
    assert check(folder) is None
    assert read.count("weights") == 2
