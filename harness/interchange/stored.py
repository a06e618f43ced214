"""What an export is made of: the records of a store, or one of them, held against their hashes first."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from offbook.engine.quoting import quoted_path
from offbook.harness.records.cell import Cell
from offbook.harness.records.exam import Exam
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
        ValueError: no store there, or no such record.
        DamagedError: the store is not as it was committed.
    """
    one = place.suffix == ".json" and place.parent.name == "records"
    folder = place.parent.parent if one else place
    if not (folder / "records").is_dir():
        msg = (
            f"{quoted_path(place)}: expected a folder with records/, or a file of it, found none; run `offbook "
            "evaluate` or `offbook run` first"
        )
        raise ValueError(msg)
    held = sorted(whole(Store(folder)).held, key=lambda held: held.line.stem)
    found = [held for held in held if not one or held.line.stem == place.stem]
    if not found:
        msg = f"{quoted_path(place)}: expected a committed record, found none; `offbook ls` lists those of a folder"
        raise ValueError(msg)
    return [held.store.content(held.line) for held in found]
