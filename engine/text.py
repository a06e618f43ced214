"""Text that people write: read from a file as UTF-8, and as JSON within bounds. Every reader of theirs is this one.

A byte order mark is dropped. UTF-16, UTF-32, Latin-1 and binary files are refused by name, never guessed at. JSON has
each key once, finite numbers, whole characters and at most `MAX_DEPTH` levels of nesting: what a later step would trip
over is told here, in one line that says where it stands.
"""

import codecs
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

MAX_BYTES = 2**28  # of a file: fifty times the largest corpus known
MAX_LINE = 2**24  # characters of a line of JSON Lines
MAX_DEPTH = 64

_MARKS = (  # UTF-32 first: its little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def read_text(
    path: Path, *, what: str = "a text file", max_bytes: int = MAX_BYTES, remedy: str = "re-encode it as UTF-8"
) -> str:
    """The text of a file, line ends as they are in it.

    Args:
        path: the file.
        what: what it should be, for the complaint.
        max_bytes: how large it may be.
        remedy: what to do about one that is no UTF-8.

    Raises:
        ValueError: it is not there, cannot be read, is too large or no UTF-8; one line that names it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = "no such file" if isinstance(error, FileNotFoundError) else getattr(error, "strerror", None) or error
        msg = f"{path}: expected {what}, got {reason}; check the path"
        raise ValueError(msg) from error
    if len(data) > max_bytes:
        msg = f"{path}: expected at most {max_bytes} bytes, got more; is it {what}?"
        raise ValueError(msg)
    return decode(data, source=str(path), remedy=remedy)


def decode(data: bytes, *, source: str, remedy: str = "re-encode it as UTF-8") -> str:
    """Bytes as UTF-8 text, without the byte order mark.

    Raises:
        ValueError: another encoding, or no text.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            _refuse_encoding(source, name, remedy)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        _refuse_encoding(
            source, f"byte {data[error.start]:#04x} in line {line}, as in Latin-1 or a binary file", remedy
        )
    if "\0" in text:
        _refuse_encoding(source, "a NUL character, as in UTF-16 or a binary file", remedy)
    return text


def read_json(path: Path, *, what: str, remedy: str) -> Any:
    """A file that holds one JSON value.

    Raises:
        ValueError: as `read_text` and `parse_json`.
    """
    return parse_json(read_text(path, what=what, remedy=remedy), source=str(path), remedy=remedy)


def read_json_lines(
    path: Path, *, what: str, remedy: str = "mend the line or leave it out"
) -> Iterator[tuple[str, Any]]:
    """The values of a file in JSON Lines, each with its place for complaints ("file.jsonl, line 3"); empty lines count.

    Raises:
        ValueError: as `read_text` and `parse_json`.
    """
    for number, line in enumerate(read_text(path, what=what).split("\n"), start=1):  # a text may hold U+2028
        if line.strip():
            where = f"{path}, line {number}"
            if len(line) > MAX_LINE:
                msg = f"{where}: expected at most {MAX_LINE} characters, got {len(line)}; {remedy}"
                raise ValueError(msg)
            yield where, parse_json(line, source=where, remedy=remedy)


def parse_json(text: str, *, source: str, remedy: str) -> Any:
    """JSON text as plain data.

    Raises:
        ValueError: no JSON, or none within the bounds above; one line that begins with `source` and ends with `remedy`.
    """
    problem = None
    try:
        value = json.loads(text, object_pairs_hook=_without_repetition, parse_constant=_not_finite)
        problem = _problem(value)
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at character {error.pos + 1}"
    except ValueError as error:  # a number of thousands of digits, and our own complaints
        problem = str(error).split(";")[0]
    except RecursionError:
        problem = f"more than {MAX_DEPTH} levels of nesting"
    if problem is not None:
        msg = f"{source}: expected JSON, got {problem}; {remedy}"
        raise ValueError(msg)
    return value


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        msg = f"the key {repeated!r:.80} twice"
        raise ValueError(msg)
    return found


def _not_finite(constant: str) -> NoReturn:
    msg = f"the number {constant}, which is not finite"
    raise ValueError(msg)


def _problem(value: Any) -> str | None:
    """What a later step would trip over, level by level."""
    level, depth = [value], 0
    while level:
        depth += any(isinstance(item, dict | list) for item in level)
        if depth > MAX_DEPTH:
            return f"more than {MAX_DEPTH} levels of nesting"
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str) and not _is_whole(item):
                return "half a surrogate pair, which is no character"
            elif isinstance(item, float) and item in (float("inf"), float("-inf")):
                return "a number that is not finite"
        level = below
    return None


def _is_whole(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refuse_encoding(source: str, found: str, remedy: str) -> NoReturn:
    msg = f"{source}: expected UTF-8 text, got {found}; {remedy}"
    raise ValueError(msg)
