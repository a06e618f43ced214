"""leaderboard.html: one file, escaped, whose numbers are those of the CSV files and whose rows link their records."""

import csv
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from offbook.harness.records.cell import Cell
from offbook.harness.records.drafter import DrafterInfo
from offbook.harness.records.store import Store
from offbook.harness.tables.board.decoder_faces import DECODERS, MOST_ROWS, RECORDS
from offbook.harness.tables.board.face import FEWEST_SEARCHED
from offbook.harness.tables.board.page import told, write_board
from offbook.harness.tables.board.student_faces import STUDENTS
from offbook.harness.tables.progress import Count, FailureRow, MissingCell, Progress
from offbook.harness.tables.write import write_all
from tests.harness.tables.boards import ROOT, Page, board, many, shown_of
from tests.harness.tables.exams import exam, three_students
from tests.harness.tables.test_cross_table import cells as cross_cells

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;`*"
COMMITTED = ("records", "rows", "certificates", "ledger.jsonl", "layouts.csv", "curves.csv", "LOG.md")


def heats(make_heat: Any) -> list[Cell]:
    return [*make_heat("maths", "heat-a"), *make_heat("qa", "heat-b")]


def numbers(page: Page, name: str, columns: Any, path: Path) -> tuple[list[Any], list[Any]]:
    """The numbers of a table's rows on the page, and in a CSV."""
    heads, *rows = page.tables[name]
    names = {column.heading: column.name for column in columns}
    places = [place for place, head in enumerate(heads) if head.attributes.get("class") == "number"]
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    fields = [names[heads[place].text] for place in places]
    assert len(fields) > 5
    return (
        sorted(tuple(row[place].value for place in places) for row in rows),
        sorted(tuple(line[field] for field in fields) for line in lines),
    )


def test_the_page_is_well_formed_and_names_what_it_shows(make_heat: Any, tmp_path: Path) -> None:
    page = board(tmp_path, heats(make_heat), three_students())
    assert page.wrong == []
    assert page.open == []
    ids = [str(attributes["id"]) for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert len(page.of("h1")) == 1
    assert page.of("html")[0]["lang"] == "en"
    assert len(page.of("table")) == len(page.of("caption"))
    assert all(head["scope"] in ("col", "row") for head in page.of("th"))
    pictures = page.of("svg")
    assert pictures
    for picture in pictures:
        assert picture["role"] == "img"
        assert set(str(picture["aria-labelledby"]).split()) <= set(ids)
    inside = [link.removeprefix("#") for link in page.links if link.startswith("#")]
    assert set(inside) <= set(ids)
    for wanted in ("Decoders", "Losslessness", "Students", "Published by others, not measured here", "Files"):
        assert wanted in page.said


def test_nothing_is_fetched_from_anywhere(make_heat: Any, tmp_path: Path) -> None:
    page = board(tmp_path, heats(make_heat), three_students())
    (policy,) = (meta["content"] for meta in page.of("meta") if "http-equiv" in meta)
    assert str(policy).startswith("default-src 'none';")
    for _, attributes in page.elements:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert "//" not in str(attributes.get(name, ""))
    assert "url(" not in page.source
    assert "@import" not in page.source
    assert not [name for name, _ in page.elements if name in ("iframe", "object", "embed", "img")]


def test_numbers_are_those_of_the_csv_files(make_heat: Any, tmp_path: Path) -> None:
    page = board(tmp_path, heats(make_heat), three_students())
    shown, written = numbers(page, "decoders", DECODERS, tmp_path / "leaderboard.csv")
    assert shown == written
    shown, written = numbers(page, "students", STUDENTS, tmp_path / "students.csv")
    assert shown == written


def test_every_row_links_the_records_behind_it(make_heat: Any, tmp_path: Path) -> None:
    out = tmp_path / "else where" / "out"
    page = board(tmp_path / "store", heats(make_heat), three_students(), out=out)
    records = {path.resolve() for path in (tmp_path / "store" / "records").glob("*.json")}
    linked = {(out / link).resolve() for link in page.links if not link.startswith("#")}
    assert records <= linked
    assert all(path.is_file() for path in linked)
    for name in ("decoders", "students", "losslessness", "drafters", "categories-0"):
        heads, *rows = page.tables[name]
        assert heads[-1].text == "Records"
        assert all(row[-1].text.strip() for row in rows)
    pooled = next(row for row in page.tables["decoders"][1:] if any(cell.text == "all" for cell in row))
    assert pooled[-1].text.strip().startswith("2 records")


def test_a_row_of_drafters_on_students_links_both_drafters_and_the_base_model(
    make_record: Any, make_spec: Any, make_row: Any, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    for cell in cross_cells(make_record, make_spec, make_row):
        record = cell.record.model_copy(update={"drafter": DrafterInfo(parameters=9)})
        store.commit([(record, [row.model_copy(update={"target_s": row.decode_s}) for row in cell.rows])])
    write_all(store, tmp_path)
    page = Page((tmp_path / "leaderboard.html").read_text("utf-8"))
    heads, *rows = page.tables["cross"]
    assert heads[-1].text == "Records"
    assert [row[-1].text.strip()[:9] for row in rows] == ["3 records"] * 2
    assert all((tmp_path / link).is_file() for link in page.links if link.startswith("records/"))


def test_hostile_names_stay_text(make_heat: Any, tmp_path: Path) -> None:
    cells = [*make_heat(HOSTILE, "heat-a", model=HOSTILE), *make_heat("qa", "heat-b", model=HOSTILE)]
    page = board(tmp_path, cells, [exam(HOSTILE, model=HOSTILE), exam("untouched", model=HOSTILE)])
    assert page.wrong == []
    assert len(page.of("script")) == 1
    assert page.of("img") == []
    assert not [attributes for _, attributes in page.elements if "onerror" in attributes]
    texts = {cell.text for rows in page.tables.values() for row in rows for cell in row}
    assert any(HOSTILE in text for text in texts)
    assert "<script>" not in told(HOSTILE)
    assert told("a `word` of **<b>**") == "a <code>word</code> of <strong>&lt;b&gt;</strong>"


def test_the_page_tells_what_was_expected_and_what_failed(make_heat: Any, tmp_path: Path) -> None:
    lost = MissingCell(
        model="toy",
        student="untouched",
        training_seed=0,
        decoder="eagle3",
        made_for="",
        suite="qa",
        temperature=0,
        seed=0,
    )
    failed = FailureRow(title="<heat>", error="OSError", reason="no room", attempts=2)
    counts = {"heat": Count(expected=3, done=1, failed=1)}
    page = board(tmp_path, make_heat(), progress=Progress(kinds=counts, failures=(failed,), cells=(lost,)))
    assert "3 stages expected = 1 done + 1 failed + 1 pending." in page.said
    assert [cell.text for cell in page.tables["stages"][1]] == ["heat", "3", "1", "1", "1"]
    assert page.tables["failures"][1][0].text == "<heat>"
    assert "missing: toy, untouched, eagle3, qa, temperature 0, seed 0" in page.said


def test_a_plan_that_has_measured_nothing_yet_has_a_page(tmp_path: Path) -> None:
    page = board(tmp_path, [], progress=Progress(kinds={"heat": Count(expected=2, done=0, failed=0)}))
    assert "2 stages expected" in page.said
    assert page.of("svg") == []


def test_published_numbers_stand_apart_with_their_protocol(make_heat: Any, tmp_path: Path) -> None:
    page = board(tmp_path, make_heat())
    assert "EAGLE-2" not in {row[0].text for row in page.tables["decoders"]}
    assert {row[0].text for row in page.tables["published"][1:]} == {"eagle2"}
    assert "protocol:" in page.said
    assert "none is ranked" in page.said


def test_the_same_records_make_the_same_page(make_heat: Any, tmp_path: Path) -> None:
    first = board(tmp_path / "a", heats(make_heat), three_students())
    assert board(tmp_path / "b", heats(make_heat), three_students()).source == first.source


def test_a_student_called_all_is_not_chosen_before_anybody_chooses(tmp_path: Path) -> None:
    page = board(tmp_path, [], [exam("all"), exam("mind"), exam("untouched")])
    assert "all" in {row[0].text for row in page.tables["students"]}
    assert [option["value"] for option in page.of("option") if "selected" in option] == ["all"], "of the suites"


def test_tables_that_are_seen_at_once_have_no_search_box(make_heat: Any, tmp_path: Path) -> None:
    page = board(tmp_path, heats(make_heat), three_students())
    rows = [len(lines) - 1 for lines in page.tables.values()]
    assert min(rows) < FEWEST_SEARCHED <= max(rows)
    assert len(page.of("input")) == sum(count >= FEWEST_SEARCHED for count in rows)


def test_machines_stand_behind_the_table_where_they_can_be_opened(make_heat: Any, tmp_path: Path) -> None:
    page = board(tmp_path, heats(make_heat), ())
    after = page.source.partition("</table>")[2]
    assert "Where this was measured" in after
    assert "Toy" in after.partition("Where this was measured")[2]


def test_a_column_that_a_later_version_brings_is_shown_without_being_named_here() -> None:
    assert {"accuracy", "change", "seed_sd", "gradient_tokens", "finished"} <= {column.name for column in STUDENTS}


@pytest.mark.slow
def test_the_committed_results_make_a_page_below_two_megabytes_whose_links_lead_somewhere(tmp_path: Path) -> None:
    for name in COMMITTED:
        source = ROOT / "results" / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name)
        elif source.is_file():
            shutil.copy(source, tmp_path / name)
    write_all(Store(tmp_path), tmp_path)
    page = Page((tmp_path / "leaderboard.html").read_text("utf-8"))
    assert (tmp_path / "leaderboard.html").stat().st_size < 2_000_000
    assert page.wrong == []
    assert all((tmp_path / link).is_file() for link in page.links if not link.startswith("#"))
    shown, written = numbers(page, "decoders", DECODERS, tmp_path / "leaderboard.csv")
    assert shown == written
    assert not re.search(r"\bnan\b", page.said)


@pytest.mark.slow
def test_a_hundred_thousand_records_are_pooled_into_at_most_five_thousand_rows(make_heat: Any, tmp_path: Path) -> None:
    table, files = many(make_heat)
    write_board(tmp_path, shown_of(table, files, tmp_path))
    page = Page((tmp_path / "leaderboard.html").read_text("utf-8"))
    heads, *rows = page.tables["decoders"]
    place = [head.text for head in heads].index("Suite")
    assert len(rows) == MOST_ROWS
    assert {row[place].text for row in rows} == {"all"}
    assert "5,000 of 105,000 rows are shown" in page.said
    assert RECORDS in page.links
    with (tmp_path / RECORDS).open(encoding="utf-8", newline="") as file:
        listed = {line["record"] for line in csv.DictReader(file)}
    assert len(listed) == 100_000
    assert len(page.source) < 20_000_000
