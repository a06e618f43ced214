"""How much of a plan stands behind a table: what was expected, done, failed and is pending, and what is missing where.

Tables lie below the matrix, so whoever has the plan hands this in; a store alone does not know what was expected of it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Count:
    """Stages of one kind; done + failed + pending = expected.

    Attributes:
        failed: not done, and the last attempt came to nothing.
        pending: all others that are not done: not begun, under way, or waiting.
    """

    expected: int
    done: int
    failed: int

    @property
    def pending(self) -> int:
        """See the class."""
        return self.expected - self.done - self.failed


@dataclass(frozen=True, kw_only=True)
class FailureRow:
    """A stage that failed: what it was, what its last attempt raised and why, and how many attempts there were."""

    title: str
    error: str
    reason: str
    attempts: int


@dataclass(frozen=True, kw_only=True)
class MissingExam:
    """A student that has not sat its exam, by the names of the records."""

    model: str
    student: str
    training_seed: int


@dataclass(frozen=True, kw_only=True)
class MissingCell(MissingExam):
    """A contender that has not decoded a suite; `made_for` says for whom its drafter is trained, "" without any."""

    decoder: str
    made_for: str
    suite: str
    temperature: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Progress:
    """See the module.

    Attributes:
        kinds: counts of every kind of stage that the plan has, in its order.
        failures: in the order of the plan.
        cells, exams: what is not there.
    """

    kinds: Mapping[str, Count]
    failures: tuple[FailureRow, ...] = ()
    cells: tuple[MissingCell, ...] = ()
    exams: tuple[MissingExam, ...] = ()

    @property
    def total(self) -> Count:
        """Over all kinds."""
        return total(self.kinds.values())


def missing_seeds(progress: Progress | None) -> Counter[tuple[str, str]]:
    """How many seeds have not sat their exam, by base model and student; none where nobody knows the plan."""
    return Counter((exam.model, exam.student) for exam in (progress.exams if progress else ()))


def total(counts: Iterable[Count]) -> Count:
    """The sum of some counts."""
    found = list(counts)
    return Count(
        expected=sum(count.expected for count in found),
        done=sum(count.done for count in found),
        failed=sum(count.failed for count in found),
    )
