"""Paths as people write them. Every path from outside, on the command line or in a file, goes through here."""

import os
from pathlib import Path

from offbook.engine.quoting import quoted, quoted_path


def user_path(text: str | os.PathLike[str], *, what: str = "the path") -> Path:
    """A path, with `~` for the user's home.

    Args:
        text: as it was written.
        what: where it stands, for the complaint.

    Raises:
        ValueError: an empty text, nobody's home, or a character that no path has.
        TypeError: no path at all.
    """
    if not isinstance(text, str | os.PathLike):
        msg = f"{what}: expected a path, got {quoted(text)}; write it as a text"
        raise TypeError(msg)
    if not os.fspath(text):
        msg = f"{what}: expected a path, got an empty text, which would be the current folder; write . for that one"
        raise ValueError(msg)
    path = Path(text)
    if not str(path).isprintable():  # a NUL ends in tracebacks, the others lie to who reads them
        msg = f"{what}: expected a path of printable characters, got {quoted_path(path)}; choose another"
        raise ValueError(msg)
    try:
        return path.expanduser()
    except RuntimeError as error:
        msg = f"{what}: expected a home folder for {quoted(path.parts[0])}, found no such user; write the folder out"
        raise ValueError(msg) from error
