"""The committed record that a file is, FOLDER/records/NAME.json, as people name one on a command line."""

from pathlib import Path

from offbook.harness.records.ledger import Line
from offbook.harness.records.store import Store

FOLDER = "records"


def record_at(path: Path) -> tuple[Store, Line] | None:
    """The store of a file and its line of the ledger; None of a file that no store has committed.

    Raises:
        ValueError: a ledger that cannot be read.
    """
    if path.parent.name != FOLDER or path.suffix != ".json":
        return None
    store = Store(path.parent.parent)
    line = next((line for line in store.ledger.lines().values() if line.stem == path.stem), None)
    return None if line is None else (store, line)
