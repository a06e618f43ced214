"""What an export is made of: the records of a store, or one of them, held against their hashes first."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from offbook.engine.quoting import quoted_path
from offbook.harness.records.cell import Cell
from offbook.harness.records.exam import Exam
from offbook.harness.records.record_at import record_at
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole


class AskedDocument(Protocol):
    """A document of a suite, which records name by its hash alone."""

    @property
    def doc(self) -> Mapping[str, Any]:
        """Its fields."""
        ...

    @property
    def target(self) -> str:
        """The right answer."""
        ...

    @property
    def prompt(self) -> str:
        """What was asked, without a model's chat template."""
        ...


# Of a suite by its name, and of its documents the hash by doc_id: the documents, none where they are not at hand.
Documents = Callable[[str, Mapping[int, str]], Mapping[int, AskedDocument]]


def stored(place: Path) -> list[Cell | Exam]:
    """The records of a store by the names of their files, or the one that a file of its records/ holds.

    Raises:
        ValueError: no store there, no such record, or one that is not as it was committed.
        DamagedError: the store is not as it was committed.
    """
    if (at := record_at(place)) is not None:
        store, line = at
        return [store.content(line)]
    if not (place / "records").is_dir():
        msg = (
            f"{quoted_path(place)}: expected a folder with records/, or a file of it, found none; run `offbook "
            "evaluate` or `offbook run` first, and `offbook ls` lists what a folder has"
        )
        raise ValueError(msg)
    found = sorted(whole(Store(place)).held, key=lambda held: held.line.stem)
    return [held.store.content(held.line) for held in found]
