"""Rows of tables are remembered by the hashes of what they are made of, and equal to those that are made anew."""

from pathlib import Path
from typing import Any

import pytest

from offbook.harness.records.cell import Cell
from offbook.harness.records.drafter import DrafterInfo
from offbook.harness.records.manifest import machine_lines
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify, whole
from offbook.harness.tables import decoders, told
from offbook.harness.tables.columns import Table
from offbook.harness.tables.csv_file import to_csv
from offbook.harness.tables.decoders import COLUMNS, leaderboard, table_of, write_leaderboard
from offbook.harness.tables.drafters_on_students import CROSS_COLUMNS, cross_table, cross_table_of
from offbook.harness.tables.markdown import reasons
from offbook.harness.tables.told import Cells
from tests.harness.tables.test_cross_table import cells as cross_cells

LOADS: dict[str, Any] = {"load_average": {"start": [0.5], "end": [2.0]}, "found": {"eagle2": "does what it should not"}}


@pytest.fixture
def store(tmp_path: Path, make_heat: Any, make_record: Any, make_spec: Any, make_row: Any) -> Store:
    """Two heats of a contender, a larger run of one of its suites, and a cross."""
    store = Store(tmp_path / "store")
    for suite, heat in (("maths", "one"), ("qa", "two")):
        store.commit([(cell.record, cell.rows) for cell in make_heat(suite, heat)])
    for cell in cross_cells(make_record, make_spec, make_row):
        record = cell.record.model_copy(update={"drafter": DrafterInfo(parameters=9)})
        store.commit([(record, [row.model_copy(update={"target_s": row.decode_s}) for row in cell.rows])])
    return store


def pages(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ("LEADERBOARD.md", "leaderboard.csv", "cross.csv")]


def test_remembered_tables_are_those_that_are_made_anew(store: Store, tmp_path: Path, monkeypatch: Any) -> None:
    write_leaderboard(store, tmp_path / "anew")
    assert (store.root / told.FILE).is_file()
    with monkeypatch.context() as patch:
        patch.setattr(decoders, "_line", lambda *_, **__: pytest.fail("a row was made"))
        held = whole(store)
        patch.setattr(Store, "rows", lambda *_: pytest.fail("documents were read"))
        write_leaderboard(store, tmp_path / "remembered", cells=Cells.held(store, held.held))
    assert pages(tmp_path / "remembered") == pages(tmp_path / "anew")
    cells = store.cells()
    assert to_csv(Table(columns=COLUMNS, rows=leaderboard(cells))).encode() == pages(tmp_path / "anew")[1]
    assert to_csv(Table(columns=CROSS_COLUMNS, rows=cross_table(cells))).encode() == pages(tmp_path / "anew")[2]


def test_another_record_makes_its_own_rows_anew_and_no_other(store: Store, make_heat: Any, monkeypatch: Any) -> None:
    write_leaderboard(store, store.root)
    made, original = [], decoders._line

    def line(cells: Any, *arguments: Any, suite: str) -> Any:
        made.append((suite, cells[0].record.spec.decoder, len(cells)))
        return original(cells, *arguments, suite=suite)

    monkeypatch.setattr(decoders, "_line", line)
    store.commit([(cell.record, cell.rows) for cell in make_heat("code", "three")])
    cells = Cells.held(store, whole(store).held)
    assert table_of(cells).equals(leaderboard(store.cells()))
    cells.save()
    assert sorted(made[:4]) == [
        *(("all", name, 3) for name in ("autoregressive", "eagle2")),
        *(("code", name, 1) for name in ("autoregressive", "eagle2")),
    ]
    made.clear()
    store.retire(next(cell.record.key for cell in store.cells() if cell.record.spec.suite == "qa"))
    left = Cells.held(store, verify(store).held)
    assert table_of(left).equals(leaderboard([one.read() for one in left]))


def test_what_was_remembered_of_an_edited_record_is_not_told(store: Store) -> None:
    write_leaderboard(store, store.root)
    path = next((store.root / "rows").glob("maths-eagle2*"))
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.1", 1))
    before = (store.root / "leaderboard.csv").read_bytes()
    with pytest.raises(ValueError, match="expected SHA-256"):
        write_leaderboard(store, store.root)
    assert (store.root / "leaderboard.csv").read_bytes() == before


@pytest.mark.parametrize("edit", ["other digits", "cut"])
def test_an_edited_memory_reaches_no_table(edit: str, store: Store, tmp_path: Path) -> None:
    write_leaderboard(store, tmp_path / "before")
    memory = store.root / told.FILE
    data = memory.read_bytes()
    memory.write_bytes(data[:999] if edit == "cut" else data.translate(bytes.maketrans(b"123", b"231")))
    write_leaderboard(store, tmp_path / "after")
    assert pages(tmp_path / "after") == pages(tmp_path / "before")


def test_all_that_pages_show_of_a_manifest_is_told(make_heat: Any) -> None:
    manifest = {"cpu": "a", "git": {"commit": "b"}, "argv": ["c"], "heat": LOADS, "not_scored": {"maths": "why"}}
    cells = [Cell(record=cell.record.model_copy(update={"manifest": manifest}), rows=cell.rows) for cell in make_heat()]
    shown = Cells.of(cells).manifests["heat-1"]
    assert machine_lines([shown]) == machine_lines([manifest])
    assert reasons([shown]) == reasons([manifest])
    assert len(reasons([shown])) == 2
    assert "git" not in shown


def test_a_cross_of_many_students_takes_no_time_that_grows_with_its_square(
    make_record: Any, make_spec: Any, make_row: Any
) -> None:
    class Counted(tuple):
        looks = 0

        def __iter__(self) -> Any:
            Counted.looks += len(self)
            return super().__iter__()

    cells = cross_cells(make_record, make_spec, make_row) * 20
    many = Cells.of(cells)
    many._told = Counted(many._told)
    cross_table_of(many)
    assert Counted.looks <= 4 * len(cells)
