"""Curves over one axis, each with its own colour and dashes, named below."""

import math
from collections.abc import Mapping, Sequence

from offbook.harness.tables.board.axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, axes
from offbook.harness.tables.board.plot import LINE, SERIES, Plot
from offbook.harness.tables.board.scales import Scale
from offbook.harness.tables.board.svg import dot, joined, line, path, shortened, write

LONGEST = 54
Curve = Sequence[tuple[float, float]]


def line_plot(
    curves: Mapping[str, Curve],
    *,
    name: str,
    title: str,
    x_name: str,
    y_name: str,
    caption: Sequence[str],
    y_with: Sequence[float] = (),
    doubling: bool = False,
) -> Plot:
    """The picture; of more than `SERIES` curves the first are drawn, and the caption says so.

    Args:
        curves: points by whose they are; unknown numbers are left out.
        name: of the picture.
        title: likewise.
        x_name: of the axis.
        y_name: likewise.
        caption: method and n.
        y_with: numbers that the y axis holds whatever the points are.
        doubling: whether equal ways on x are equal ratios; its numbers are above 0 then.
    """
    known = {whose: [(x, y) for x, y in curve if math.isfinite(x + y)] for whose, curve in curves.items()}
    known = {whose: curve for whose, curve in known.items() if curve}
    drawn = dict(list(known.items())[:SERIES])
    xs = [x for curve in drawn.values() for x, _ in curve]
    ys = [*y_with, *(y for curve in drawn.values() for _, y in curve)]
    y_scale = Scale.over(ys, start=BOTTOM, end=TOP)
    x_scale = Scale.over(xs, start=LEFT, end=RIGHT)
    if doubling and xs and min(xs) < max(xs):
        x_scale = Scale(low=min(xs), high=max(xs), start=LEFT + 6, end=RIGHT - 6, doubling=True)
    parts = [axes(x_scale, y_scale, x_name, y_name, most=7)]
    for place, (whose, curve) in enumerate(drawn.items()):
        places = [(x_scale(x), y_scale(y)) for x, y in curve]
        parts.append(path(places, f"curve series{place}"))
        parts += [
            dot(at, up, f"dot series{place}", tip=f"{whose}: {y:.3g} at {x:g}", radius=2.5)
            for (at, up), (x, y) in zip(places, curve, strict=True)
        ]
        below = HEIGHT + LINE * place
        parts.append(line(4, below + 5, 26, below + 5, f"curve series{place}"))
        parts.append(write(32, below + 9, shortened(whose, LONGEST), "note"))
    rest = len(known) - len(drawn)
    return Plot(
        name=name,
        title=title,
        told="; ".join(
            f"{whose}: {', '.join(f'{y:.3g} at {x:g}' for x, y in curve)}" for whose, curve in drawn.items()
        ),
        caption=(*caption, *([f"{len(drawn)} of {len(known)} are drawn; the table has all."] if rest else [])),
        height=HEIGHT + LINE * len(drawn) + 6,
        drawn=joined(parts),
    )
