"""The rows of the bench as a picture: a line a case and a mark a provider, newest measurements, machine by machine.

It is SVG, written out: where kernels are tried on a GPU nothing is installed that draws. A mark tells its name and its
numbers where a pointer rests on it.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from offbook.kernels.timing.rows import Row
from offbook.kernels.timing.table import by_machine, time_told

WIDTH, EDGE, LEFT, RIGHT = 1_200, 20, 620, 1_150  # of the picture and its margin; from where to where the scale goes
LINE, LETTER = 18, 6.5  # height of a line, width of a letter about
WIDE = 300  # times the smallest, above which only powers of ten are marked
FLOOR = "floor"
FIXED = {"offbook": "#000000", FLOOR: "#444444"}
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c6d1f", "#7f7f7f", "#5e3c99", "#b2182b")


class Mark(NamedTuple):
    """A measurement between what bounds it."""

    low: float
    middle: float
    high: float


Cases = dict[str, dict[str, Mark]]  # by case, then by provider


def picture(rows: Iterable[Row]) -> str:
    """The text of an SVG file; nothing but its frame where nothing was measured."""
    drawn: list[str] = []
    bottom = float(EDGE)
    for machine, found in by_machine(rows).items():
        where = f"{machine[0]}, torch {machine[1]}, Triton {machine[2]}, threads: {machine[3]}"
        panels: tuple[tuple[str, Cases, Callable[[float], str]], ...] = (
            ("time over that of another, median and 99 % interval", _ratios(found), _ratio_told),
            ("time of a call, median, 20 to 80 %; in a CUDA graph where there is one", _times(found), time_told),
        )
        for what, cases, told in panels:
            if cases:
                panel, bottom = _panel(f"{where}: {what}", cases, told, bottom)
                drawn += panel
    size = f'viewBox="0 0 {WIDTH} {bottom + EDGE}"'
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    return "\n".join([frame, f'<rect width="{WIDTH}" height="{bottom + EDGE}" fill="white"/>', *drawn, "</svg>", ""])


def _ratios(rows: Sequence[Row]) -> Cases:
    found: Cases = {}
    for row in rows:
        if row.mode == "paired" and row.ratio and row.low and row.high and math.isfinite(row.high):
            found.setdefault(_case(row), {})[f"over {row.against}"] = Mark(row.low, row.ratio, row.high)
    return found


def _times(rows: Sequence[Row]) -> Cases:
    found: Cases = {}
    for row in sorted(rows, key=lambda row: row.mode == "graph"):  # which takes the place of the eager one
        if row.mode != "paired" and row.op != "ceiling" and row.median_s and row.p20_s and row.p80_s:
            marks = found.setdefault(_case(row), {})
            marks[row.provider] = Mark(row.p20_s, row.median_s, row.p80_s)
            if row.floor_share:
                marks[FLOOR] = Mark(*[row.floor_share * row.median_s] * 3)
    return found


def _case(row: Row) -> str:
    return f"{row.op}: {row.shape}, {row.dtype}"


def _panel(title: str, cases: Cases, told: Callable[[float], str], top: float) -> tuple[list[str], float]:
    """A heading, a legend, a scale and the cases' lines; and where they end."""
    values = [value for marks in cases.values() for mark in marks.values() for value in mark]
    ticks = _ticks(min(values), max(values))
    first, last = math.log(ticks[0]), math.log(ticks[-1])

    def across(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * (math.log(value) - first) / (last - first)

    colours = _colours(provider for marks in cases.values() for provider in marks)
    drawn = [_text(EDGE, top + LINE, title, ' font-weight="bold"')]
    legend, y = _legend(colours, top + 2 * LINE)
    drawn += legend
    y += 1.5 * LINE
    bottom = y + LINE * (len(cases) + 0.5)
    for tick in ticks:
        drawn.append(_line(across(tick), y + 4, across(tick), bottom, "#dddddd", 1))
        drawn.append(_text(across(tick), y, told(tick), ' text-anchor="middle" font-size="10"'))
    for case, marks in cases.items():
        y += LINE
        drawn.append(_text(LEFT - 10, y + 4, case, ' text-anchor="end" font-size="11"'))
        for provider, mark in marks.items():
            said = f"{case}, {provider}: {told(mark.middle)}, {told(mark.low)} to {told(mark.high)}"
            places = [across(value) for value in mark]
            drawn += [f"<g><title>{escape(said)}</title>", *_mark(provider, colours[provider], places, y), "</g>"]
    return drawn, bottom + LINE


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from the last that is not above `low` to the first that is not below `high`; two at least."""
    digits = (1, 2, 5) if high < WIDE * low else (1,)
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    round_numbers = [digit * 10.0**power for power in powers for digit in digits]
    first = max(place for place, number in enumerate(round_numbers) if number <= low)
    last = min(place for place, number in enumerate(round_numbers) if number >= high)
    return round_numbers[first : max(last, first + 1) + 1]


def _colours(providers: Iterable[str]) -> dict[str, str]:
    """Of each provider, in the order in which they are met."""
    others = itertools.cycle(COLOURS)
    return {name: FIXED.get(name) or next(others) for name in dict.fromkeys(providers)}


def _legend(colours: dict[str, str], y: float) -> tuple[list[str], float]:
    drawn: list[str] = []
    x = float(EDGE)
    for provider, colour in colours.items():
        width = 26 + LETTER * len(provider)
        if x + width > WIDTH - EDGE and x > EDGE:
            x, y = float(EDGE), y + LINE
        drawn += [*_mark(provider, colour, [x, x + 5, x + 10], y - 4), _text(x + 15, y, provider)]
        x += width
    return drawn, y


def _mark(provider: str, colour: str, places: Sequence[float], y: float) -> Iterator[str]:
    low, middle, high = places
    if provider == FLOOR:
        yield _line(middle, y - 6, middle, y + 6, colour, 2)
        return
    yield _line(low, y, high, y, colour, 2)
    yield f'<circle cx="{middle:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'


def _line(x: float, y: float, to_x: float, to_y: float, colour: str, width: int) -> str:
    ends = f'x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(words)}</text>'


def _ratio_told(ratio: float) -> str:
    return f"{ratio:.3g}"
