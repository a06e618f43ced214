"""Which records stand behind a row of the board, as paths from the page."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from offbook.harness.records.exam import Exam
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.ledger import Line
from offbook.harness.records.record import stem
from offbook.harness.tables.cohorts import cohorts
from offbook.harness.tables.drafters_on_students import cells_of_cross
from offbook.harness.tables.rows import Row
from offbook.harness.tables.told import Cells, by_contender

Files = Mapping[str, tuple[str, ...]]  # paths of records, by what a row is known by


def of_decoders(cells: Cells, lines: Sequence[Line], records: str) -> Files:
    """By `key` of a row of the leaderboard: of a cell its record, of a pooled row those of its suites.

    Args:
        cells: of the leaderboard.
        lines: of the ledger, for all of them.
        records: path of the folder of records, from the page.
    """
    line_of = {line.sha256: line for line in lines}
    found: dict[str, tuple[str, ...]] = {line.key: (_file(records, line.stem),) for line in lines}
    for members in by_contender(cells).values():
        of_members = sorted((line_of[cell.sha256] for cell in members), key=lambda line: line.key)
        pooled = canonical_sha256([line.key for line in of_members])
        found[pooled] = tuple(_file(records, line.stem) for line in of_members)
    return found


def of_cross(cells: Cells, lines: Sequence[Line], records: str) -> Files:
    """By the place of a row of the table of drafters on students; arguments as above."""
    line_of = {line.sha256: line for line in lines}
    return {
        str(place): tuple(_file(records, line_of[cell.sha256].stem) for cell in members)
        for place, members in enumerate(cells_of_cross(cells))
    }


def of_students(exams: Sequence[Exam], records: str) -> Files:
    """By `sitting_of` a row of the table of students: an exam a seed."""
    found: dict[str, tuple[str, ...]] = {}
    for cohort in cohorts(exams):
        for examinee in cohort.examinees:
            corpus = "" if examinee.untouched else cohort.corpus
            name = _sitting(examinee.label, cohort.exam, corpus, examinee.budget)
            found[name] = tuple(_file(records, stem(exam.record)) for exam in examinee.exams)
    return found


def sitting_of(row: Row) -> str:
    """What a row of students shares with the exams behind it."""
    return _sitting(row["label"], row["exam"], row["corpus"], row["budget"])


def from_page(page: Path, target: Path) -> str:
    """The path of a file or folder as a page in the folder `page` links it."""
    try:
        relative = Path(os.path.relpath(target, page))
    except ValueError:  # another drive
        return target.absolute().as_uri()
    return quote(relative.as_posix())


def _file(records: str, name: str) -> str:
    return f"{records}/{quote(name)}.json"


def _sitting(label: str, exam: str, corpus: str, budget: float) -> str:
    return "\n".join((label, exam, corpus, "unknown" if math.isnan(budget) else f"{budget:g}"))
