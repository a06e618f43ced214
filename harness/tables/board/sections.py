"""What stands on the board, section by section, from tables that were made."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from offbook.harness.tables.board.captions import Pictures, in_rows
from offbook.harness.tables.board.decoder_faces import (
    MOST_BESIDE,
    category_faces,
    cut,
    decoders_face,
    fastest_of_each_suite,
    rows_of_board,
    verdicts_face,
    with_few_links,
)
from offbook.harness.tables.board.decoder_plots import acceptance_plots, frontier_plots, position_plots, speedup_plots
from offbook.harness.tables.board.face import Face, Link, face
from offbook.harness.tables.board.links import Files
from offbook.harness.tables.board.plot import Plot
from offbook.harness.tables.board.side_tables import interpolation_plots, row_cost_plots
from offbook.harness.tables.board.student_faces import students_face
from offbook.harness.tables.board.student_plots import change_plots, forgetting_plots
from offbook.harness.tables.columns import Table
from offbook.harness.tables.decoders_columns import COLUMNS
from offbook.harness.tables.decoders_markdown import machines_of
from offbook.harness.tables.drafters import DRAFTERS, EXPLANATION, drafting
from offbook.harness.tables.drafters_on_students import CROSS_COLUMNS
from offbook.harness.tables.labels import cell_label, exam_label
from offbook.harness.tables.markdown import remarks
from offbook.harness.tables.progress import Progress
from offbook.harness.tables.progress_markdown import LONGEST, counts_table, failures_table, progress_line
from offbook.harness.tables.published import EXPLANATION as PUBLISHED_ELSEWHERE
from offbook.harness.tables.published import PUBLISHED, published_beside
from offbook.harness.tables.ranks import fastest_first
from offbook.harness.tables.rows import Rows


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the board is made of.

    Attributes:
        decoders: the leaderboard; empty where there is none.
        students: their table; likewise.
        cross: drafters on students; likewise.
        decoder_files, student_files, cross_files: the records behind the rows of each.
        manifests: of heats, by id.
        exams: manifests of exams.
        progress: how far the plan behind them is, where somebody knows it.
        folder: of tables that other commands leave.
        files: what else lies beside the page.
    """

    decoders: pd.DataFrame
    students: pd.DataFrame
    cross: pd.DataFrame
    decoder_files: Files
    student_files: Files
    cross_files: Files = field(default_factory=dict)
    manifests: Mapping[str, dict[str, JsonValue]]
    exams: Sequence[Mapping[str, JsonValue]]
    progress: Progress | None
    folder: Path
    files: Sequence[Link] = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading with what stands below it: sentences, pictures, tables, a list, and where all that was measured."""

    name: str
    title: str
    said: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()
    faces: tuple[Face, ...] = ()
    listed: tuple[str, ...] = ()
    files: tuple[Link, ...] = ()
    measured_on: tuple[str, ...] = ()

    @property
    def pictures(self) -> list[Pictures]:
        """Pictures in rows, with what is told of them."""
        return [*in_rows(self.plots)]

    @property
    def is_empty(self) -> bool:
        """Whether nothing would stand there."""
        return not (self.plots or self.faces or self.listed or self.files)


def sections(shown: Shown) -> list[Section]:
    """Those that have something to show, in order."""
    found = [*_of_decoders(shown), *_of_students(shown), *_of_both(shown)]
    return [section for section in _pictures_apart(found) if not section.is_empty]


def plots(shown: Shown) -> list[Plot]:
    """All pictures of the board."""
    return [plot for section in sections(shown) for plot in section.plots]


def _pictures_apart(found: Iterable[Section]) -> Iterator[Section]:
    """Numbers pictures of one name: of two models, say, whose names differ only in what no name of a file may hold."""
    often: Counter[str] = Counter()
    for section in found:
        apart = []
        for plot in section.plots:
            often[plot.name] += 1
            apart.append(plot if often[plot.name] == 1 else replace(plot, name=f"{plot.name}-{often[plot.name]}"))
        yield replace(section, plots=tuple(apart))


def _of_decoders(shown: Shown) -> Iterator[Section]:
    table, files = shown.decoders, shown.decoder_files
    if table.empty:
        return
    rows = fastest_of_each_suite(rows_of_board(table))
    left_out = f"{len(rows):,} of {len(table):,} rows are shown, over all suites; leaderboard.csv has all."
    yield Section(
        name="decoders",
        title="Decoders",
        said=(
            "Square brackets hold 95 % intervals over documents, or over clusters of like ones; a hyphen: the data "
            "cannot give one. leaderboard.csv has every column and digit.",
            *([left_out] if len(rows) < len(table) else []),
            *remarks(list(shown.manifests.values())),
        ),
        faces=(decoders_face(rows, files),),
        measured_on=tuple(machines_of(table, shown.manifests)),
    )
    yield Section(name="order", title="How sure the order is", plots=tuple(speedup_plots(table)))
    yield Section(name="frontier", title="Accuracy against speed", plots=tuple(frontier_plots(table)))
    yield Section(
        name="acceptance",
        title="Acceptance by position and category",
        plots=tuple(position_plots(table)),
        faces=tuple(category_faces(rows, files)),
    )
    all_drafters = fastest_first(drafting(table))
    drafters = rows_of_board(all_drafters, MOST_BESIDE)
    costs = face(
        Table(columns=DRAFTERS, rows=drafters),
        name="drafters",
        caption=f"What drafters cost beside what they bring{cut(drafters, all_drafters)}",
        place="markdown",
        files=files,
    )
    yield Section(
        name="costs",
        title="What rows and drafters cost",
        said=(EXPLANATION,) if len(drafters) else (),
        plots=(*acceptance_plots(table), *row_cost_plots(shown.folder)),
        faces=(with_few_links(costs),) if len(drafters) else (),
    )
    yield Section(
        name="losslessness",
        title="Losslessness",
        said=tuple(_sentence(column.definition) for column in COLUMNS if column.name == "losslessness"),
        faces=(verdicts_face(rows, files),),
    )


def _sentence(definition: str) -> str:
    """A column's definition where it stands alone."""
    return f"{definition[:1].upper()}{definition[1:]}"


def _of_students(shown: Shown) -> Iterator[Section]:
    if not shown.students.empty:
        rows = rows_of_board(shown.students)
        left_out = f"{len(rows):,} of {len(shown.students):,} rows are shown, over all suites; students.csv has all."
        yield Section(
            name="students",
            title="Students",
            said=(
                "ID: other questions of the kinds that were trained on; OOD: questions of other kinds. Percent right, "
                "changes in points. All digits are in students.csv, every two students in student_comparisons.csv.",
                *([left_out] if len(rows) < len(shown.students) else []),
                *remarks(shown.exams),
            ),
            faces=(students_face(rows, shown.student_files),),
        )
        yield Section(
            name="transfer",
            title="In distribution, out of it, and forgetting",
            plots=(
                *change_plots(shown.students),
                *forgetting_plots(shown.students),
                *interpolation_plots(shown.folder),
            ),
        )
    if not shown.cross.empty:
        yield _cross(shown)


def _cross(shown: Shown) -> Section:
    rows = rows_of_board(shown.cross.assign(place=range(len(shown.cross))), MOST_BESIDE)
    caption = "A student decoded with the base model's drafter and with one trained for it, in one heat"
    found = face(
        Table(columns=CROSS_COLUMNS, rows=rows),
        name="cross",
        caption=f"{caption}{cut(rows, shown.cross)}",
        place="markdown",
        filters=("suite", "training"),
        files=shown.cross_files,
        known_by=lambda row: str(row["place"]),
    )
    return Section(name="cross", title="Drafters on students", faces=(found,))


def _of_both(shown: Shown) -> Iterator[Section]:
    theirs = published_beside(shown.decoders) if len(shown.decoders) else pd.DataFrame()
    if len(theirs):
        named = face(
            Table(columns=PUBLISHED, rows=theirs),
            name="published",
            caption="Published by others, not measured here",
            place="markdown",
            filters=("decoder", "source", "model", "dataset"),
        )
        sources = [
            f"{row['source']}: {row['where']}; {'tau: ' + row['tau_means'] + '; ' if row['tau_means'] else ''}"
            f"protocol: {row['protocol']}."
            for row in Rows(theirs.drop_duplicates("source"))
        ]
        yield Section(
            name="published",
            title="Published by others, not measured here",
            said=(PUBLISHED_ELSEWHERE,),
            faces=(named,),
            listed=tuple(sources),
        )
    if shown.progress is not None:
        yield _progress(shown.progress)
    yield Section(name="files", title="Files", files=tuple(shown.files))


def _progress(progress: Progress) -> Section:
    lost = [*map(cell_label, progress.cells), *map(exam_label, progress.exams)]
    named = [f"missing: {label}" for label in lost[:LONGEST]]
    failures = [
        face(failures_table(progress), name="failures", caption="Stages that failed", place="markdown")
        for _ in progress.failures[:1]
    ]
    return Section(
        name="progress",
        title="Done and expected",
        said=(progress_line(progress),),
        faces=(
            face(counts_table(progress), name="stages", caption="Stages of the plan by kind", place="markdown"),
            *failures,
        ),
        listed=(*named, *([f"and {len(lost) - LONGEST} more"] if len(lost) > LONGEST else [])),
    )
