"""leaderboard.html in a browser: it sorts, filters and searches, fits a telephone, and axe finds nothing serious.

Skipped by name where there is no Chromium; `OFFBOOK_SCREENSHOTS` names a folder that keeps what was seen.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness.tables.board_times import times
from tests.harness.tables.boards import axe, board, browse, browser, kept, probed
from tests.harness.tables.exams import three_students
from tests.harness.tables.test_board import heats

pytestmark = pytest.mark.slow

FRAME = """<!doctype html><html lang="en"><title>a telephone</title>
<iframe src="{name}" title="the board" style="width:390px;height:{height}px;border:0"></iframe>
<script>addEventListener("message", (event) => {{
  const out = document.createElement("pre"); out.id = "probe"; out.textContent = event.data; document.body.append(out);
}});</script></html>"""
READ = """
const table = document.getElementById("decoders-table");
const heads = [...table.tHead.rows[0].cells];
const head = (text) => heads.find((cell) => cell.textContent === text);
const column = (text) => [...table.tBodies[0].rows].map((row) => row.cells[heads.indexOf(head(text))].textContent);
const status = () => document.getElementById("decoders-status").textContent;
const controls = document.getElementById("decoders-controls");
const set = (control, value) => { control.value = value; control.dispatchEvent(new Event("input")); };
"""


@pytest.fixture
def page(make_heat: Any, tmp_path: Path) -> Path:
    browser()
    board(tmp_path, [*heats(make_heat), *make_heat("chat", "heat-c")], three_students())  # rows enough to search
    return tmp_path / "leaderboard.html"


def test_a_heading_sorts_its_column_and_says_so(page: Path) -> None:
    found = probed(
        page,
        READ
        + """
        const button = head("Tokens/s").querySelector("button");
        button.click();
        const down = column("Decoder"), said = head("Tokens/s").getAttribute("aria-sort");
        button.click();
        say({down, said, up: column("Decoder"), then: head("Tokens/s").getAttribute("aria-sort"),
             others: head("Decoder").getAttribute("aria-sort"), status: status()});
        """,
    )
    assert found["down"] == ["eagle2", "autoregressive"]
    assert found["up"] == ["autoregressive", "eagle2"]
    assert (found["said"], found["then"], found["others"]) == ("descending", "ascending", "none")
    assert found["status"] == "2 of 8 rows, sorted by Tokens/s, ascending"


def test_rows_are_chosen_and_searched(page: Path) -> None:
    found = probed(
        page,
        READ
        + """
        const first = column("Suite"), suite = controls.querySelectorAll("select")[0];
        set(suite, "");
        const every = column("Suite").length;
        set(controls.querySelector("input"), "eagle2 QA");
        const searched = [column("Decoder"), column("Suite")];
        set(controls.querySelector("input"), "nobody");
        say({first, every, searched, none: column("Suite").length, status: status()});
        """,
    )
    assert found["first"] == ["all", "all"]
    assert found["every"] == 8
    assert found["searched"][0] == ["eagle2"]
    assert found["searched"][1] == ["qa"]
    assert (found["none"], found["status"]) == (0, "0 of 8 rows")


def test_everything_can_be_reached_by_keyboard(page: Path) -> None:
    found = probed(
        page,
        """
        const bad = [...document.querySelectorAll("a, button, input, select, summary, .scroll")].filter(
          (one) => one.tabIndex < 0 && !one.closest("[hidden]"));
        const named = [...document.querySelectorAll("input, select")].every((one) => one.labels.length === 1);
        say({bad: bad.length, named, headings: document.querySelectorAll("thead th[aria-sort] > button").length});
        """,
    )
    assert found["bad"] == 0
    assert found["named"]
    assert found["headings"] > 10


def test_a_telephone_never_scrolls_the_page_sideways(page: Path) -> None:
    script = """<script>parent.postMessage(JSON.stringify([innerWidth,
      document.documentElement.scrollWidth, document.querySelectorAll("svg.plot").length]), "*");</script>"""
    inside, frame = page.with_name("inside.html"), page.with_name("frame.html")
    inside.write_text(page.read_text("utf-8").replace("</body>", f"{script}</body>"), "utf-8")
    frame.write_text(FRAME.format(name=inside.name, height=4000), "utf-8")
    dom = browse(frame, "--virtual-time-budget=10000", "--dump-dom")
    width, needed, pictures = map(int, dom.partition('<pre id="probe">[')[2].partition("]")[0].split(","))
    assert width == 390
    assert needed <= 390
    assert pictures > 4


def test_screenshots_are_kept(page: Path, tmp_path: Path) -> None:
    frame, folder = page.with_name("frame.html"), kept(tmp_path)
    frame.write_text(FRAME.format(name=page.name, height=5000), "utf-8")
    for source, width, height in ((page, 1440, 5000), (frame, 500, 5100)):
        picture = folder / f"leaderboard-{'1440' if width == 1440 else '390'}.png"
        browse(source, f"--window-size={width},{height}", "--virtual-time-budget=5000", f"--screenshot={picture}")
        assert picture.stat().st_size > 10_000


def test_axe_finds_nothing_serious(page: Path) -> None:
    found = probed(
        page,
        axe()
        + """
        ;document.querySelectorAll("details").forEach((one) => { one.open = true; });
        axe.run(document, {resultTypes: ["violations"]}).then((result) => say(result.violations.map(
          (one) => [one.impact, one.id, one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200))])));
        """,
        waits=True,
    )
    assert [finding for finding in found if finding[0] in ("serious", "critical")] == []


def test_a_page_of_a_hundred_thousand_records_lays_few_rows_out_and_sorts_all(tmp_path: Path) -> None:
    browser()
    found = times(tmp_path)
    assert found["laid_out"] == 200
    assert found["status"] == "5000 rows, the first 200 are shown, sorted by Decoder, ascending"
    (kept(tmp_path) / "leaderboard-times.json").write_text(json.dumps(found), "utf-8")
