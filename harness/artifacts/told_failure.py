"""Why one of several processes of a training stopped, told to who started them: the launcher passes on a number only.

<folder>/<rank>.json    {"message", "path" of what cannot be used, or null}
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from offbook.engine.files import atomic_write_text
from offbook.engine.unusable import UnusableError

FOLDER = "OFFBOOK_TOLD_FAILURES"  # in the environment of the processes


@contextlib.contextmanager
def telling() -> Iterator[None]:
    """What is refused inside is told to whoever started this process; where nobody asked for that, it is raised."""
    try:
        yield
    except ValueError as error:
        if not (folder := os.environ.get(FOLDER)):
            raise
        told = {"message": str(error), "path": str(error.path) if isinstance(error, UnusableError) else None}
        atomic_write_text(Path(folder) / f"{os.environ.get('RANK', '0')}.json", json.dumps(told))
        raise SystemExit(2) from error


def told_failure(folder: Path) -> ValueError | None:
    """What the first process that told something was refused for, as it would have been raised here."""
    for path in sorted(folder.glob("[0-9]*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        return (
            ValueError(told["message"]) if told["path"] is None else UnusableError(told["message"], Path(told["path"]))
        )
    return None
