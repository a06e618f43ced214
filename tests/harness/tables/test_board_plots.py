"""Pictures of the board: what they say, what they warn of, and that each is a file of its own."""

import math
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offbook.harness.records.store import Store
from offbook.harness.tables.board import plot as plot_module
from offbook.harness.tables.board.contenders import groups, labels
from offbook.harness.tables.board.decoder_plots import (
    acceptance_plots,
    floors,
    frontier_plots,
    position_plots,
    speedup_plots,
)
from offbook.harness.tables.board.interval_plot import MOST, Bar, interval_plot
from offbook.harness.tables.board.line_plot import line_plot
from offbook.harness.tables.board.page import write_pictures
from offbook.harness.tables.board.plot import SERIES
from offbook.harness.tables.board.plot_names import LONGEST, plot_name
from offbook.harness.tables.board.scales import Scale
from offbook.harness.tables.board.scatter_plot import Point, frontier
from offbook.harness.tables.board.sections import Shown, plots
from offbook.harness.tables.board.side_tables import interpolation_plots, row_cost_plots
from offbook.harness.tables.board.student_plots import change_plots, forgetting_plots
from offbook.harness.tables.board.svg import clean, element, shortened
from offbook.harness.tables.decoders import leaderboard
from offbook.harness.tables.report import report
from offbook.harness.tables.students import students_table
from offbook.harness.tables.write import write_all
from tests.harness.tables.exams import three_students

NO_EVIDENCE = "These intervals all include 1: the order is no evidence."
LIGHT, DARK, PRINT = range(3)


def intervals(*bars: Bar) -> tuple[str, ...]:
    return interval_plot(bars, name="a", title="A", at=1, caption=("n = 2",)).caption


def test_an_order_without_evidence_says_so() -> None:
    wide, apart = Bar(label="a", value=1.1, low=0.9, high=1.3), Bar(label="b", value=1.4, low=1.2, high=1.6)
    unknown = Bar(label="c", value=1.0)
    assert NO_EVIDENCE in intervals(wide, unknown)
    assert NO_EVIDENCE not in intervals(wide, apart)
    assert "There are no intervals: the order is no evidence." in intervals(unknown)


def test_a_picture_of_intervals_has_a_line_a_contender_and_says_what_it_leaves_out() -> None:
    bars = [Bar(label=f"decoder {place}", value=2.0, low=1.5, high=2.5) for place in range(MOST + 3)]
    plot = interval_plot(bars, name="a", title="A", at=1, caption=())
    drawn = ET.fromstring(plot.standalone())
    points = list(drawn.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(points) == MOST
    assert f"{MOST} of {MOST + 3} are drawn; the table has all." in plot.caption
    assert "decoder 0: 2.00 [1.50, 2.50]" in plot.told


def test_names_are_escaped_and_unfit_characters_replaced() -> None:
    hostile = "<script>&\"'\x00\x1b"
    plot = interval_plot([Bar(label=hostile, value=1.0)], name="a", title=hostile, at=1, caption=(hostile,))
    ET.fromstring(plot.standalone())
    assert "<script>" not in plot.standalone()
    assert "<script>" not in plot.inline()
    assert clean("a\x00b\ud800c") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"
    assert element("text", "a<b", class_="x", text_anchor='"') == '<text class="x" text-anchor="&#34;">a&lt;b</text>'
    assert shortened("abcdef", 4) == "abc…"


@given(st.lists(st.integers(-(10**6), 10**6).map(lambda n: n / 8), min_size=1, max_size=6))
def test_a_scale_holds_its_values_and_its_numbers_stand_on_it(values: list[float]) -> None:
    scale = Scale.over(values, start=10, end=110)
    assert all(9.99 <= scale(value) <= 110.01 for value in values)
    ticks = scale.ticks()
    assert ticks == sorted(ticks)
    assert 1 <= len(ticks) <= 7
    assert all(9.9 <= scale(tick) <= 110.1 for tick in ticks)


def test_a_scale_that_doubles_has_powers_of_two() -> None:
    scale = Scale(low=1, high=64, start=0, end=60, doubling=True)
    assert [scale(2.0**power) for power in range(7)] == pytest.approx([0, 10, 20, 30, 40, 50, 60])
    assert scale.ticks(7) == [1, 2, 4, 8, 16, 32, 64]


def test_the_frontier_is_who_is_beaten_by_nobody_in_both() -> None:
    points = [
        Point(label=label, x=x, y=y) for label, x, y in zip("abcde", (1, 2, 3, 3, 2), (9, 7, 5, 4, 7), strict=True)
    ]
    assert [point.label for point in frontier(points)] in (["a", "b", "c"], ["a", "e", "c"])
    assert frontier([]) == []


def test_curves_that_are_left_out_are_counted_and_unknown_points_are_not_drawn() -> None:
    curves = {f"decoder {place}": [(1.0, 0.5), (2.0, math.nan)] for place in range(SERIES + 1)}
    plot = line_plot(curves, name="a", title="A", x_name="x", y_name="y", caption=())
    assert f"{SERIES} of {SERIES + 1} are drawn; the table has all." in plot.caption
    assert "nan" not in plot.standalone()
    assert line_plot({}, name="a", title="A", x_name="x", y_name="y", caption=()).told == ""


def test_contenders_of_one_name_are_told_apart_by_what_differs() -> None:
    rows = [
        {"layout": layout, "drafter_sha256": "", "decoder_options": options, "tuning": "", "key": key}
        for layout, options, key in (("packed", "", "1"), ("transformers", "a", "2"), ("transformers", "b", "3"))
    ]
    assert labels(rows, ["x"] * 3) == ["x, packed", "x, transformers, a", "x, transformers, b"]
    assert labels(rows, ["x", "y", "z"]) == ["x", "y", "z"]
    options = (
        '{"coupled":false,"parallel":true}',
        '{"coupled":true,"parallel":true}',
        '{"coupled":false,"parallel":false}',
    )
    rows = [
        {"layout": "packed", "drafter_sha256": "", "decoder_options": told, "tuning": "", "key": str(place)}
        for place, told in enumerate(options)
    ]
    assert labels(rows, ["x"] * 3) == [
        "x, coupled false, parallel true",
        "x, coupled true, parallel true",
        "x, coupled false, parallel false",
    ]


def test_pictures_of_decoders_tell_their_numbers_and_over_how_many_documents(make_heat: Any) -> None:
    table = leaderboard([*make_heat("maths", "heat-a"), *make_heat("qa", "heat-b")])
    (group,) = groups(table)
    assert group.over == "n = 4 documents, 2 suites"
    assert group.labels == ["eagle2", "autoregressive"]
    (speed,) = speedup_plots(table)
    assert "eagle2: 1.67" in speed.told
    assert "n = 4 documents" in " ".join(speed.caption)
    (acceptance,) = acceptance_plots(table)
    assert "autoregressive" not in acceptance.told
    (positions,) = position_plots(table)
    assert "eagle2: 0.75 at 1" in positions.told
    (accuracy,) = frontier_plots(table)
    assert "eagle2: 7.3 tokens/s" in accuracy.told


@pytest.mark.parametrize(("said", "shown"), [("DIFFERS: TV 0.4", "output changed"), ("not tested", "not tested")])
def test_pictures_say_of_whom_the_output_is_changed_or_not_tested(said: str, shown: str, make_heat: Any) -> None:
    table = leaderboard(make_heat())
    doubted = table.assign(losslessness=table["losslessness"].where(table["decoder"] != "eagle2", said))
    for made in (speedup_plots, acceptance_plots, position_plots, frontier_plots):
        (right,), (wrong,) = made(table), made(doubted)
        assert "eagle2: " in right.told
        assert f"eagle2 ({shown}): " in wrong.told
        assert f"autoregressive ({shown})" not in wrong.told


def test_nobody_is_drawn_where_no_plain_row_tells_a_speed_up(make_heat: Any) -> None:
    assert list(speedup_plots(leaderboard(make_heat()).assign(speedup_fastest=math.nan))) == []


def test_the_floor_is_a_token_for_each_reading_of_the_weights() -> None:
    row = {"layout": "packed", "target_forwards": 100, "decode_s": 4.0, "floor_share": 0.5}
    (limit,) = floors([row, row | {"floor_share": math.nan}, row | {"decode_s": 0.0}])
    assert limit.at == pytest.approx(100 / (4.0 * 0.5))
    assert "50.0 tokens/s" in limit.label


def test_pictures_of_students_show_gains_and_forgetting_in_points() -> None:
    table = students_table(three_students())
    inside, outside = change_plots(table)
    assert inside.title.startswith("ID,")
    assert "below 0 is forgetting" in " ".join(outside.caption)
    assert inside.name.startswith("change-id-toy-corpus-cdcdcdcdcdcd-5000-gradient-tokens-exam-")
    (both,) = forgetting_plots(table)
    row = table.query("suite == 'all' and label == 'mind' and group == 'ood'").iloc[0]
    assert row["change"] < 0
    assert f"{100 * row['change']:.1f} points on OOD" in both.told


def test_tables_of_other_commands_are_shown_where_they_lie_and_left_out_where_not(tmp_path: Path) -> None:
    assert [*row_cost_plots(tmp_path), *interpolation_plots(tmp_path)] == []
    (tmp_path / "layouts.csv").write_text(
        "model,layout,rows,context,over_one_row,cpu,cpu_capability\ntoy,packed,8,128,1.5,Toy,AVX2\n"
        "toy,packed,1,128,1.0,Toy,AVX2\ntoy,eager,1,128,1.0,Toy,AVX2\ntoy,packed,1,128,1.0,Other,AVX2\n"
    )
    (costs,) = row_cost_plots(tmp_path)
    assert costs.told == "packed: 1 at 1, 1.5 at 8"
    assert costs.title.endswith("Toy (AVX2)")
    assert costs.name == "row-costs-toy-128-tokens-toy-avx2"
    lines = ["model,exam,student,a,group,score", *(f"toy,e,mind,{a},{g},{s}" for a, g, s in POINTS)]
    (tmp_path / "curves.csv").write_text("\n".join(lines) + "\n")
    (way,) = interpolation_plots(tmp_path)
    assert way.told == "mind: 50 at 10, 45 at 20, 30 at 40"
    (tmp_path / "curves.csv").write_text("x,y\n1,2\n")
    assert list(interpolation_plots(tmp_path)) == []
    (tmp_path / "curves.csv").write_text("\n".join(lines).replace("0.45", "much") + "\n")
    with pytest.raises(ValueError, match=r"curves\.csv: expected numbers in column 'score', got text"):
        list(interpolation_plots(tmp_path))


POINTS = [(0, "id", 0.1), (0, "ood", 0.5), (0.5, "id", 0.2), (0.5, "ood", 0.45), (1, "id", 0.4), (1, "ood", 0.3)]


def test_every_picture_is_a_file_of_its_own(make_heat: Any, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.commit([(cell.record, cell.rows) for cell in make_heat()])
    paths = write_pictures(tmp_path, write_all(store, tmp_path).board)
    kinds = ("speedup", "frontier", "positions", "break-even")
    assert {path.name for path in paths} >= {f"{kind}-{SMALL}.svg" for kind in kinds}
    for path in paths:
        drawn = ET.parse(path).getroot()
        assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
        assert float(drawn.attrib["width"]) == 2 * plot_module.WIDTH
        assert "prefers-color-scheme: dark" in path.read_text("utf-8")
        assert "http" not in path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")


SMALL = "toy-t0-1-suite-2-documents"


def test_report_writes_pictures_only_where_it_is_asked(make_heat: Any, tmp_path: Path) -> None:
    Store(tmp_path).commit([(cell.record, cell.rows) for cell in make_heat()])
    report(tmp_path)
    assert not (tmp_path / "plots").exists()
    report(tmp_path, plots=True)
    assert (tmp_path / "plots" / f"speedup-{SMALL}.svg").is_file()


def test_a_picture_keeps_its_name_whatever_stands_beside_it(make_heat: Any) -> None:
    small = leaderboard(make_heat())
    larger = small.assign(n_docs=99, n_suites=6, model="Org/Other_2", dtype="bfloat16", student="mind", training_seed=1)
    (before,) = speedup_plots(small)
    (first, second) = speedup_plots(pd.concat([small, larger], ignore_index=True))
    assert first.name == "speedup-org-other-2-mind-seed-1-t0-6-suites-99-documents-dtype-bfloat16"
    assert second.name == before.name == f"speedup-{SMALL}"
    assert ", 6 suites" in first.title
    assert ", 1 suite," in f"{second.title},"


def test_names_of_pictures_are_harmless_and_short() -> None:
    assert plot_name("a", "", "B/c.. d", 1.5) == "a-b-c-d-1-5"
    long, other = plot_name("x" * 300), plot_name("x" * 301)
    assert len(long) <= LONGEST
    assert long != other


def test_pictures_of_one_name_are_numbered(make_heat: Any) -> None:
    table = leaderboard(make_heat())
    shown = Shown(
        decoders=pd.concat([table.assign(model="to/y"), table.assign(model="to-y")], ignore_index=True),
        students=pd.DataFrame(),
        cross=pd.DataFrame(),
        decoder_files={},
        student_files={},
        manifests={},
        exams=[],
        progress=None,
        folder=Path("nowhere"),
    )
    names = [plot.name for plot in plots(shown)]
    assert len(names) == len(set(names))
    assert {"speedup-to-y-t0-1-suite-2-documents", "speedup-to-y-t0-1-suite-2-documents-2"} <= set(names)


@pytest.mark.parametrize("scheme", [LIGHT, DARK, PRINT])
def test_text_can_be_read_on_its_ground(scheme: int) -> None:
    style = (plot_module.FOLDER / "theme.css").read_text("utf-8").split("@media")[scheme]
    colours = dict(
        pair.strip().removeprefix("--").split(": ") for pair in style.replace("{", ";").split(";") if "--" in pair
    )
    for ground in ("paper", "shade"):
        for name in ("text", "muted", "accent"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (scheme, name, ground)
    for name in ("warm", "edge", *(f"series{place}" for place in range(SERIES))):
        assert contrast(colours[name], colours["paper"]) >= 3, (scheme, name)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_group_of_one_row_has_no_picture(make_heat: Any) -> None:
    assert list(groups(leaderboard(make_heat()[:1]))) == []
    assert list(groups(pd.DataFrame({"suite": []}))) == []
