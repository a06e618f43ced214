"""Writes leaderboard.html, and its pictures as files.

The page carries its own style and script, and a policy that lets a browser fetch nothing else; text of records is
escaped wherever it stands.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from offbook.engine.files import atomic_write_text
from offbook.harness.tables.board.decoder_faces import RECORDS, records_table
from offbook.harness.tables.board.sections import Section, Shown, plots, sections
from offbook.harness.tables.board.svg import clean
from offbook.harness.tables.csv_file import csv_text

FOLDER = Path(__file__).resolve().parent
PAGE = "leaderboard.html"
PICTURES = "plots"
_MARKS = ((r"`([^`]+)`", "code"), (r"\*\*([^*]+)\*\*", "strong"), (r"\*([^*]+)\*", "em"))


def write_board(folder: Path, shown: Shown) -> None:
    """Writes the page, and the list of records behind its rows where it cannot link them all; each in one step."""
    found = sections(shown)
    if needs_list(found):
        atomic_write_text(folder / RECORDS, csv_text(records_table(shown.decoders, shown.decoder_files)))
    atomic_write_text(folder / PAGE, render(found))


def write_pictures(folder: Path, shown: Shown) -> list[Path]:
    """Writes every picture of the page as a file of its own, and says where they are."""
    paths = []
    for plot in plots(shown):
        paths.append(folder / PICTURES / f"{plot.name}.svg")
        atomic_write_text(paths[-1], plot.standalone())
    return paths


def render(found: Sequence[Section]) -> str:
    """The page of these sections."""
    page = _template().render(
        sections=found,
        style=_own("theme.css", "plot.css", "page.css"),
        script=_own("page.js"),
        told=told,
    )
    return clean(page)


def told(text: str) -> Markup:
    """A text of ours as HTML: escaped, then with its code, bold and emphasis."""
    html = str(escape(clean(" ".join(text.split()))))
    for mark, name in _MARKS:
        html = re.sub(mark, rf"<{name}>\1</{name}>", html)
    return Markup(html)


def needs_list(found: Iterable[Section]) -> bool:
    """Whether a table links the list of records in place of these."""
    links = (link for section in found for face in section.faces for row in face.links for link in row)
    return any(link.path == RECORDS for link in links)


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(PAGE)


def _own(*names: str) -> Markup:
    """Files of ours as they are."""
    return Markup("\n".join((FOLDER / name).read_text("utf-8") for name in names))
