"""Attempts that came to nothing, as records: which stage, which attempt, and why.

    failures/<key12>-<attempt>.json

They count attempts, so that nothing is tried for ever, and are told by `offbook status`. A stage that is done later has
simply needed more than one.
"""

import contextlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from offbook.engine.files import write_once
from offbook.engine.quoting import shortened
from offbook.engine.text import read_json
from offbook.harness.settings.plain import read_plain

FINAL = ("ValueError",)  # a mistake in what was asked: the next attempt would make it again
LONGEST = 400  # characters of a reason


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An attempt that failed.

    Attributes:
        key: of the stage.
        attempt: from 1.
        error: class of what was raised; "Killed" or "Lost" where the process could not say so itself.
        reason: one line.
        utc: when.
    """

    key: str
    attempt: int
    error: str
    reason: str
    utc: str
    kind: Literal["failure"] = "failure"
    schema_version: int = 2


def fail(folder: Path, key: str, error: str, reason: str) -> Failure:
    """Records a failed attempt under the next number."""
    text = shortened(" ".join(reason.split()), LONGEST)
    attempt = 1 + len(failures_of(folder, key))
    while True:
        utc = datetime.now(UTC).isoformat(timespec="seconds")
        failure = Failure(key=key, attempt=attempt, error=error, reason=text, utc=utc)
        path = folder / "failures" / f"{key[:12]}-{attempt}.json"
        if write_once(path, (json.dumps(asdict(failure), indent=1) + "\n").encode()):
            return failure
        attempt += 1


def failures(folder: Path) -> dict[str, list[Failure]]:
    """All of them by key, in the order of their attempts; damaged ones are left out, see `damaged`."""
    found = defaultdict(list)
    for failure in _readable((folder / "failures").glob("*.json")):
        found[failure.key].append(failure)
    return {key: sorted(group, key=lambda failure: failure.attempt) for key, group in found.items()}


def failures_of(folder: Path, key: str) -> list[Failure]:
    """Those of one stage, in order."""
    found = _readable((folder / "failures").glob(f"{key[:12]}-*.json"))
    return sorted(found, key=lambda failure: failure.attempt)


def damaged(folder: Path) -> list[str]:
    """Files that tell of no attempt, a line each. What was noted there stops nobody from trying again."""
    found = []
    for path in sorted((folder / "failures").glob("*.json")):
        try:
            _read(path)
        except ValueError as error:
            found.append(str(error))
    return found


def _readable(paths: Iterable[Path]) -> Iterator[Failure]:
    for path in paths:
        with contextlib.suppress(ValueError):
            yield _read(path)


def _read(path: Path) -> Failure:
    remedy = "delete it, and the attempt is forgotten"
    content = read_json(path, what="the record of a failed attempt", remedy=remedy)
    return read_plain(Failure, content, source=str(path), remedy=remedy)
