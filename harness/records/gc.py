"""What lies in a store and belongs to nothing: rows whose record is gone, what killed processes half wrote.

Rows belong to whatever names them: a record's file, damaged or not, or a line of the ledger whose record is not there.
While records stand that the ledger does not name, it may be the ledger that is wrong, and nothing is called an orphan.
"""

import re
from collections import defaultdict
from pathlib import Path

from offbook.engine.files import left_over
from offbook.harness.records.record import read_record
from offbook.harness.records.store import Store

FOLDERS = ("", "records", "rows", "pending", "unscored", "failures", "claims", "artifacts")

_ROWS = re.compile(r"(?P<stem>[a-z0-9][a-z0-9.-]*-[0-9a-f]{12})-[0-9a-f]{8}\.jsonl")
_NAMED = re.compile(rb'"rows_file"\s*:\s*"([^"]*)"')


def orphans(store: Store) -> list[Path]:
    """Files and hidden folders that nothing needs; those of living processes are none.

    Raises:
        ValueError: a damaged ledger or commit under way, or records without a line: then nobody knows what is needed.
    """
    by_stem = defaultdict(list)
    for path in _visible(store):  # first: whatever is committed meanwhile has a line when the ledger is read
        if (found := _ROWS.fullmatch(path.name)) is not None:
            by_stem[found["stem"]].append(path)
    store.recover()
    if strangers := store.strangers():
        more = f" and {len(strangers) - 1} more" if strangers[1:] else ""
        msg = (
            f"{strangers[0].name}: expected a line of the ledger for every record, found none for this one{more}; "
            "turn an old store with `offbook upgrade`, restore a ledger that is lost, or delete what is not its own"
        )
        raise ValueError(msg)
    stems = {line.stem for line in store.ledger.lines().values()}
    rows = [path for stem, paths in by_stem.items() for path in (_replaced(store, paths) if stem in stems else paths)]
    named = _named(store) if rows else set()
    return sorted(path for path in rows if path.name not in named) + [
        path for name in FOLDERS for path in left_over(store.root / name)
    ]


def foreign(store: Store) -> list[Path]:
    """What lies among the rows and is none of the store's; it is nobody's to remove."""
    return sorted(path for path in _visible(store) if _ROWS.fullmatch(path.name) is None)


def _visible(store: Store) -> list[Path]:
    return [*(store.root / "rows").glob("[!.]*")]


def _replaced(store: Store, paths: list[Path]) -> list[Path]:
    """Of the rows under one name, those of other versions of a record that is there."""
    record = store.root / "records" / f"{paths[0].stem.rpartition('-')[0]}.json"
    if len(paths) == 1 or not record.is_file():
        return []
    try:
        kept = read_record(record).rows_file
    except ValueError:  # then nobody says which its rows are
        return []
    return [path for path in paths if path.name != kept]


def _named(store: Store) -> set[str]:
    """Files of rows that any file among the records names, whatever else is wrong with it."""
    return {
        name.decode(errors="replace")
        for path in (store.root / "records").glob("*.json")
        for name in _NAMED.findall(path.read_bytes())
    }
