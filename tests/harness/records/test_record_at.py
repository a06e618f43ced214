"""A file of records/ names its store and its line; a file that nobody committed names nothing."""

import shutil
from pathlib import Path

from offbook.harness.records.record_at import record_at
from tests.harness.tables.exams import exam, filled


def test_a_committed_file_is_found_and_no_other_is(tmp_path: Path) -> None:
    store = filled(tmp_path / "store", [exam()])
    (path,) = (store / "records").iterdir()
    at = record_at(path)
    assert at is not None
    assert at[0].root == store
    assert at[1].stem == path.stem
    shutil.copy(path, path.with_name("copy.json"))
    shutil.copy(path, store / path.name)
    for stranger in (path.with_name("copy.json"), store / path.name, path.with_suffix(""), tmp_path / "nowhere.json"):
        assert record_at(stranger) is None
