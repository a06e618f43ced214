"""The hash of offbook's code: of every source below its folder, rooms behind links too, and of nothing else."""

from pathlib import Path

import pytest

import offbook
from offbook.harness.records.code import code_sha256


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A room of a package that is linked as offbook's are."""
    package, room = tmp_path / "src" / "offbook", tmp_path / "engine"
    package.mkdir(parents=True)
    room.mkdir()
    (package / "__init__.py").write_text("")
    (room / "step.py").write_text("1")
    (room / "step.c").write_text("1")
    (package / "engine").symlink_to(room)
    monkeypatch.setattr(offbook, "__file__", str(package / "__init__.py"))
    return room


@pytest.mark.parametrize("name", ["step.py", "step.c"])
def test_every_source_moves_it(name: str, room: Path) -> None:
    before = code_sha256.__wrapped__()
    (room / name).write_text("2")
    assert code_sha256.__wrapped__() != before


def test_what_is_no_source_does_not(room: Path) -> None:
    before = code_sha256.__wrapped__()
    (room / "step.pyc").write_text("1")
    (room / "README.md").write_text("1")
    assert code_sha256.__wrapped__() == before


def test_a_process_is_told_the_same_all_the_time() -> None:
    assert code_sha256() == code_sha256.__wrapped__()
