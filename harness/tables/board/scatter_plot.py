"""Points with the intervals of both numbers; the best of them joined, and named below by letters."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from offbook.harness.tables.board.axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, axes
from offbook.harness.tables.board.plot import LINE, Plot
from offbook.harness.tables.board.scales import Scale
from offbook.harness.tables.board.svg import dot, joined, line, path, shortened, write
from offbook.harness.tables.markdown import number

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LONGEST = 58
Span = tuple[float, float]
NONE: Span = (math.nan, math.nan)


@dataclass(frozen=True, kw_only=True)
class Point:
    """Somebody's two numbers with their intervals; `open_` where it is to be taken with care."""

    label: str
    x: float
    y: float
    x_span: Span = NONE
    y_span: Span = NONE
    open_: bool = False


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A number of an axis that has a name, such as what no machine passes."""

    label: str
    at: float


def frontier(points: Sequence[Point]) -> list[Point]:
    """Those of which no other is at least as good in both numbers and better in one, x rising."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (-p.x, -p.y)):
        if not best or point.y > best[-1].y:
            best.append(point)
    return best[::-1]


def scatter_plot(
    points: Sequence[Point],
    *,
    name: str,
    title: str,
    x_name: str,
    y_name: str,
    caption: Sequence[str],
    named: Sequence[Point],
    joins: bool = False,
    x_limits: Sequence[Limit] = (),
    y_limits: Sequence[Limit] = (),
    digits: tuple[int, int] = (1, 2),
) -> Plot:
    """The picture.

    Args:
        points: all.
        name: of the picture.
        title: likewise.
        x_name: of the axis.
        y_name: likewise.
        caption: method and n.
        named: who is named below it by a letter; the first 26 are.
        joins: whether a line of steps goes through these, under which all others lie.
        x_limits: lines across the x axis.
        y_limits: likewise.
        digits: of the numbers on x and y in words.
    """
    xs = [value for p in points for value in (p.x, *p.x_span)] + [limit.at for limit in x_limits]
    ys = [value for p in points for value in (p.y, *p.y_span)] + [limit.at for limit in y_limits]
    x, y = Scale.over(xs, start=LEFT, end=RIGHT), Scale.over(ys, start=BOTTOM, end=TOP)
    parts = [axes(x, y, x_name, y_name)]
    parts += [line(x(limit.at), TOP, x(limit.at), BOTTOM, "reference") for limit in x_limits]
    parts += [line(LEFT, y(limit.at), RIGHT, y(limit.at), "reference") for limit in y_limits]
    if joins:
        parts.append(path(_steps([(x(p.x), y(p.y)) for p in named]), "frontier"))
    for point in points:
        parts += _whiskers(point, x, y)
        parts.append(
            dot(
                x(point.x),
                y(point.y),
                "point open" if point.open_ else "point",
                tip=_said(point, x_name, y_name, digits),
            )
        )
    key = []
    for letter, point in zip(LETTERS, named, strict=False):
        parts.append(write(x(point.x) + 5, y(point.y) - 5, letter, "letter"))
        key.append(f"{letter} {_said(point, x_name, y_name, digits)}")
    key += [f"dashed: {limit.label}" for limit in (*x_limits, *y_limits) if limit.label]
    for place, said in enumerate(key):
        parts.append(write(4, HEIGHT + LINE * (place + 0.6), shortened(said, LONGEST), "note"))
    return Plot(
        name=name,
        title=title,
        told="; ".join(_said(point, x_name, y_name, digits) for point in points),
        caption=tuple(caption),
        height=HEIGHT + LINE * len(key) + 6,
        drawn=joined(parts),
    )


def _steps(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The edge of what these leave to others."""
    edge: list[tuple[float, float]] = []
    for (x, y), (_, following) in zip(places, [*places[1:], (0.0, BOTTOM)], strict=True):
        edge += [(x, y), (x, following)]
    return [(LEFT, places[0][1]), *edge] if places else []


def _whiskers(point: Point, x: Scale, y: Scale) -> list[Markup]:
    (left, right), (low, high) = point.x_span, point.y_span
    across = [line(x(left), y(point.y), x(right), y(point.y), "whisker")] if math.isfinite(left + right) else []
    along = [line(x(point.x), y(low), x(point.x), y(high), "whisker")] if math.isfinite(low + high) else []
    return [*across, *along]


def _said(point: Point, x_name: str, y_name: str, digits: tuple[int, int]) -> str:
    return f"{point.label}: {number(point.x, digits[0])} {x_name}, {number(point.y, digits[1])} {y_name}"
