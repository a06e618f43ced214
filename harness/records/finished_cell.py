"""A cell as tables read it: its record with its documents."""

from dataclasses import dataclass

from offbook.harness.records.cell import DocumentRow, Record


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A record with its documents."""

    record: Record
    rows: tuple[DocumentRow, ...]
