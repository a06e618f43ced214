"""The tables of a folder for programs: what `print_tables` prints for people, with every field and every digit."""

from dataclasses import asdict
from typing import Any

from offbook.harness.records.manifest import machine_lines
from offbook.harness.tables.decoders_markdown import machines_of
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.json_rows import json_rows
from offbook.harness.tables.progress import Count, Progress
from offbook.harness.tables.ranks import fastest_first
from offbook.harness.tables.write import Written


def tables_json(written: Written) -> dict[str, Any]:
    """The pooled rows, the machines behind them, and how far the plan is (None where nobody knows it)."""
    decoders, students, cells = written.decoders, written.students, written.cells
    pooled = None if decoders is None else fastest_first(decoders[decoders["suite"] == ALL_SUITES])
    return {
        "decoders": [] if pooled is None else json_rows(pooled),
        "students": [] if students is None else json_rows(students[students["suite"] == ALL_SUITES]),
        "decoders_on": [] if decoders is None or not cells else machines_of(decoders, cells.manifests),
        "students_on": machine_lines(exam.record.manifest for exam in written.exams),
        "progress": None if written.progress is None else progress_json(written.progress),
    }


def progress_json(progress: Progress) -> dict[str, Any]:
    """How far a plan is; done + failed + pending = expected."""
    return {
        "kinds": {kind: count_json(count) for kind, count in progress.kinds.items()},
        "total": count_json(progress.total),
        "failures": [asdict(failure) for failure in progress.failures],
    }


def count_json(count: Count) -> dict[str, int]:
    """Stages of one kind."""
    return {"expected": count.expected, "done": count.done, "failed": count.failed, "pending": count.pending}
