import math

import pytest

from offbook.harness.records.cell import Cell
from offbook.harness.records.drafter import DrafterId
from offbook.harness.tables.drafters_on_students import cross_markdown, cross_table

MIND = {"name": "mind", "method": "mind"}


def cells(make_record, make_spec, make_row, *, borrowed=(3, 2), own=(4, 4), base=(4, 3), **changes) -> list[Cell]:
    """One suite of two documents: rounds that each commit so many tokens, by arm."""

    def cell(heat: str, student: dict, made_for: str, committed: tuple[int, int], sha256: str, wall: float) -> Cell:
        drafter = {"sha256": sha256, "made_for": made_for}
        spec = make_spec(student=student, decoder="eagle2", drafter=drafter, n_docs=2, **changes)
        rows = tuple(
            make_row(d, rounds=((5, n - 1, n - 1, n),) * 3, decode_s=wall, prefill_s=0.0, draft_forwards=3)
            for d, n in enumerate(committed)
        )
        return Cell(record=make_record(spec, heat_id=heat), rows=rows)

    return [
        cell("h0", {}, "target", base, "aa", 1.0),
        cell("h1", MIND, "base", borrowed, "aa", 1.0),
        cell("h1", MIND, "target", own, "bb", 0.5),
    ]


def test_a_borrowed_drafter_stands_between_its_own_target_and_the_students_own(make_record, make_spec, make_row):
    table = cross_table(cells(make_record, make_spec, make_row))
    assert list(table["suite"]) == ["all", "offbook_maths"]
    row = table.to_dict("records")[0]
    assert (row["student"], row["training_seed"], row["decoder"], row["n_docs"]) == ("mind", 0, "eagle2", 2)
    assert row["acceptance_base"] == 3.5
    assert row["acceptance_borrowed"] == 2.5
    assert row["acceptance_own"] == 4.0
    assert row["difference"] == 1.5
    assert row["difference_low"] < 1.5 < row["difference_high"]
    tokens = {"own": 2 + 24, "borrowed": 2 + 15}
    assert row["speed_ratio"] == pytest.approx((tokens["own"] / 1.0) / (tokens["borrowed"] / 2.0))


def test_documents_are_paired_not_pooled(make_record, make_spec, make_row):
    """A difference that is the same on every document has no spread, however much documents differ."""
    row = cross_table(cells(make_record, make_spec, make_row, borrowed=(2, 5), own=(3, 6))).to_dict("records")[0]
    assert row["difference"] == 1.0
    assert math.isnan(row["difference_low"]), "no interval is made where the data give none"


def test_documents_of_one_story_are_one_draw(make_record, make_spec, make_row):
    """Documents that differ say nothing of other stories where they are all of one."""
    of_one_story = [
        Cell(record=cell.record, rows=tuple(row.model_copy(update={"cluster": "one"}) for row in cell.rows))
        for cell in cells(make_record, make_spec, make_row)
    ]
    row = cross_table(of_one_story).to_dict("records")[0]
    assert (row["difference"], row["n_docs"], row["n_clusters"]) == (1.5, 2, 1)
    assert math.isnan(row["difference_low"])


def test_what_differs_in_a_dimension_is_another_row(make_record, make_spec, make_row):
    for changes in ({"seed": 1}, {"temperature": 1.0}, {"layout": "packed"}, {"dtype": "bfloat16"}):
        first = cells(make_record, make_spec, make_row)
        apart = [
            Cell(record=cell.record.model_copy(update={"heat_id": f"{cell.record.heat_id} too"}), rows=cell.rows)
            for cell in cells(make_record, make_spec, make_row, base=(4, 4), **changes)
        ]
        table = cross_table([*first, *apart])
        (name,) = changes
        assert len(table) == 4
        assert table[name].nunique() == 2
        assert list(table["acceptance_base"]) == [3.5, 3.5, 4.0, 4.0]


def test_another_drafters_acceptance_is_not_the_bases(make_record, make_spec, make_row):
    first, *rest = cells(make_record, make_spec, make_row)
    other = first.record.spec.model_copy(update={"drafter": DrafterId(sha256="cc")})
    table = cross_table([Cell(record=make_record(other, heat_id="h0"), rows=first.rows), *rest])
    assert table["acceptance_base"].isna().all()


def test_without_a_cross_there_is_no_section(make_heat):
    table = cross_table(make_heat())
    assert table.empty
    assert cross_markdown(table) == []


def test_the_section_names_student_and_decoder(make_record, make_spec, make_row):
    table = cross_table(cells(make_record, make_spec, make_row))
    title, explanation, markdown, below = cross_markdown(table, ["a machine"])
    assert below == "Measured on: a machine."
    assert title == "## Drafters on students"
    assert "paired by document" in explanation
    assert "| mind, seed 0 | eagle2" in markdown
    assert "+1.50" in markdown
