"""Markdown that holds other people's text: escaped cells, numbers with intervals, and blocks inside a README."""

import functools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from offbook.engine.files import atomic_write_text
from offbook.engine.text import read_text

UNKNOWN = "-"
OUTSIDE = "runs the model in another program, so that its forwards cannot be counted from here and are as it tells them"
LOSSY = "says above temperature 0 what its target would not, by design: its speed is that of another text"
_SPECIAL = (("|", "\\|"), ("`", "\\`"), ("[", "\\["), ("]", "\\]"), ("<", "&lt;"), (">", "&gt;"))


def markdown_table(columns: Mapping[str, Sequence[str]]) -> str:
    """A pipe table as tabulate writes it, in a tenth of the time; columns of cells by heading."""
    if not any(columns.values()):
        return ""
    stripped = [(heading, [cell.strip() for cell in cells]) for heading, cells in columns.items()]
    widths = [max(len(heading) + 2, *map(len, cells)) for heading, cells in stripped]
    padded = [
        [text.ljust(width) for text in (heading, *cells)]
        for width, (heading, cells) in zip(widths, stripped, strict=True)
    ]
    head, *rows = (f"| {' | '.join(row)} |" for row in zip(*padded, strict=True))
    return "\n".join((head, f"|{'|'.join(':' + '-' * (width + 1) for width in widths)}|", *rows))


@functools.lru_cache(maxsize=4096)
def escape(text: str) -> str:
    """Text that stays inside its table cell and starts no markup, link or image."""
    text = re.sub(r"\s+", " ", text).replace("\\", "\\\\")
    for character, instead in _SPECIAL:
        text = text.replace(character, instead)
    return text


def machines_below(machines: Sequence[str], verb: str = "Measured on") -> list[str]:
    """The paragraph that stands below a table: on which machines (`provenance.machine_lines`); none where none is."""
    return [" ".join(f"{verb}: {escape(machine)}." for machine in machines)] if machines else []


def number(value: float, digits: int, *, sign: str = "") -> str:
    """A rounded number; a hyphen for unknown."""
    return UNKNOWN if math.isnan(value) else f"{value:{sign}.{digits}f}"


def numbers(values: Iterable[float], digits: int, *, sign: str = "") -> list[str]:
    """Rounded numbers; a hyphen for unknown."""
    rounded = f"{{:{sign}.{digits}f}}".format
    return [UNKNOWN if math.isnan(value) else rounded(value) for value in values]


def reasons(manifests: Sequence[Mapping[str, Any]]) -> list[str]:
    """What `remarks` says, as Markdown."""
    return [*map(escape, remarks(manifests))]


def remarks(manifests: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each reason why a suite was not scored right or wrong, or somebody cannot be trusted or counted.

    Of an exam these stand in its manifest, of a heat in the part that tells of the heat.
    """
    found: set[str] = set()
    for manifest in manifests:
        why = manifest.get("not_scored")
        found |= {f"Not scored right or wrong: {suite}: {reason}." for suite, reason in why.items()} if why else set()
        heat = manifest.get("heat")
        for part in (manifest, heat if isinstance(heat, dict) else {}):
            found |= {f"Not to be trusted: {who} {what}." for who, what in (part.get("found") or {}).items()}
            found |= {f"Not counted: {who} {OUTSIDE}." for who in part.get("outside") or ()}
            found |= {f"Lossy: {who} {LOSSY}." for who in part.get("lossy") or ()}
            nobody_knows = part.get("training_unknown") or ()
            found |= {f"Training data unknown: {who} does not say what it was trained on." for who in nobody_knows}
    return sorted(found)


def share(value: float) -> str:
    """A share as whole percent; a hyphen for unknown."""
    return "-" if math.isnan(value) else f"{100 * value:.0f} %"


def count(value: float) -> str:
    """1.2M, 34k or 560; a hyphen for unknown."""
    if math.isnan(value):
        return "-"
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.1f}{unit}"
    return f"{value:.0f}"


def replace_block(path: Path, name: str, content: str) -> None:
    """Puts `content` between `<!-- name -->`, or `<!-- name: a, b -->`, and `<!-- /name -->` in a file.

    Raises:
        ValueError: the file has not exactly one such block.
    """
    text, block = _block(path, name)
    inside = f"{block['begin']}\n{content}\n{block['end']}"
    atomic_write_text(path, text[: block.start()] + inside + text[block.end() :])


def names_of_block(path: Path, name: str) -> tuple[str, ...]:
    """What stands behind a block's own name: `a` and `b` of `<!-- name: a, b -->`.

    Raises:
        ValueError: the file has not exactly one such block.
    """
    _, block = _block(path, name)
    return tuple(named for part in (block["names"] or "").split(",") if (named := part.strip()))


def _block(path: Path, name: str) -> tuple[str, re.Match[str]]:
    """A file's text, and where its block is in it."""
    text = read_text(path, what="a text with tables")
    begin, end = rf"<!-- {re.escape(name)}(?:: (?P<names>[^<>]*))? -->", f"<!-- /{re.escape(name)} -->"
    found = [*re.finditer(rf"(?P<begin>{begin}).*?(?P<end>{end})", text, re.DOTALL)]
    if len(found) != 1:
        message = (
            f"{path.name}: expected one block from <!-- {name} --> to <!-- /{name} -->, got {len(found)}; "
            "add the two comments where the table belongs"
        )
        raise ValueError(message)
    return text, found[0]
