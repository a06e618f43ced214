"""Reads what is in a store and names whatever is not as it was committed.

What was checked before and has not been touched since is not read again (`checked.py`), unless everything is to be.
"""

import functools
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from offbook.engine.quoting import ranges
from offbook.harness.records.cell import Cell
from offbook.harness.records.checked import Checked, Held
from offbook.harness.records.consistency import of_cell, of_exam, of_heat, together
from offbook.harness.records.damaged import DamagedError
from offbook.harness.records.exam import Exam
from offbook.harness.records.ledger import FILE as LEDGER
from offbook.harness.records.ledger import Line
from offbook.harness.records.made_once import made_for, made_twice
from offbook.harness.records.record import AnyRecord
from offbook.harness.records.store import Store, stranger


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What a store holds, and what is wrong with it, a line each.

    Attributes:
        held: the records that are whole each, by the names of their files.
        findings: what is wrong.
        unread: how many of them were checked before and not read again.
    """

    held: tuple[Held, ...] = ()
    findings: tuple[str, ...]
    unread: int = 0

    @functools.cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells with their documents, which are read now."""
        return tuple(held.cell() for held in self.held if held.line.kind == "cell")

    @functools.cached_property
    def exams(self) -> tuple[Exam, ...]:
        """The exams with their answers, which are read now."""
        return tuple(held.exam() for held in self.held if held.line.kind == "exam")


def verify(store: Store, *, again: bool = False) -> Verified:
    """Checks every record against the ledger, its hashes, its rows, its own figures and those of its heat.

    Args:
        store: whose records.
        again: read everything, whatever was checked before.
    """
    try:
        findings = [stranger(path) for path in store.strangers()]
    except ValueError as error:  # then nobody knows what was committed
        return Verified(findings=(str(error),))
    checked = Checked(store, again=again)
    heats = _Heats(checked)
    found: list[Held] = []
    problems: list[tuple[str, str]] = []
    unread = 0
    for line in store.ledger.lines().values():  # those of a heat stand together
        if (held := checked.known(line)) is None:
            try:
                held, wrong = _check(store, line, checked, heats)
            except (ValueError, OSError) as error:
                problems.append((line.stem, " ".join(str(error).split())))
                continue
            problems += [(line.stem, f"{line.stem}.json: {problem}; {REMEDY}") for problem in wrong]
        else:
            unread += 1
            heats.add(held)
        found.append(held)
    if twice := [*made_twice((held.line.stem, held.made) for held in found)]:
        without = _Without(store, found)
        problems += [(stem, f"{problem}; or do without it: {without.told(stem)}") for stem, problem in twice]
    findings += [problem for _, problem in sorted(problems)]
    findings += [f"{problem}; restore it, or run the heat again" for problem in heats.problems()]
    checked.save()
    found.sort(key=lambda held: held.line.stem)
    return Verified(held=tuple(found), findings=tuple(findings), unread=unread)


REMEDY = "restore it, or delete it and run it again"


def _check(store: Store, line: Line, checked: Checked, heats: "_Heats") -> tuple[Held, list[str]]:
    """Reads a record.

    Raises:
        ValueError: it cannot be read.
    """
    look = checked.look(line)
    record = store.record(line.key)
    rows_look = checked.rows_look(record.rows_file)
    rows = tuple(store.rows(record))
    if record.kind == "cell":
        cell = Cell(record=record, rows=rows)
        held = Held(store=store, line=line, heat_id=record.heat_id, made=tuple(made_for(record)))
        heats.add(held, cell)
        wrong = [*of_cell(cell), *_together(line, record)]
    else:
        held = Held(store=store, line=line, heat_id="", made=tuple(made_for(record)))
        wrong = [*of_exam(Exam(record, rows)), *_together(line, record)]
    if not wrong:
        checked.remember(held, record.rows_file, look, rows_look)
    return held, wrong


class _Without:
    """What to delete so that a store does without a record: those of its heat go with it."""

    def __init__(self, store: Store, found: Sequence[Held]) -> None:
        self._places = store.ledger.places()
        self._found = {held.line.stem: held for held in found}
        self._heats: dict[str, list[Held]] = defaultdict(list)
        for held in found:
            self._heats[held.heat_id or held.line.stem].append(held)

    def told(self, stem: str) -> str:
        """The files, and the lines of the ledger."""
        gone = self._heats[self._found[stem].heat_id or stem]
        lines = ranges(sorted(number for held in gone for number in self._places[held.line.key]))
        files = ", ".join(sorted(f"records/{held.line.stem}.json" for held in gone))
        return f"delete {files} and, of {LEDGER}, {'lines' if '-' in lines or ',' in lines else 'line'} {lines}"


class _Heats:
    """Cells by heat. Those that were just read are held against each other as soon as the next heat begins."""

    def __init__(self, checked: Checked) -> None:
        self._checked = checked
        self._heats: dict[str, list[Held]] = defaultdict(list)
        self._open: dict[str, Cell] = {}  # of one heat
        self._told: dict[str, list[str]] = {}

    def add(self, held: Held, cell: Cell | None = None) -> None:
        """A cell, with what it holds where that was read; exams are in no heat."""
        if held.line.kind == "exam":
            return
        if cell is not None:
            if self._open and next(iter(self._open.values())).record.heat_id != held.heat_id:
                self._close()
            self._open[held.line.sha256] = cell
        self._heats[held.heat_id].append(held)

    def problems(self) -> Iterator[str]:
        """What is wrong between the cells of each heat."""
        self._close()
        for heat in self._heats.values():
            name = _hash(held.line.sha256 for held in heat)
            if self._checked.agrees(name):
                continue
            if (found := self._told.get(name)) is None:
                found = [*of_heat([held.cell() for held in heat])]
            if not found:
                self._checked.agree(name)
            yield from found

    def _close(self) -> None:
        if self._open:
            self._told[_hash(self._open)] = [*of_heat([*self._open.values()])]
            self._open = {}


def _hash(hashes: Iterable[str]) -> str:
    return hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest()


def whole(store: Store) -> Verified:
    """Everything in a store, checked.

    Raises:
        DamagedError: something is wrong with it: the first finding, and how many there are.
    """
    found = verify(store)
    if found.findings:
        first, more = found.findings[0], len(found.findings) - 1
        raise DamagedError(first if not more else f"{first} (and {more} more: `offbook verify` lists them)")
    return found


def _together(line: Line, record: AnyRecord) -> Iterator[str]:
    """Whether a line counts as many records as were committed together."""
    if (allowed := together(record)) and line.of not in allowed:
        counts = " or ".join(map(str, sorted(allowed)))
        yield f"expected its line of the ledger to count {counts} records, got {line.of}"
