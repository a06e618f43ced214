"""One document of one record, by the record's file."""

from pathlib import Path

from offbook.engine.quoting import quoted_path
from offbook.harness.records.cell import CellSpec
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.record_at import record_at


def answer_in(path: Path, doc_id: int) -> tuple[CellSpec, DocumentRow]:
    """What was run, and the answer to one document.

    Raises:
        ValueError: no record of a heat's cell in a store, a damaged one, or no such document.
    """
    at = record_at(path)
    if at is None or at[1].kind != "cell":
        msg = f"{quoted_path(path)}: expected a record of a heat, FOLDER/records/NAME.json, found none of a store's"
        raise ValueError(msg)
    store, line = at
    record = store.record(line.key)
    assert record.kind == "cell"
    rows = {row.doc_id: row for row in store.rows(record)}
    if doc_id not in rows:
        there = ", ".join(map(str, sorted(rows)[:12])) + (" ..." if len(rows) > 12 else "")
        msg = f"{quoted_path(path)}: expected one of its documents, {there}, got {doc_id}; name it with --document"
        raise ValueError(msg)
    return record.spec, rows[doc_id]
