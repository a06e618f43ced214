"""A folder of schema 1 becomes a store of this version, once, and nothing of it is lost or made up."""

from pathlib import Path
from typing import Any

import pytest

from offbook.engine.progress import Silent
from offbook.harness.records.cell import Cell
from offbook.harness.records.drafter import DrafterId
from offbook.harness.records.exam import Exam
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify
from offbook.harness.trials.upgrade import upgrade
from tests.chaos.schema_1 import schema_1
from tests.harness.records.test_exam import ROWS
from tests.harness.records.test_exam import record as exam_record

MIND = {"name": "mind", "method": "mind", "seed": 3}


@pytest.fixture
def cells(make_heat: Any) -> list[Cell]:
    """An untouched model's heat, and a student's whose drafter is the base's."""
    _, lent = make_heat(student=MIND, heat_id="heat-2")
    spec = lent.record.spec.model_copy(update={"drafter": DrafterId(sha256="ef" * 32, made_for="base")})
    return [*make_heat(), Cell(record=lent.record.model_copy(update={"spec": spec, "key": spec.key()}), rows=lent.rows)]


@pytest.fixture
def old(cells: list[Cell], tmp_path: Path) -> Path:
    schema_1(tmp_path / "store", cells, [Exam(exam_record(), tuple(ROWS))])
    return tmp_path / "store"


def test_what_labels_said_becomes_fields_and_all_else_stays(old: Path, cells: list[Cell]) -> None:
    done = upgrade(old, Silent())
    assert (done.cells, done.exams) == (3, 1)
    store = Store(old)
    assert verify(store).findings == ()
    assert not (old / "exams").exists()
    for cell in cells:
        found = store.record(cell.record.key)
        assert found.kind == "cell"
        assert found.spec == cell.record.spec
        assert found.certificate == cell.record.certificate
        assert store.rows(found) == list(cell.rows)
        note = found.manifest["upgraded"]
        assert isinstance(note, dict)
        assert note["from_schema"] == 1
    (exam,) = store.exams()
    assert exam.record.spec == exam_record().spec
    assert exam.rows == tuple(ROWS)


def test_a_second_upgrade_finds_nothing_to_do(old: Path) -> None:
    upgrade(old, Silent())
    before = {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}
    assert upgrade(old, Silent())[:2] == (0, 0)
    assert {path: path.read_bytes() for path in old.rglob("*") if path.is_file()} == before


def test_what_an_interrupted_upgrade_left_goes_with_the_next(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, gone = Path.unlink, list[str]()

    def unlink(path: Path, **options: Any) -> None:
        if path.parent.name in ("records", "rows", "exams") and path.name[0] != ".":
            if gone:
                raise KeyboardInterrupt
            gone.append(path.suffix)
        real(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        with pytest.raises(KeyboardInterrupt):
            upgrade(old, Silent())
    assert gone == [".jsonl"]
    upgrade(old, Silent())
    assert verify(Store(old)).findings == ()
    assert len(list((old / "rows").iterdir())) == len(list((old / "records").iterdir())) == 4


def test_a_record_whose_rows_are_lost_is_named(old: Path) -> None:
    next((old / "rows").glob("*eagle2*")).unlink()
    with pytest.raises(
        ValueError, match=r"eagle2.*\.json: expected its rows in .*, found no such file; restore it"
    ) as told:
        upgrade(old, Silent())
    assert "\n" not in str(told.value)
