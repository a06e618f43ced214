"""What a page says of the plan behind it: how far it is, what failed why, and what is missing."""

from collections.abc import Sequence

import pandas as pd

from offbook.engine.counted import counted
from offbook.harness.tables.columns import PAGE, Column, Table, fields, to_markdown
from offbook.harness.tables.labels import cell_label, exam_label
from offbook.harness.tables.markdown import escape
from offbook.harness.tables.progress import MissingCell, MissingExam, Progress

LONGEST = 100  # lines of a list of what is missing

COUNTS = (
    Column(name="kind", heading="Stages", shown_in=PAGE),
    Column(name="expected", heading="Expected", kind="whole", shown_in=PAGE),
    Column(name="done", heading="Done", kind="whole", shown_in=PAGE),
    Column(name="failed", heading="Failed", kind="whole", shown_in=PAGE),
    Column(name="pending", heading="Pending", kind="whole", shown_in=PAGE),
)
FAILURES = (
    Column(name="title", heading="Stage", shown_in=PAGE),
    Column(name="error", heading="Error", shown_in=PAGE),
    Column(name="reason", heading="Reason", shown_in=PAGE),
    Column(name="attempts", heading="Attempts", kind="whole", shown_in=PAGE),
)


def progress_line(progress: Progress) -> str:
    """How far the plan is, in one sentence that adds up."""
    count = progress.total
    stages = counted(count.expected, "stage")
    return f"{stages} expected = {count.done} done + {count.failed} failed + {count.pending} pending."


def counts_table(progress: Progress) -> Table:
    """A row a kind of stage."""
    rows = [[kind, count.expected, count.done, count.failed, count.pending] for kind, count in progress.kinds.items()]
    return Table(columns=COUNTS, rows=pd.DataFrame(rows, columns=fields(COUNTS)))


def failures_table(progress: Progress) -> Table:
    """A row a stage that failed."""
    rows = pd.DataFrame([vars(failure) for failure in progress.failures], columns=fields(FAILURES))
    return Table(columns=FAILURES, rows=rows)


def how_far(progress: Progress | None) -> list[str]:
    """For the top of a page: the counts of each kind of stage; nothing where nobody knows what was expected."""
    if progress is None:
        return []
    return [progress_line(progress), to_markdown(counts_table(progress))]


def what_failed(progress: Progress | None) -> list[str]:
    """A section with the failures, for the bottom of a page."""
    if progress is None or not progress.failures:
        return []
    return ["## Failures", to_markdown(failures_table(progress))]


def missing_cells(cells: Sequence[MissingCell]) -> list[str]:
    """A section with the cells that are not there."""
    return _missing("## Missing cells", [cell_label(cell) for cell in cells])


def missing_exams(exams: Sequence[MissingExam]) -> list[str]:
    """A section with the exams that are not there."""
    return _missing("## Missing exams", [exam_label(exam) for exam in exams])


def _missing(title: str, labels: Sequence[str]) -> list[str]:
    lines = [f"- missing: {escape(label)}" for label in labels[:LONGEST]]
    if len(labels) > LONGEST:
        lines.append(f"- and {len(labels) - LONGEST} more")
    return [title, "\n".join(lines)] if lines else []
