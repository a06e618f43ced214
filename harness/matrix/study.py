"""What a matrix was run to decide: the verdicts of its hypotheses, and whether the parts of its methods acted.

    offbook reproduce --profile study --output runs/study
    python -m offbook.harness.matrix.study study runs/study --output runs/study

Writes `hypotheses.csv` (every comparison in every outcome, paired over seeds and items, Holm within the family of all
that are tested), `activity.csv` (what trainings logged) and `STUDY.md` with both and a sentence for each hypothesis and
tested outcome, and prints them. The rule is that of `tables/hypotheses.py`; it may be asked as often as one likes, for
the family is as large before the last student as behind it.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from offbook.engine.files import atomic_write_text
from offbook.engine.paths import user_path
from offbook.harness.records.exam import Exam
from offbook.harness.records.store import Store
from offbook.harness.settings.matrix import Matrix
from offbook.harness.settings.profiles import load_profile
from offbook.harness.tables import activity, hypotheses
from offbook.harness.tables.columns import Table, bullet, definitions, to_markdown, to_terminal
from offbook.harness.tables.csv_file import to_csv
from offbook.harness.tables.report import check_store
from offbook.harness.trials.benchmark_command import run

PAGE = "STUDY.md"


def decide(matrix: Matrix, exams: Sequence[Exam], output: Path, console: Console) -> list[str]:
    """Writes and prints tables and verdicts; returns the sentences.

    Args:
        matrix: with hypotheses.
        exams: of its students, as many as there are; among them may be others of the same students, see `deciding`.
        output: folder of the tables.
        console: where they are printed.

    Raises:
        ValueError: a matrix without hypotheses, or see `hypotheses_table`.
    """
    if not matrix.hypotheses:
        msg = "expected a matrix with hypotheses, got one without; say in it who is held against whom"
        raise ValueError(msg)
    exams = hypotheses.deciding(exams, matrix.outcomes)
    found = hypotheses.hypotheses_table(exams, matrix.hypotheses, matrix.outcomes)
    tables = {
        "hypotheses": Table(columns=hypotheses.COLUMNS, rows=found),
        "activity": Table(columns=activity.COLUMNS, rows=activity.activity_table(exams)),
    }
    told, parts = hypotheses.verdict_lines(tables["hypotheses"].rows), [f"# {matrix.description}"]
    for name, table in tables.items():
        atomic_write_text(output / f"{name}.csv", to_csv(table))
        console.print(to_terminal(table, name.capitalize()))
        above = "\n".join(definitions(table.columns))
        parts += [f"## {name.capitalize()}", above, *([to_markdown(table)] if len(table.rows) else [])]
    for line in told:
        console.print(line, markup=False, highlight=False)
    verdicts = "\n".join(bullet(line) for line in told)
    atomic_write_text(output / PAGE, "\n\n".join([*parts, "## Verdicts", verdicts]) + "\n")
    return told


def _main() -> None:
    parser = argparse.ArgumentParser(description="The verdicts of a matrix, and whether its methods acted.")
    parser.add_argument("matrix", help="a profile by name, or a matrix file")
    parser.add_argument("folder", type=Path, help="a run's folder, or another store")
    parser.add_argument("--output", type=Path, default=None, help="folder of the tables; by default the store's")
    chosen = parser.parse_args()
    folder = user_path(str(chosen.folder), what="folder")
    check_store(folder)
    decide(load_profile(chosen.matrix)[1], Store(folder).exams(), chosen.output or folder, Console())


if __name__ == "__main__":
    run("offbook.harness.matrix.study", _main)
