"""The board as tests read it: its elements and tables by Python's own parser, and by a browser where there is one."""

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd
import pytest

from offbook.harness.records.cell import Cell
from offbook.harness.records.exam import Exam
from offbook.harness.records.store import Store
from offbook.harness.tables.board.sections import Shown
from offbook.harness.tables.decoders import leaderboard
from offbook.harness.tables.progress import Progress
from offbook.harness.tables.write import write_all

ROOT = Path(__file__).resolve().parents[3]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VOID = ("meta", "link", "input", "br", "hr", "img")
PROBE = re.compile(r'<pre id="probe">(.*?)</pre>', re.DOTALL)


@dataclass
class Read:
    """A cell of a table."""

    attributes: dict[str, str | None]
    text: str = ""

    @property
    def value(self) -> str:
        """Of a number, as its CSV has it."""
        return self.attributes.get("data-v") or ("" if self.text == "-" else self.text)


@dataclass
class Page(HTMLParser):
    """Elements in order, what was closed wrongly, rows of tables by their names, and all that people read."""

    source: str
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    tables: dict[str, list[list[Read]]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[Read]] = []
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.elements.append((tag, told))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.rows = self.tables[str(told["data-name"])] = []
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append(Read(told))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1].text += data
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def links(self) -> list[str]:
        return [unquote(str(a["href"])) for a in self.of("a")]


def board(
    folder: Path,
    cells: list[Cell],
    exams: list[Exam] | None = None,
    *,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Page:
    """The page of a store that holds these."""
    store = Store(folder)
    heats: dict[str, list[Cell]] = {}
    for cell in cells:
        heats.setdefault(cell.record.heat_id, []).append(cell)
    for heat in heats.values():
        store.commit([(cell.record, cell.rows) for cell in heat])
    for record, rows in exams or []:
        store.commit([(record, rows)])
    write_all(store, out or folder, progress=progress)
    return Page(((out or folder) / "leaderboard.html").read_text("utf-8"))


def shown_of(table: pd.DataFrame, files: dict[str, tuple[str, ...]], folder: Path) -> Shown:
    """A board of decoders alone."""
    return Shown(
        decoders=table,
        students=pd.DataFrame(),
        cross=pd.DataFrame(),
        decoder_files=files,
        student_files={},
        manifests={},
        exams=(),
        progress=None,
        folder=folder,
    )


def browser() -> str:
    """The path of one."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)} is installed")
    return found


def probed(page: Path, script: str, *, waits: bool = False) -> Any:
    """What a script of the page says by `say(value)`, run behind the page's own.

    Args:
        page: a file; a copy beside it gets the script.
        script: of JavaScript.
        waits: whether it says so later; the browser's clock then runs ahead, so that nothing may be timed.
    """
    say = (
        "const say = (value) => { const out = document.createElement('pre'); out.id = 'probe';"
        "out.textContent = JSON.stringify(value); document.body.append(out); };"
    )
    copy = page.with_name(f"probed-{page.name}")
    source = page.read_text("utf-8").replace("</body>", f"<script>{say}\n{script}</script>\n</body>")
    copy.write_text(source, "utf-8")
    dom = browse(copy, "--dump-dom", *(["--virtual-time-budget=30000"] if waits else []))
    found = PROBE.search(dom)
    assert found is not None, dom[-2000:]
    return json.loads(html.unescape(found[1]))


def browse(page: Path, *arguments: str) -> str:
    """What a browser writes to its standard output."""
    command = [browser(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
    command += [f"--user-data-dir={page.parent / 'browser'}", *arguments, page.resolve().as_uri()]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
    assert answer.returncode == 0, answer.stderr[-2000:]
    return answer.stdout


def kept(folder: Path) -> Path:
    """Where screenshots go: `OFFBOOK_SCREENSHOTS`, or else the test's own folder."""
    place = Path(os.environ.get("OFFBOOK_SCREENSHOTS") or folder)
    place.mkdir(parents=True, exist_ok=True)
    return place


def axe() -> str:
    """The source of axe-core: `OFFBOOK_AXE`, or as npm has it here or for all."""
    places = [Path(os.environ["OFFBOOK_AXE"])] if "OFFBOOK_AXE" in os.environ else []
    places.append(ROOT / "node_modules" / "axe-core" / "axe.min.js")
    if (npm := shutil.which("npm")) is not None:
        answer = subprocess.run([npm, "root", "-g"], capture_output=True, text=True, check=False)
        places.append(Path(answer.stdout.strip()) / "axe-core" / "axe.min.js")
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        pytest.skip("no axe-core here: `npm install axe-core`, or name its axe.min.js in OFFBOOK_AXE")
    return found.read_text("utf-8").replace("</script", "<\\/script")


def many(make_heat: Callable[..., list[Cell]]) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]]]:
    """5,000 pooled rows over 20 suites each, of 100,000 records."""
    few = leaderboard(make_heat())
    pooled, alone = (few[(few["suite"] == "all") == whole].tail(1) for whole in (True, False))
    whole = pooled.loc[pooled.index.repeat(5_000)].reset_index(drop=True)
    whole = whole.assign(
        training_seed=[place // 10 for place in range(5_000)],
        student="mind",
        method="mind",
        decoder=[f"decoder{place % 10}" for place in range(5_000)],
        tokens_per_s=[float(place * 7919 % 5_003) for place in range(5_000)],
        key=[f"{place:064x}" for place in range(5_000)],
    )
    parts = whole.loc[whole.index.repeat(20)].reset_index(drop=True)
    names = {name: alone[name].iloc[0] for name in ("metric", "score", "n_suites")}
    parts = parts.assign(
        **names, suite=[f"suite{place % 20}" for place in range(100_000)], key=[f"r{p}" for p in range(100_000)]
    )
    files = {f"r{place}": (f"records/r{place}.json",) for place in range(100_000)}
    files |= {f"{p:064x}": tuple(f"records/r{20 * p + k}.json" for k in range(20)) for p in range(5_000)}
    return pd.concat([whole, parts], ignore_index=True), files
