"""Commits a heat's cells all together or not at all, also when the process is killed between two of them.

    store/pending/<heat>.json     every record and row of a finished heat; gone when all its cells are committed

A speed-up holds inside one heat only, so cells of two heats must never stand in for each other. The whole heat is
written down first, in one step; then its cells are committed one by one, and a later process finishes what a killed
one began. Of two processes that ran the same heat, the first to commit wins and the other's measurements are dropped.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock
from pydantic import ValidationError

from offbook.engine.files import atomic_write_bytes
from offbook.engine.text import read_json
from offbook.harness.records.cell import DocumentRow, Record
from offbook.harness.records.store import Store

Cells = Sequence[tuple[Record, Sequence[DocumentRow]]]


def commit_heat(store: Store, cells: Cells) -> list[Record]:
    """Commits the cells of one heat.

    Returns:
        The records in the store, this heat's or those of whoever was first.

    Raises:
        ValueError: the store holds some of these cells from another heat, but not all.
    """
    with _lock(store):
        _finish(store)
        if not in_store(store, [record.key for record, _ in cells]):
            heat_id = cells[0][0].heat_id
            content = [
                {"record": record.model_dump(mode="json"), "rows": [row.model_dump(mode="json") for row in rows]}
                for record, rows in cells
            ]
            atomic_write_bytes(_pending(store) / f"{heat_id}.json", json.dumps(content, allow_nan=False).encode())
            _finish(store)
    keys = {record.key for record, _ in cells}
    return [record for record in store.records() if record.key in keys]


def recover(store: Store) -> None:
    """Commits what a killed process had finished but not committed in full."""
    if _pending(store).is_dir():
        with _lock(store):
            _finish(store)


def in_store(store: Store, keys: Sequence[str]) -> bool:
    """Whether the cells of a heat are committed.

    Raises:
        ValueError: some are and some are not, so they come from another heat.
    """
    held = sum(store.has(key) for key in keys)
    if 0 < held < len(keys):
        msg = (
            f"{store.root.name}: expected all {len(keys)} cells of this heat in the store or none, got {held} from a "
            "heat with other decoders; speeds compare inside one heat only, so choose another --output"
        )
        raise ValueError(msg)
    return held > 0


def _finish(store: Store) -> None:
    for path in sorted(_pending(store).glob("*.json")):
        for record, rows in _cells(path):
            store.commit(record, rows)
        path.unlink()


def _cells(path: Path) -> Cells:
    remedy = "delete it, and the heat is run again"
    content = read_json(path, what="the cells of a finished heat", remedy=remedy)
    try:
        return [
            (
                Record.model_validate_json(json.dumps(cell["record"])),
                [DocumentRow.model_validate_json(json.dumps(row)) for row in cell["rows"]],
            )
            for cell in content
        ]
    except (KeyError, TypeError, ValidationError) as error:
        msg = f"{path}: expected the cells of a finished heat, got something else; {remedy}"
        raise ValueError(msg) from error


def _lock(store: Store) -> FileLock:
    store.root.mkdir(parents=True, exist_ok=True)
    return FileLock(store.root / ".lock")


def _pending(store: Store) -> Path:
    return store.root / "pending"
