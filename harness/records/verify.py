"""Reads everything in a store and names whatever is not as it was committed."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from offbook.harness.records.cell import Cell
from offbook.harness.records.consistency import arms_of, of_cell, of_exam, of_heat
from offbook.harness.records.damaged import DamagedError
from offbook.harness.records.exam import Exam
from offbook.harness.records.ledger import Line
from offbook.harness.records.store import Store


class Verified(NamedTuple):
    """What was read, and what is wrong with it, a line each."""

    cells: tuple[Cell, ...]
    exams: tuple[Exam, ...]
    findings: tuple[str, ...]


def verify(store: Store) -> Verified:
    """Checks every record against the ledger, its hashes, its rows, its own figures and those of its heat."""
    try:
        findings = [*_strangers(store)]
    except ValueError as error:  # then nobody knows what was committed
        return Verified((), (), (str(error),))
    cells: list[Cell] = []
    exams: list[Exam] = []
    heats: dict[str, list[Cell]] = defaultdict(list)
    for line in sorted(store.ledger.lines().values(), key=lambda line: line.stem):
        try:
            record = store.record(line.key)
            rows = store.rows(record)
        except (ValueError, OSError) as error:
            findings.append(" ".join(str(error).split()))
            continue
        if record.kind == "cell":
            cells.append(cell := Cell(record=record, rows=tuple(rows)))
            heats[record.heat_id].append(cell)
            found = [*of_cell(cell), *_together(line, len(arms_of(record.manifest)))]
        else:
            exams.append(exam := Exam(record, tuple(rows)))
            found = [*of_exam(exam), *_together(line, 1)]
        findings += [f"{line.stem}.json: {problem}; restore it, or delete it and run it again" for problem in found]
    for heat in heats.values():
        findings += [f"{problem}; restore it, or run the heat again" for problem in of_heat(heat)]
    return Verified(tuple(cells), tuple(exams), tuple(findings))


def whole(store: Store) -> Verified:
    """Everything in a store.

    Raises:
        DamagedError: something is wrong with it: the first finding, and how many there are.
    """
    found = verify(store)
    if found.findings:
        first, more = found.findings[0], len(found.findings) - 1
        raise DamagedError(first if not more else f"{first} (and {more} more: `offbook verify` lists them)")
    return found


def _together(line: Line, arms: int) -> Iterator[str]:
    """Whether a line counts as many records as its trial could commit: all arms, or one that was scored again."""
    if line.of not in (1, arms or line.of):
        yield f"expected its line of the ledger to count 1 or {arms} records, got {line.of}"


def _strangers(store: Store) -> Iterator[str]:
    for path in store.strangers():
        yield (
            f"{path.name}: expected a line of the ledger for every record, found none for this one: it was not "
            "committed here; delete it, or restore the ledger"
        )
