"""Axes of a picture with two: grid, numbers, and what they are."""

from markupsafe import Markup

from offbook.harness.tables.board.scales import Scale
from offbook.harness.tables.board.svg import joined, line, write

LEFT, RIGHT, TOP, BOTTOM = 40.0, 350.0, 24.0, 220.0
HEIGHT = BOTTOM + 36  # the numbers and the name of the x axis below


def axes(x: Scale, y: Scale, x_name: str, y_name: str, *, most: int = 5) -> Markup:
    """Grid and numbers of both; the name of the y axis stands above it."""
    parts = [write(4, 12, y_name, "note"), write(RIGHT, BOTTOM + 29, x_name, "note", anchor="end")]
    for value in x.ticks(most):
        parts.append(line(x(value), TOP, x(value), BOTTOM, "grid"))
        parts.append(write(x(value), BOTTOM + 15, f"{value:g}", "tick", anchor="middle"))
    for value in y.ticks(most):
        parts.append(line(LEFT, y(value), RIGHT, y(value), "grid"))
        parts.append(write(LEFT - 4, y(value) + 4, f"{value:g}", "tick", anchor="end"))
    parts.append(line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis"))
    return joined(parts)
