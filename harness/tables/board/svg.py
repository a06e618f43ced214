"""Elements of SVG: text is escaped, numbers are short."""

import re
from collections.abc import Iterable

from markupsafe import Markup

_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what no XML may hold


def element(name: str, *content: str, **attributes: str | float) -> Markup:
    """One element.

    Args:
        name: of it.
        content: elements, and text that is escaped.
        attributes: by name; an underscore is a hyphen, one at the end is dropped, for words that Python has taken.
    """
    told = [
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _value(value)) for key, value in attributes.items()
    ]
    return Markup("<{0}{1}>{2}</{0}>").format(name, joined(told), joined(content))


def joined(parts: Iterable[str]) -> Markup:
    """Elements and texts behind each other."""
    return Markup("").join(part if isinstance(part, Markup) else clean(part) for part in parts)


def write(x: float, y: float, said: str, class_: str = "label", *, anchor: str = "start") -> Markup:
    """A line of text; `anchor` is the end of it that stands at x: start, middle or end."""
    return element("text", said, x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def dot(x: float, y: float, class_: str, *, tip: str = "", radius: float = 3.5) -> Markup:
    """A point; who rests on it reads `tip`."""
    return element("circle", *([element("title", tip)] if tip else []), cx=x, cy=y, r=radius, class_=class_)


def path(points: Iterable[tuple[float, float]], class_: str) -> Markup:
    """Straight lines from point to point."""
    told = " ".join(f"{short(x)},{short(y)}" for x, y in points)
    return element("polyline", points=told, class_=class_)


def shortened(text: str, most: int) -> str:
    """Text of at most so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def short(value: float) -> str:
    """A coordinate, to a tenth of a unit."""
    return f"{value:.1f}".removesuffix(".0")


def clean(text: str) -> str:
    """Text without the characters that no page may hold."""
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)


def _value(value: str | float) -> str:
    return clean(value) if isinstance(value, str) else short(value)
