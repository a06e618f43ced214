"""Paths as people write them. Every path from outside, on the command line or in a file, goes through here."""

import os
from pathlib import Path


def user_path(text: str | os.PathLike[str], *, what: str = "the path") -> Path:
    """A path, with `~` for the user's home.

    Args:
        text: as it was written.
        what: where it stands, for the complaint.

    Raises:
        ValueError: nobody's home, or a character that no path has.
    """
    path = Path(text)
    if not str(path).isprintable():  # a NUL ends in tracebacks, the others lie to who reads them
        msg = f"{what}: expected a path of printable characters, got {str(path)!r:.80}; choose another"
        raise ValueError(msg)
    try:
        return path.expanduser()
    except RuntimeError as error:
        msg = f"{what}: expected a home folder for {path.parts[0]!r:.80}, found no such user; write the folder out"
        raise ValueError(msg) from error
