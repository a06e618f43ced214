"""All tables of a run's folder, while it goes on."""

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from offbook.harness.records.store import Store
from offbook.harness.tables import write
from offbook.harness.tables.progress import Count, Progress
from offbook.harness.tables.report import print_tables, report
from offbook.harness.tables.write import Writer, write_all
from tests.harness.tables.exams import exam, filled

HALF = Progress(kinds={"heat": Count(expected=2, done=1, failed=0), "exam": Count(expected=1, done=0, failed=0)})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.*")) if folder.exists() else []


def heats(folder: Path, cells: Any) -> Store:
    store = Store(folder)
    store.commit([(cell.record, cell.rows) for cell in cells])
    return store


def test_a_run_has_the_tables_of_what_it_measures(make_heat: Any, tmp_path: Path) -> None:
    nothing = write_all(Store(tmp_path), tmp_path)
    assert nothing.decoders is nothing.students is None
    assert names(tmp_path) == []
    write_all(heats(tmp_path / "store", make_heat()), tmp_path / "decoders")
    assert names(tmp_path / "decoders") == ["LEADERBOARD.md", "leaderboard.csv", "leaderboard.html", "published.csv"]
    write_all(Store(filled(tmp_path / "exams", [exam()])), tmp_path / "students")
    of_students = ["STUDENTS.md", "leaderboard.html", "student_comparisons.csv", "students.csv"]
    assert names(tmp_path / "students") == of_students


def test_a_run_has_the_pages_of_what_it_is_going_to_measure(tmp_path: Path) -> None:
    write_all(Store(tmp_path / "store"), tmp_path, progress=HALF)
    for page in ("LEADERBOARD.md", "STUDENTS.md"):
        assert "3 stages expected = 1 done + 0 failed + 2 pending." in (tmp_path / page).read_text()


class Clock:
    """Stands still unless it is told otherwise; writing takes `cost_s`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cost_s: float) -> None:
        self.now_s, self.written = 100.0, 0

        def written(*_: object, **__: object) -> None:
            self.written += 1
            self.now_s += cost_s

        monkeypatch.setattr(write, "write_all", written)

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize(("cost_s", "pause_s"), [(0.0, 5.0), (0.01, 5.0), (0.2, 20.0)])
def test_tables_are_written_every_few_seconds_and_take_no_more_than_a_hundredth_of_the_time(
    cost_s: float, pause_s: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = Clock(monkeypatch, cost_s)
    writer = Writer(Store(tmp_path), tmp_path, every_s=5.0, clock=clock)
    for _ in range(9):
        writer.update()
    assert clock.written == 1
    clock.now_s += pause_s - 0.001
    writer.update()
    assert clock.written == 1
    clock.now_s += 0.002
    writer.update()
    assert clock.written == 2


def test_the_last_tables_are_always_written_and_nobody_counts_stages_for_nothing(
    make_heat: Any, tmp_path: Path
) -> None:
    store, asked = heats(tmp_path / "store", make_heat()), []

    def progress() -> Progress:
        asked.append(True)
        return HALF

    writer = Writer(store, tmp_path)
    for _ in range(3):
        writer.update(progress)
    assert len(asked) == 1
    (tmp_path / "LEADERBOARD.md").unlink()
    writer.finish(progress)
    assert len(asked) == 2
    assert "3 stages expected" in (tmp_path / "LEADERBOARD.md").read_text()


def test_what_a_run_has_written_is_shown_without_asking_the_store_again(make_heat: Any, tmp_path: Path) -> None:
    written = write_all(heats(tmp_path / "store", make_heat()), tmp_path, progress=HALF)
    shutil.rmtree(tmp_path / "store")
    out = io.StringIO()
    print_tables(written, Console(file=out, width=200))
    assert "All suites, pooled" in out.getvalue()
    assert "1 done" in out.getvalue()


def test_report_tells_how_far_the_plan_is_on_pages_and_on_the_terminal(make_heat: Any, tmp_path: Path) -> None:
    heats(tmp_path, make_heat())
    out = io.StringIO()
    report(tmp_path, console=Console(file=out, width=200), progress=lambda: HALF)
    said = "3 stages expected = 1 done + 0 failed + 2 pending."
    assert said in out.getvalue()
    assert said in (tmp_path / "LEADERBOARD.md").read_text()
    report(tmp_path, console=Console(file=out, width=200), progress=lambda: None)
    assert said not in (tmp_path / "LEADERBOARD.md").read_text()
