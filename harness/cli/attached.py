"""A worker that an executor has started: tells its progress as JSON lines, and ends when the executor does.

The executor holds the other end of standard input and writes nothing; that it closes is the news that nobody waits.
"""

import json
import os
import signal
import sys
import threading
from typing import Any, Self


class Attached:
    """A `Progress` that writes to standard output; see the module."""

    def __enter__(self) -> Self:
        threading.Thread(target=_watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def say(self, line: str) -> None:
        """See `Progress`."""
        self._write({"say": line})

    def update(self, done: int, total: int, message: str) -> None:
        """See `Progress`."""
        self._write({"done": done, "total": total, "message": message})

    def _write(self, what: dict[str, Any]) -> None:
        print(json.dumps(what), flush=True)


def _watch() -> None:
    while os.read(sys.__stdin__.fileno() if sys.__stdin__ else 0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
