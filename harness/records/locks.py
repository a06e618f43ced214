"""Folders that one process at a time works in: a second one waits, and says for whom.

<folder>/.working        held by the operating system for as long as the process lives
<folder>/.working-who    who that is, for people
"""

import contextlib
import json
import os
import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from offbook.engine.files import atomic_write_bytes, writing

LOCK, HOLDER = ".working", ".working-who"


@contextlib.contextmanager
def locked(folder: Path, what: str, say: Callable[[str], object]) -> Iterator[None]:
    """Holds a folder, which is made if need be, as soon as no other process does.

    Args:
        folder: to hold.
        what: is done there, for whoever waits.
        say: is told, once, who is waited for.

    Raises:
        OSError: the folder cannot be made or written.
    """
    from filelock import FileLock, Timeout  # imported late: who only asks who works there needs none

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"{folder}: waiting for {holder(folder)}")
            lock.acquire()
        _say_who(folder, what)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def worker(folder: Path) -> str | None:
    """Who works in a folder, for people; None where nobody does, or who did is gone. Nothing is locked for the look.

    Of another machine only what it left is known, so that a process which was killed there counts as at work.
    """
    try:
        found = json.loads((folder / HOLDER).read_bytes())
        if found["host"] == platform.node():
            os.kill(int(found["pid"]), 0)
    except PermissionError:  # somebody else's process, and so there
        pass
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return holder(folder)


def holder(folder: Path) -> str:
    """Who holds a folder, for people; "another process" where that is not known."""
    try:
        found = json.loads((folder / HOLDER).read_bytes())
        return f"process {found['pid']} on {found['host']}, which does a {found['what']} there since {found['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _say_who(folder: Path, what: str) -> None:
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    text = json.dumps({"pid": os.getpid(), "host": platform.node(), "what": what, "since": since})
    atomic_write_bytes(folder / HOLDER, text.encode())
