"""`offbook ls FOLDER`: a line a record."""

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from offbook.harness.records.store import Store
from offbook.harness.tables.listing import list_records
from tests.harness.tables.exams import exam, filled


def listed(folder: Path) -> list[list[str]]:
    """Headings and lines, cell by cell."""
    out = io.StringIO()
    list_records(folder, console=Console(file=out, width=250))
    lines = [line.replace("┃", "│") for line in out.getvalue().splitlines()]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if "│" in line]


def test_a_cell_is_one_line_with_its_labels(make_heat: Any, tmp_path: Path) -> None:
    cells = make_heat("[red]suite", student={"name": "mind", "method": "mind", "seed": 2})
    Store(tmp_path).commit([(cell.record, cell.rows) for cell in cells])
    headings, *lines = listed(tmp_path)
    assert headings == [
        *("Key", "Model", "Training", "Decoder", "Suite", "T", "Seed"),
        *("Docs", "Lossless?", "Heat", "Finished (UTC)"),
    ]
    keys = {cell.record.spec.decoder: cell.record.key[:12] for cell in cells}
    fast = next(line for line in lines if line[3] == "eagle2")
    assert fast == [
        *(keys["eagle2"], "toy", "mind, seed 2", "eagle2", "[red]suite", "0", "0"),
        *("2", "identical 2/2", "heat-1", "2026-01-02 03:04"),
    ]
    assert len(lines) == 2


def test_an_exam_is_one_line_with_how_much_was_right_of_what_is_scored_so(tmp_path: Path) -> None:
    graded = exam("graded", scores={"sums": [0.25, 0.5]}, metric="rouge1")
    filled(tmp_path, [exam(seed=3), graded])
    headings, *lines = listed(tmp_path)
    assert headings == [
        "Key",
        "Model",
        "Student",
        "Method",
        "Seed",
        "Suites",
        "Docs",
        "Ended",
        "Right",
        "Finished (UTC)",
    ]
    by_name = {line[2]: line[3:] for line in lines}
    assert by_name["mind"] == ["mind", "3", "2", "8", "50 %", "0.500 of 8", "2026-01-02 03:04"]
    assert by_name["graded"][5] == "-"
