"""The store under crashes, races and damage."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from offbook.engine import files
from offbook.engine.files import atomic_write_text, write_once
from offbook.harness.records.record import own_sha256
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def commit(store: Store, make_record: Any, make_row: Any, **changes: Any) -> Any:
    (record,) = store.commit([(make_record(**changes), [make_row(0), make_row(1)])])
    return record


def held(store: Store) -> int:
    """How many cells a store holds, all of them whole."""
    return len(whole(store).cells)


def only(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_what_was_committed_is_read_back(store: Store, make_record: Any, make_row: Any) -> None:
    record = commit(store, make_record, make_row)
    assert store.has(record.key)
    assert store.records() == [record]
    assert store.rows(record) == [make_row(0), make_row(1)]
    assert held(store) == 1


def test_a_store_that_does_not_exist_is_empty(store: Store) -> None:
    assert store.records() == []
    assert held(store) == 0
    assert not store.has("ab" * 32)
    assert not store.root.exists()


def test_the_first_writer_wins(store: Store, make_record: Any, make_row: Any) -> None:
    first = commit(store, make_record, make_row)
    (second,) = store.commit([(make_record(heat_id="heat-2"), [make_row(0, decode_s=5.0), make_row(1)])])
    assert second == first
    assert held(store) == 1
    assert len(list((store.root / "rows").iterdir())) == 1


def test_racing_writers_leave_one_whole_cell(store: Store, make_record: Any, make_row: Any) -> None:
    barrier = threading.Barrier(8)

    def work(i: int) -> None:
        barrier.wait()
        Store(store.root).commit([(make_record(heat_id=f"heat-{i}"), [make_row(0, decode_s=1.0 + i), make_row(1)])])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held(store) == 1
    (record,) = store.records()
    assert store.rows(record)[0].decode_s == 1.0 + int(record.heat_id[-1])


OPERATIONS = ("fsync", "link", "open")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_commit_that_dies_at_any_system_call_leaves_a_cell_that_is_whole_or_absent(
    operation: str, store: Store, make_record: Any, make_row: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(os, operation)
    key = make_record().key
    for fatal in range(1, 40):
        calls = 0

        def dying(*args: Any, fatal: int = fatal, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == fatal:
                raise OSError(28, "No space left on device")
            return real(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(files.os, operation, dying)
            try:
                commit(store, make_record, make_row)
            except OSError:
                assert held(store) == int(store.has(key))
            else:
                break
        store.recover()
        if store.has(key):
            store.retire(key)
    assert fatal > 1, "the fault was never injected"
    commit(store, make_record, make_row)
    assert held(store) == 1


def test_leftovers_of_a_killed_writer_are_not_records(store: Store, make_record: Any, make_row: Any) -> None:
    commit(store, make_record, make_row)
    (store.root / "records" / ".123.tmp").write_text("{")
    (store.root / "records" / ".half.json").write_text("{")
    assert held(store) == 1


def test_a_changed_sidecar_is_found(store: Store, make_record: Any, make_row: Any) -> None:
    commit(store, make_record, make_row)
    path = only(store.root / "rows")
    path.write_bytes(path.read_bytes().replace(b"an answer", b"An answer", 1))
    with pytest.raises(ValueError, match="expected SHA-256"):
        whole(store)


def test_a_missing_sidecar_is_found(store: Store, make_record: Any, make_row: Any) -> None:
    commit(store, make_record, make_row)
    only(store.root / "rows").unlink()
    with pytest.raises(ValueError, match="found no such file"):
        whole(store)


def edit(store: Store, **changes: Any) -> None:
    path = only(store.root / "records")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_specification_edited_after_the_run_is_found(store: Store, make_record: Any, make_row: Any) -> None:
    record = commit(store, make_record, make_row)
    edit(store, spec=record.spec.model_dump(mode="json") | {"seed": 99})
    with pytest.raises(ValueError, match="expected SHA-256"):
        store.records()


def test_a_record_under_a_foreign_name_is_found(store: Store, make_record: Any, make_row: Any) -> None:
    commit(store, make_record, make_row)
    path = only(store.root / "records")
    path.rename(path.with_name(f"x-{'0' * 12}.json"))
    with pytest.raises(ValueError, match=r"expected the record of its name, got that of offbook-maths-autoregressive"):
        store.records()


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000, "null", '{"schema_version": 1}'])
def test_a_file_that_is_no_record_is_one_line(content: str, store: Store, make_record: Any, make_row: Any) -> None:
    commit(store, make_record, make_row)
    only(store.root / "records").write_text(content)
    with pytest.raises(ValueError, match=r"\.json: ") as error:
        store.records()
    assert "\n" not in str(error.value)


def test_a_newer_schema_is_refused_in_one_line(store: Store, make_record: Any, make_row: Any) -> None:
    commit(store, make_record, make_row)
    edit(store, schema_version=3, a_field_of_the_future=[])
    with pytest.raises(ValueError, match="expected schema_version 2, got 3; upgrade offbook") as error:
        whole(store)
    assert "\n" not in str(error.value)


def test_an_old_schema_names_the_command_that_reads_it(store: Store, make_record: Any, make_row: Any) -> None:
    commit(store, make_record, make_row)
    edit(store, schema_version=1)
    with pytest.raises(ValueError, match="got 1; `offbook upgrade FOLDER` reads it"):
        store.records()


def test_rows_edited_with_the_hash_that_names_them_are_found(store: Store, make_record: Any, make_row: Any) -> None:
    record = commit(store, make_record, make_row)
    path = only(store.root / "rows")
    data = path.read_bytes().replace(b"an answer", b"An answer", 1)
    path.write_bytes(data)
    edit(store, rows_sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(ValueError, match="expected SHA-256"):
        store.records()
    sealed = own_sha256(record.model_copy(update={"rows_sha256": hashlib.sha256(data).hexdigest()}))
    edit(store, sha256=sealed)
    with pytest.raises(ValueError, match="of the ledger, got"):
        store.records()


@pytest.mark.parametrize("ids", [(0,), (0, 0), (0, 1, 2)])
def test_a_commit_with_other_documents_is_refused(
    ids: tuple[int, ...], store: Store, make_record: Any, make_row: Any
) -> None:
    with pytest.raises(ValueError, match="different documents"):
        store.commit([(make_record(), [make_row(i) for i in ids])])
    assert not store.root.exists()


def test_a_commit_without_the_metric_is_refused(store: Store, make_record: Any, make_row: Any) -> None:
    with pytest.raises(ValueError, match="'rouge1' on every row"):
        commit(store, make_record, make_row, metric="rouge1")


def test_a_commit_under_a_wrong_key_is_refused(store: Store, make_record: Any, make_row: Any) -> None:
    with pytest.raises(ValueError, match="expected key"):
        commit(store, make_record, make_row, key="0" * 64)
    assert not store.root.exists()


@pytest.mark.parametrize("name", ["../../up", "/abs", "a\x00b", "CON", "x" * 500, "‮evil", ""])
def test_a_hostile_name_stays_in_the_store(
    name: str, store: Store, make_spec: Any, make_record: Any, make_row: Any
) -> None:
    commit(store, make_record, make_row, cell=make_spec(suite=name, decoder=name))
    assert held(store) == 1
    found = {path.parent.name for path in store.root.parent.rglob("*") if path.is_file()}
    assert found == {"records", "rows", store.root.name}


def test_a_replaced_file_is_whole_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    atomic_write_text(path, "one\r\n")
    atomic_write_text(path, "zwei é")
    assert path.read_bytes() == "zwei é".encode()
    assert only(path.parent) == path


def test_a_failed_replacement_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    atomic_write_text(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic_write_text(path, "new")
    assert path.read_text() == "old"
    assert only(tmp_path) == path


def test_a_ledger_that_is_removed_during_a_commit_is_missed_by_name(
    store: Store, make_record: Any, make_row: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = store._journal.commit

    def commit_and_lose(*args: Any) -> None:
        committed(*args)
        store.ledger.path.unlink()

    monkeypatch.setattr(store._journal, "commit", commit_and_lose)
    with pytest.raises(FileNotFoundError, match="ledger"):
        commit(store, make_record, make_row)


def test_write_once_writes_once(tmp_path: Path) -> None:
    assert write_once(tmp_path / "a", b"1")
    assert not write_once(tmp_path / "a", b"2")
    assert (tmp_path / "a").read_bytes() == b"1"
    assert only(tmp_path) == tmp_path / "a"


def test_a_store_is_read_without_torch_or_any_library_of_models() -> None:
    code = (
        "import sys; from offbook.harness.records import gc, redaction, verify; "
        "slow = {'torch', 'transformers', 'lm_eval', 'pandas', 'numpy', 'huggingface_hub'}; "
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
