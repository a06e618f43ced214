"""Files to which long runs append what they found, a line of JSON each; several may append to one side by side.

Of a line that was cut off while it was written only the last can be torn: it is left out, and gone with the next one.
"""

import fcntl
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Line = dict[str, Any]


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Adds a line behind the last one that is whole; whoever else adds one meanwhile waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
        file.write(json.dumps(line).encode() + b"\n")


def read(path: Path) -> list[Line]:
    """All lines that are whole; none where there is no file.

    Raises:
        ValueError: a damaged line that is not the last.
    """
    if not path.is_file():
        return []
    lines: list[Line] = []
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):  # behind the last feed is what is torn
        try:
            lines.append(json.loads(line))
        except ValueError as error:
            msg = f"{path}: expected a line of JSON, got a damaged line {number}; restore it or delete the line"
            raise ValueError(msg) from error
    return lines
