"""What lies in a store and belongs to nothing: rows whose record is gone, what killed processes half wrote."""

from pathlib import Path

from offbook.engine.files import left_over
from offbook.harness.records.store import Store

FOLDERS = ("", "records", "rows", "pending", "unscored", "failures", "claims", "artifacts")


def orphans(store: Store) -> list[Path]:
    """Files and hidden folders that nothing needs; those of living processes are none.

    Raises:
        ValueError: a damaged ledger or commit under way: then nobody knows what is needed.
    """
    store.recover()
    keys = {key[:12] for key in store.ledger.lines()}
    rows = [path for path in (store.root / "rows").glob("[!.]*.jsonl") if path.stem.rsplit("-", 2)[-2] not in keys]
    return sorted(rows) + [path for name in FOLDERS for path in left_over(store.root / name)]
