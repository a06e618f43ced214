"""What is known of losslessness: a certificate of `offbook certify`, and what heats found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offbook.harness.records.cell import Cell
from offbook.harness.tables.decoders import losslessness
from offbook.harness.tables.labels import decoder_label


@dataclass(frozen=True, kw_only=True)
class Certified:
    """What `offbook certify` found.

    Attributes:
        subject: who was tested, on what.
        paragraph: what was tested and found, for people.
        text: the whole certificate, as its file holds it.
    """

    subject: Mapping[str, Any]
    paragraph: str
    text: str

    def check(self, what: str, sha256: str, folder: Path) -> None:
        """Whether it is about a checkpoint.

        Args:
            what: the field of the subject that names it.
            sha256: its hash.
            folder: where it lies.

        Raises:
            ValueError: it is about another one.
        """
        if (found := self.subject.get(what)) != sha256:
            msg = (
                f"{folder}: expected a certificate of it ({sha256[:12]}), got one of {str(found)[:12]}; run `offbook "
                "certify` on it"
            )
            raise ValueError(msg)


def found_in_heats(cells: Sequence[Cell]) -> dict[str, str]:
    """What heats say of each decoder at each temperature; nothing of the baseline that others are held against."""
    by_who: dict[str, list[Cell]] = {}
    for cell in cells:
        who = f"{decoder_label(cell.record.spec)}, temperature {cell.record.spec.temperature:g}"
        by_who.setdefault(who, []).append(cell)
    found = {who: losslessness([cell.record.certificate for cell in of]) for who, of in sorted(by_who.items())}
    return {who: what for who, what in found.items() if what != "baseline"}
