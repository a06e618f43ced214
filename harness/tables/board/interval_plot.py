"""Intervals below each other: a contender a line, with its bar, its point and, where it has one, its mark."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from offbook.harness.tables.board.plot import WIDTH, Plot
from offbook.harness.tables.board.scales import Scale
from offbook.harness.tables.board.svg import dot, element, joined, line, shortened, write
from offbook.harness.tables.markdown import number

MOST = 40  # lines of a picture
LONGEST = 40  # characters of a name
EACH, BELOW, EDGE = 30.0, 22.0, 12.0


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A line: a number with its interval, nan where there is none, and a mark to hold it against."""

    label: str
    value: float
    low: float = math.nan
    high: float = math.nan
    mark: float = math.nan

    @property
    def has_interval(self) -> bool:
        """Whether the data could give one."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def includes(self, value: float) -> bool:
        """Whether the interval does."""
        return self.low <= value <= self.high

    def said(self, digits: int) -> str:
        """As tables write it."""
        text = number(self.value, digits)
        return f"{text} [{number(self.low, digits)}, {number(self.high, digits)}]" if self.has_interval else text


def interval_plot(
    bars: Sequence[Bar], *, name: str, title: str, at: float, caption: Sequence[str], digits: int = 2
) -> Plot:
    """The picture.

    Args:
        bars: in order; those behind the first `MOST` are only counted.
        name: of the picture.
        title: likewise.
        at: what stands for no effect, a line through all of them.
        caption: the quantity, the method, and n.
        digits: of the numbers.
    """
    shown, bottom = bars[:MOST], EACH * min(len(bars), MOST) + 6
    ends = [value for bar in shown for value in (bar.value, bar.low, bar.high, bar.mark)]
    x = Scale.over([at, *ends], start=EDGE, end=WIDTH - EDGE)
    parts = [line(x(at), 0, x(at), bottom, "reference")]
    for value in x.ticks():
        parts += [
            line(x(value), 0, x(value), bottom, "grid"),
            write(x(value), bottom + 14, f"{value:g}", "tick", anchor="middle"),
        ]
    for place, bar in enumerate(shown):
        y = EACH * place + 21
        parts.append(
            element("text", element("title", bar.label), shortened(bar.label, LONGEST), x=4, y=y - 9, class_="label")
        )
        parts.append(write(WIDTH - 4, y - 9, bar.said(digits), "value", anchor="end"))
        if bar.has_interval:
            parts.append(line(x(bar.low), y, x(bar.high), y, "bar"))
        if math.isfinite(bar.mark):
            parts.append(line(x(bar.mark), y - 6, x(bar.mark), y + 6, "mark"))
        if math.isfinite(bar.value):
            parts.append(dot(x(bar.value), y, "point", tip=f"{bar.label}: {bar.said(digits)}"))
    notes = [*caption, *_evidence(bars, at)]
    if len(bars) > MOST:
        notes.append(f"{MOST} of {len(bars)} are drawn; the table has all.")
    return Plot(
        name=name,
        title=title,
        told="; ".join(f"{bar.label}: {bar.said(digits)}" for bar in shown),
        caption=tuple(notes),
        height=bottom + BELOW,
        drawn=joined(parts),
    )


def _evidence(bars: Sequence[Bar], at: float) -> list[str]:
    """A warning where no interval says that anybody is on one side."""
    known = [bar for bar in bars if bar.has_interval]
    if not known:
        return ["There are no intervals: the order is no evidence."]
    if all(bar.includes(at) for bar in known):
        return [f"These intervals all include {at:g}: the order is no evidence."]
    return []
