"""What was checked is not read again while nothing has touched it, and nothing else is believed."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from offbook.harness.records import checked
from offbook.harness.records.memo import Memo
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify


@pytest.fixture
def root(tmp_path: Path, make_heat: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checked, "SETTLED_NS", -checked.SETTLED_NS)
    store = Store(tmp_path / "store")
    for heat in range(3):
        store.commit([(cell.record, cell.rows) for cell in make_heat(heat_id=f"heat-{heat}", seed=heat)])
    assert verify(store).findings == ()
    return store.root


def unread(root: Path, *, again: bool = False) -> int:
    """How many records were not read again; all are whole."""
    found = verify(Store(root), again=again)
    assert found.findings == ()
    assert len(found.held) == 6
    return found.unread


def test_what_was_checked_is_not_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = (root / checked.FILE).read_bytes()
    with monkeypatch.context() as patch:
        for name in ("record", "rows", "content"):
            patch.setattr(Store, name, lambda *_: pytest.fail("it was read"))
        assert unread(root) == 6
    assert (root / checked.FILE).read_bytes() == index
    assert unread(root, again=True) == 0


def test_what_is_asked_for_is_read_and_checked(root: Path) -> None:
    held = verify(Store(root)).held
    assert [one.cell().record.sha256 for one in held] == [one.line.sha256 for one in held]
    path = next((root / "rows").glob("*eagle2*"))
    path.write_bytes(path.read_bytes().replace(b"an answer", b"An answer", 1))
    with pytest.raises(ValueError, match="expected SHA-256"):
        [one.cell() for one in held]


@pytest.mark.parametrize("folder", ["records", "rows"])
def test_an_edit_that_keeps_size_and_date_is_noticed(folder: str, root: Path) -> None:
    path = next((root / folder).glob("*eagle2*"))
    before, data = path.stat(), path.read_bytes()
    path.write_bytes(data.replace(b"1", b"2", 1))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert len(verify(Store(root)).findings) >= 1
    path.write_bytes(data)
    assert unread(root) == 5
    assert unread(root) == 6


def test_a_file_that_was_written_a_moment_ago_is_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / checked.FILE).unlink()
    monkeypatch.setattr(checked, "SETTLED_NS", 10**12)
    assert [unread(root), unread(root)] == [0, 0]


@pytest.mark.parametrize("change", ["gone", "cut", "a bit", "every digit", "other code", "of a copy", "no permission"])
def test_the_index_may_be_anything(change: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = root / checked.FILE
    data = index.read_bytes()
    if change == "gone":
        index.unlink()
    elif change == "cut":
        index.write_bytes(data[: len(data) // 2])
    elif change == "a bit":
        index.write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
    elif change == "every digit":
        index.write_bytes(data.translate(bytes.maketrans(b"0123456789", b"1234567890")))
    elif change == "other code":
        index.write_bytes(b"0" * 64 + data[64:])
    elif change == "of a copy":
        shutil.copytree(root, root.with_name("copy"))
        root = root.with_name("copy")
    else:
        index.write_bytes(b"")
        monkeypatch.setattr("offbook.harness.records.memo.atomic_write_bytes", _refuse)
    assert unread(root) == 0
    path = next((root / "rows").glob("*eagle2*"))
    path.write_bytes(path.read_bytes().replace(b"an answer", b"An answer", 1))
    assert len(verify(Store(root)).findings) == 1


def _refuse(*_: object) -> None:
    raise PermissionError


def test_what_is_remembered_of_a_heat_is_of_these_cells(root: Path) -> None:
    store = Store(root)
    (first, second), *_ = [[h for h in verify(store).held if h.heat_id == f"heat-{i}"] for i in range(3)]
    baseline = next(held.cell() for held in (first, second) if held.cell().record.spec.decoder == "autoregressive")
    store.retire(baseline.record.key)
    other = [row.model_copy(update={"tokens": (*row.tokens[:-1], 999)}) for row in baseline.rows]
    store.commit([(baseline.record, other)])
    told = verify(store).findings
    assert any("as its rows have it" in finding for finding in told)


def test_believing_nothing_finds_what_no_time_tells(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as bits that turned on the disk."""
    path = next((root / "rows").glob("*eagle2*"))
    looks = {str(file): checked._look(str(file)) for file in root.glob("r*/*")}
    monkeypatch.setattr(checked, "_look", lambda name: looks[name])
    path.write_bytes(path.read_bytes().replace(b"an answer", b"An answer", 1))
    assert unread(root) == 6
    assert len(verify(Store(root), again=True).findings) == 1


def test_a_memo_keeps_what_is_asked_for(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "memo", "1")
    memo.put("a", {"x": float("nan")})
    memo.put("b", [1.0, "ü", None])
    memo.save()
    memo = Memo(tmp_path / "memo", "1")
    assert memo.get("b") == [1.0, "ü", None]
    memo.save()
    memo = Memo(tmp_path / "memo", "1")
    assert (memo.get("a"), memo.get("b")) == (None, [1.0, "ü", None])
    assert Memo(tmp_path / "memo", "2").get("b") is None
