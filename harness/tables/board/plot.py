"""A picture: in a page it takes the page's colours, as a file it brings its own.

All are 360 units wide, so that text of 11 units can be read on a telephone; a wide page has several in a row.
"""

import textwrap
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from offbook.harness.tables.board.svg import element, write

WIDTH = 360.0
FOLDER = Path(__file__).resolve().parent
SERIES = 8  # kinds of line and colour that can be told apart
LINE = 15.0  # between lines of text


@dataclass(frozen=True, kw_only=True)
class Plot:
    """See the module.

    Attributes:
        name: of its file, and of its place in a page: letters, digits and hyphens.
        title: what it shows.
        told: the same in words, for who does not see it.
        caption: sentences below it: method, n, and what it does not say.
        height: in units.
        drawn: its elements.
    """

    name: str
    title: str
    told: str
    caption: tuple[str, ...]
    height: float
    drawn: Markup

    def inline(self) -> Markup:
        """For a page, which styles it."""
        return element("svg", *self._words(), self.drawn, **self._shape(self.height), class_="plot")

    def standalone(self) -> str:
        """A file of its own, in light or dark as whoever shows it is."""
        titles, notes = textwrap.wrap(self.title, 40), textwrap.wrap(" ".join(self.caption), 62)
        top = LINE * len(titles) + 8
        height = top + self.height + LINE * len(notes) + 8
        style = Markup((FOLDER / "theme.css").read_text("utf-8") + (FOLDER / "plot.css").read_text("utf-8"))
        parts = (
            *self._words(),
            element("style", style),
            element("rect", width=WIDTH, height=height, class_="paper"),
            *(write(8, LINE * (i + 1), said, "heading") for i, said in enumerate(titles)),
            element("g", self.drawn, transform=f"translate(0,{top:g})"),
            *(write(8, top + self.height + LINE * (i + 0.7), said, "note") for i, said in enumerate(notes)),
        )
        size = {"width": 2 * WIDTH, "height": 2 * height}
        return f"{element('svg', *parts, xmlns='http://www.w3.org/2000/svg', **self._shape(height), **size)}\n"

    def _words(self) -> tuple[Markup, Markup]:
        return (
            element("title", self.title, id=f"{self.name}-title"),
            element("desc", self.told, id=f"{self.name}-told"),
        )

    def _shape(self, height: float) -> dict[str, str]:
        return {
            "role": "img",
            "aria_labelledby": f"{self.name}-title {self.name}-told",
            "viewBox": f"0 0 {WIDTH:g} {height:g}",
        }
