"""`offbook gc` removes what belongs to nothing, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offbook.engine.progress import Silent
from offbook.harness.cli.main import main
from offbook.harness.records.exam import Exam
from offbook.harness.records.gc import foreign, orphans
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify
from offbook.harness.trials.upgrade import upgrade
from tests.chaos.schema_1 import schema_1
from tests.harness.records.test_exam import ROWS
from tests.harness.records.test_exam import record as exam_record


@pytest.fixture
def store(tmp_path: Path, make_heat: Any) -> Store:
    store = Store(tmp_path / "store")
    store.commit([(cell.record, cell.rows) for cell in make_heat()])
    store.commit([(exam_record(), ROWS)])
    return store


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("[!.]*") if path.is_file()}


def gc(root: Path, *arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["gc", str(root), *arguments])
    return int(end.value.code or 0)


def shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


@pytest.mark.parametrize("damage", [Path.unlink, shortened, torn, lambda path: path.write_bytes(b"")])
def test_a_ledger_that_lost_lines_makes_no_orphans(
    damage: Callable[[Path], Any], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(store.ledger.path)
    before = files(store.root)
    assert gc(store.root, "--delete") == 2
    told = capsys.readouterr().err
    assert "expected a line of the ledger for every record, found none for this one" in told
    assert "restore a ledger that is lost" in told
    assert files(store.root) == before


@pytest.mark.parametrize("with_cells", [True, False])
def test_a_store_of_schema_1_is_turned_and_nothing_of_it_removed(
    with_cells: bool, tmp_path: Path, make_heat: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    schema_1(tmp_path, make_heat() if with_cells else [], [Exam(exam_record(), tuple(ROWS))])
    if not with_cells:
        for name in ("records", "rows"):
            (tmp_path / name).rmdir()
    before = files(tmp_path)
    assert gc(tmp_path, "--delete") == 2
    assert "`offbook upgrade`" in capsys.readouterr().err
    findings = verify(Store(tmp_path)).findings
    assert len(findings) == (3 if with_cells else 1)
    assert all("got 1; `offbook upgrade FOLDER` reads it" in told for told in findings)
    for command in ("verify", "ls", "report"):
        with pytest.raises(SystemExit) as end:
            main([command, str(tmp_path)])
        assert end.value.code == 1
        assert "`offbook upgrade FOLDER` reads it" in "".join(capsys.readouterr())
    assert {name: files(tmp_path)[name] for name in before} == before
    upgrade(tmp_path, Silent())
    assert len(Store(tmp_path).records()) == len(findings)
    assert gc(tmp_path, "--delete") == 0
    assert verify(Store(tmp_path)).findings == ()


def test_rows_that_a_record_names_stay_whatever_else_is_wrong(store: Store) -> None:
    path = next((store.root / "records").glob("*eagle2*"))
    rows = store.root / "rows" / json.loads(path.read_text())["rows_file"]
    kept = rows.with_name(f"other-0123456789ab-{rows.name[-14:]}")
    rows.rename(kept)
    path.write_text(path.read_text().replace(rows.name, kept.name) + "}")
    assert orphans(store) == []
    path.unlink()
    assert orphans(store) == [kept]


def test_rows_of_a_line_whose_record_is_lost_stay(store: Store) -> None:
    next((store.root / "records").glob("*eagle2*")).unlink()
    assert orphans(store) == []


def test_rows_of_another_version_of_a_record_are_an_orphan(store: Store) -> None:
    rows = next((store.root / "rows").glob("*eagle2*"))
    other = rows.with_name(f"{rows.stem[:-8]}01234567.jsonl")
    other.write_text("{}")
    assert orphans(store) == [other]
    next((store.root / "records").glob("*eagle2*")).write_text("{")
    assert orphans(store) == [], "nobody says which are the record's"


@pytest.mark.parametrize("name", ["x.jsonl", "a-b.jsonl", "notes.txt", "offbook-qa-0123456789ab-0123456.jsonl"])
def test_a_foreign_file_is_left_and_named(name: str, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    path = store.root / "rows" / name
    path.write_text("mine")
    assert (orphans(store), foreign(store)) == ([], [path])
    assert gc(store.root, "--delete") == 0
    told = capsys.readouterr().err
    assert f"rows/{name}: expected rows of a record" in told
    assert "0 removed" in told
    assert path.read_text() == "mine"


def test_what_is_committed_while_gc_looks_is_no_orphan(
    store: Store, make_heat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recover = Store.recover

    def after_a_commit(self: Store) -> None:
        Store(self.root).commit([(cell.record, cell.rows) for cell in make_heat(heat_id="heat-2", seed=1)])
        recover(self)

    monkeypatch.setattr(Store, "recover", after_a_commit)
    assert orphans(store) == []
