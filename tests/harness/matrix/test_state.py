"""What is done says the folder: a trial by the ledger and its records, whoever was killed and whenever."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from offbook.harness.matrix.graph import Graph, Stage
from offbook.harness.matrix.state import done, is_done
from offbook.harness.records.journal import Journal
from offbook.harness.records.store import Store

TRIAL, OTHER = "a" * 64, "b" * 64
STAGE, SAME = Stage(key=TRIAL, kind="heat", title="a heat", spec={}), Stage(key=OTHER, kind="heat", title="it", spec={})
GRAPH = Graph(stages=(STAGE, SAME))


@pytest.fixture
def entries(make_heat: Any) -> Any:
    return [(cell.record.model_copy(update={"trial": TRIAL}), cell.rows) for cell in make_heat()]


def told(folder: Path) -> set[str]:
    """Keys of what is done, which is the same however it is asked."""
    found = done(GRAPH, folder)
    assert found == {stage.key for stage in GRAPH.stages if is_done(stage, folder)}
    return found


def test_a_trial_is_done_while_all_its_records_are_there(entries: Any, tmp_path: Path) -> None:
    assert told(tmp_path) == set()
    Store(tmp_path).commit(entries)
    assert told(tmp_path) == {TRIAL}
    path = next((tmp_path / "records").glob("*eagle2*"))
    content = path.read_bytes()
    path.unlink()
    assert told(tmp_path) == set()
    path.write_bytes(content)
    assert told(tmp_path) == {TRIAL}
    Store(tmp_path).retire(entries[0][0].key)
    assert told(tmp_path) == set()


def test_a_trial_that_found_its_records_there_is_done_as_long_as_they_are(entries: Any, tmp_path: Path) -> None:
    store = Store(tmp_path)
    keys = [record.key for record in store.commit(entries)]
    size = store.ledger.path.stat().st_size
    store.found(TRIAL, keys)
    assert store.ledger.path.stat().st_size == size, "its records say so"
    store.found(OTHER, keys)
    assert told(tmp_path) == {TRIAL, OTHER}
    store.retire(keys[1])
    assert told(tmp_path) == set()


@pytest.mark.parametrize("at", ["write_once", "ledger", "unlink"])
def test_a_trial_whose_commit_was_killed_is_done(
    at: str, entries: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    store = Store(tmp_path)
    with monkeypatch.context() as patch:
        if at == "write_once":
            patch.setattr("offbook.harness.records.journal.write_once", killed)
        elif at == "ledger":
            patch.setattr(store.ledger, "append", killed)
        else:
            patch.setattr(Path, "unlink", lambda path, **_: killed() if path.parent.name == "pending" else None)
        with pytest.raises(KeyboardInterrupt):
            store.commit(entries)
    assert len(list((tmp_path / "pending").glob("[!.]*"))) == 1
    assert told(tmp_path) == {TRIAL}
    assert list((tmp_path / "pending").iterdir()) == []
    assert len(Store(tmp_path).cells()) == len(entries)


def test_a_retirement_that_was_killed_is_finished(
    entries: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    store = Store(tmp_path)
    first, second = store.commit(entries)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "_remove", killed)
        with pytest.raises(KeyboardInterrupt):
            store.retire(first.key)
    assert store.strangers() == []
    assert told(tmp_path) == set()
    assert [path.name for path in (tmp_path / "rows").iterdir()] == [second.rows_file]
    assert len(list((tmp_path / "records").iterdir())) == 1


def test_what_is_done_is_asked_without_anything_heavy(entries: Any, tmp_path: Path) -> None:
    Store(tmp_path).commit(entries)
    GRAPH.write(tmp_path)
    program = f"""
import sys
from pathlib import Path
from offbook.harness.matrix.status import status
print(status(Path({str(tmp_path)!r})).total.done)
print([name for name in ("torch", "numpy", "pydantic", "lm_eval", "filelock") if name in sys.modules])
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split("\n")[:2] == ["1", "[]"]


def test_what_is_left_of_a_trial_that_lost_a_record_is_retired(entries: Any, tmp_path: Path) -> None:
    store = Store(tmp_path)
    keys = [record.key for record in store.commit(entries)]
    store.found(OTHER, keys)
    assert store.retire_rest(TRIAL) == store.retire_rest(OTHER) == [], "nothing is lost"
    ledger = store.ledger.path.read_text()
    store.ledger.path.write_text(ledger.replace('"of":2', '"of":1', 1))
    assert store.retire_rest(TRIAL) == [], "nor by a count that was edited"
    assert len(store.cells()) == 2
    store.ledger.path.write_text(ledger)
    path = next((tmp_path / "records").glob("*eagle2*"))
    path.unlink()
    assert store.retire_rest(OTHER) == [path.name], "who found the records there needs them as much"
    assert list(store.ledger.lines()) == list((tmp_path / "rows").iterdir()) == []
    assert store.retire_rest(TRIAL) == []
    store.commit(entries)
    assert told(tmp_path) == {TRIAL, OTHER}
