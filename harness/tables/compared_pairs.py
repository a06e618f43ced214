"""Who of one side is compared with whom of the other: the same contender of two runs, or two records that were named.

A contender of a run is looked for in the other one by what tells it from others: first with equal settings and weights,
then with equal settings, then in the same layout with the same options, and last by its place in the matrix alone,
where nobody else is left there on either side. So a run with other settings meets its like, and nobody meets two.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from offbook.harness.records.cell import Cell, CellSpec
from offbook.harness.records.exam import SittingSpec
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.tables.cohorts import Examinee, examinees
from offbook.harness.tables.compared_sides import Side
from offbook.harness.tables.labels import decoder_label, student_label
from offbook.harness.tables.told import Cells, by_contender

SUITE = frozenset(("suite", "suite_fingerprint", "n_docs", "limits"))  # what belongs to a suite, not to a contender
WEIGHTS = frozenset(("weights_sha256", "settings_sha256", "drafter", "tuning"))
Who = TypeVar("Who")


@dataclass(frozen=True, kw_only=True)
class Pairs(Generic[Who]):
    """Who is compared with whom, and who stands on one side alone."""

    matched: tuple[tuple[Who, Who], ...]
    left_a: tuple[Who, ...] = ()
    left_b: tuple[Who, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A decoder over the suites that it ran, a cell each, in their order."""

    cells: tuple[Cell, ...]

    @property
    def spec(self) -> CellSpec:
        """Of its first cell."""
        return self.cells[0].record.spec

    @property
    def label(self) -> str:
        """Such as `eagle2, mind, seed 0, T 0`."""
        student = () if self.spec.student.untouched else (student_label(self.spec.student),)
        return ", ".join((decoder_label(self.spec), *student, f"T {self.spec.temperature:g}"))

    def asked(self) -> dict[str, str]:
        """The fingerprint of each of its suites."""
        return {cell.record.spec.suite: cell.record.spec.suite_fingerprint for cell in self.cells}


def contenders(a: Side, b: Side) -> Pairs[Contender]:
    """Pairs of decoders."""
    if a.single and b.single:
        both = a.cells and b.cells
        return Pairs(matched=((Contender(cells=a.cells), Contender(cells=b.cells)),) if both else ())
    levels = (_whole, _setting, _form, _place)
    return _matched(_contenders(a.cells), _contenders(b.cells), [_of_spec(level) for level in levels], _shared)


def students(a: Side, b: Side) -> Pairs[Examinee]:
    """Pairs of students, each over its seeds."""
    if a.single and b.single:
        both = a.exams and b.exams
        return Pairs(matched=((examinees(a.exams)[0], examinees(b.exams)[0]),) if both else ())
    levels: list[Callable[[Examinee], str]] = [
        lambda who: who.spec.setting(),
        lambda who: who.spec.rerun(),
        lambda who: canonical_sha256([who.spec.model, who.spec.student.name]),
    ]
    return _matched(examinees(a.exams), examinees(b.exams), levels, common_suites)


def common_suites(a: Examinee, b: Examinee) -> int:
    """How many documents both were asked, of suites that are the same on both sides."""
    return sum(a_suite.n_docs for a_suite in a.spec.suites if a_suite.name in same_suites(a.spec, b.spec))


def same_suites(a: SittingSpec, b: SittingSpec) -> list[str]:
    """The suites that asked both the same documents in the same way."""
    theirs = {(suite.name, suite.fingerprint, suite.n_docs) for suite in b.suites}
    return [suite.name for suite in a.suites if (suite.name, suite.fingerprint, suite.n_docs) in theirs]


def _contenders(cells: Sequence[Cell]) -> list[Contender]:
    """Those of a folder; of one at several sizes the run with most documents."""
    found = [
        Contender(cells=tuple(told.read() for told in sorted(members, key=lambda told: told.suite)))
        for members in by_contender(Cells.of(cells)).values()
    ]
    return sorted(found, key=lambda who: (who.label, who.spec.layout, who.cells[0].record.key))


def _matched(
    ours: Sequence[Who],
    theirs: Sequence[Who],
    levels: Sequence[Callable[[Who], str]],
    shared: Callable[[Who, Who], int],
) -> Pairs[Who]:
    """Each with its like by the first level at which there is one; by the last only where one is left on each side."""
    left, right = [*ours], [*theirs]
    found: list[tuple[Who, Who]] = []
    for level in levels:
        last = level is levels[-1]
        for alike, others in _groups(left, right, level):
            if last and (len(alike), len(others)) != (1, 1):
                continue
            likely = [(shared(one, other), one, other) for one in alike for other in others]
            for count, one, other in sorted(likely, key=lambda each: -each[0]):
                if count and _holds(left, one) and _holds(right, other):
                    found.append((one, other))
                    left = [each for each in left if each is not one]
                    right = [each for each in right if each is not other]
    return Pairs(matched=tuple(found), left_a=tuple(left), left_b=tuple(right))


def _groups(
    left: Sequence[Who], right: Sequence[Who], level: Callable[[Who], str]
) -> list[tuple[list[Who], list[Who]]]:
    """Those of both sides that are alike at a level."""
    groups: dict[str, tuple[list[Who], list[Who]]] = {}
    for place, side in enumerate((left, right)):
        for who in side:
            groups.setdefault(level(who), ([], []))[place].append(who)
    return [(ours, theirs) for ours, theirs in groups.values() if ours and theirs]


def _holds(side: Sequence[Who], who: Who) -> bool:
    return any(each is who for each in side)


def _shared(a: Contender, b: Contender) -> int:
    """Documents of suites that both ran, asked in the same way."""
    theirs = {cell.record.spec.suite: cell for cell in b.cells}
    same = [cell for cell in a.cells if b.asked().get(cell.record.spec.suite) == cell.record.spec.suite_fingerprint]
    return sum(min(cell.record.spec.n_docs, theirs[cell.record.spec.suite].record.spec.n_docs) for cell in same)


def _of_spec(level: Callable[[CellSpec], Any]) -> Callable[[Contender], str]:
    return lambda who: canonical_sha256(level(who.spec))


def _whole(spec: CellSpec) -> Any:
    return spec.model_dump(exclude=set(SUITE))


def _setting(spec: CellSpec) -> Any:
    rest: Any = spec.model_dump(exclude=set(SUITE | WEIGHTS | {"student"}))
    return [rest, _form(spec), spec.student.rerun()]


def _form(spec: CellSpec) -> Any:
    variant = {} if spec.drafter is None else spec.drafter.variant
    return [_place(spec), spec.layout, spec.decoder_config, variant, spec.tuning is None]


def _place(spec: CellSpec) -> Any:
    made_for = "" if spec.drafter is None else spec.drafter.made_for
    student = [spec.student.name, spec.student.seed]
    return [spec.model, student, spec.decoder, made_for, spec.temperature, spec.seed]
