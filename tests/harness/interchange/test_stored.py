"""What is exported: a whole store or one record of it, and never one that is not as it was committed."""

import shutil

import pytest

from offbook.harness.interchange.stored import stored
from offbook.harness.records.damaged import DamagedError
from tests.harness.interchange.committed import RESULTS, a_cell, committed
from tests.harness.tables.exams import exam, filled


def test_a_store_gives_all_of_its_records_and_a_file_its_own():
    assert len(committed()) == len(list((RESULTS / "records").glob("*.json")))
    place = next((RESULTS / "records").glob(f"*-{a_cell().record.key[:12]}.json"))
    (one,) = stored(place)
    assert one.record.key == a_cell().record.key


def test_what_is_no_store_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a folder with records/, or a file of it, found none"):
        stored(tmp_path)
    with pytest.raises(ValueError, match="expected a folder with records/, or a file of it, found none"):
        stored(filled(tmp_path, [exam()]) / "records" / "other.json")


def test_a_damaged_store_gives_nothing(tmp_path):
    store = filled(tmp_path / "store", [exam()])
    shutil.copytree(store, tmp_path / "copy")
    (rows,) = (tmp_path / "copy" / "rows").glob("*.jsonl")
    rows.write_text(rows.read_text().replace('"score":1.0', '"score":0.0', 1))
    with pytest.raises(DamagedError):
        stored(tmp_path / "copy")
