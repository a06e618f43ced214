"""Answers that are generated but not yet scored: kept, so that a scorer that fails costs no forward pass.

    store/unscored/<name>-<key12>.json     the answers of a heat or an exam; gone when it is committed
    store/unscored/<name>-<key12>/         those of a heat under way (`kept_documents.py`)

Scoring is somebody's task code, and may raise at an answer that nobody foresaw. The key is made of what determines the
generations and of nothing that a mended task changes, such as the scorer or a document's reference; so the same
command finds the answers again, with the times, the load and the manifest of the process that decoded them.
"""

import contextlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from offbook.engine.complaints import complaint
from offbook.engine.decoding.generation import FinishReason
from offbook.engine.files import atomic_write_bytes, remove
from offbook.engine.machine_bandwidth import bandwidth_here
from offbook.engine.progress import Progress
from offbook.engine.quoting import quoted
from offbook.engine.text import read_json
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.manifest import load_average
from offbook.harness.roster.command_line import process_manifest

FOLDER = "unscored"
ANEW = "they are generated anew"

Load = list[JsonValue] | None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Began(_Strict):
    """When answers began to be generated, and under what.

    Attributes:
        started_utc: when.
        manifest: of the process; a commit made while it runs is not what runs.
        load: of the machine then.
    """

    started_utc: datetime
    manifest: dict[str, JsonValue]
    load: Load

    @classmethod
    def now(cls, layouts: Mapping[str, Mapping[str, JsonValue]]) -> Self:
        """At this moment, in this process, the target's weights in these layouts, of which this is known."""
        told: dict[str, JsonValue] = {name: {**facts} for name, facts in layouts.items()}
        manifest = {**process_manifest(), "layouts": told, "bandwidth_gb_s": round(bandwidth_here() / 1e9, 2)}
        return cls(started_utc=datetime.now(UTC), manifest=manifest, load=load_average())


class HeatAnswer(_Strict):
    """An arm's answer to one document, a row without scores; `of` is the arm."""

    of: str
    row: DocumentRow

    @property
    def doc_id(self) -> int:
        """Of the document."""
        return self.row.doc_id


class ExamAnswer(_Strict):
    """A student's answer to one document; `of` is the place of the suite in the exam."""

    of: str
    doc_id: Annotated[int, Field(ge=0)]
    tokens: list[int]
    finish_reason: FinishReason


Answer = TypeVar("Answer", HeatAnswer, ExamAnswer)


class Unscored(_Strict, Generic[Answer]):
    """All answers of a heat or an exam.

    Attributes:
        key: of what determines them.
        began: see there.
        load_at_end: of the machine when the last one was there.
        wall_s: seconds that they took.
        answers: in no order.
        found: what an arm of a heat was found to do that it should not, by arm (`decoding.py`).
        parts: the processes that answered documents of a heat which was stopped; none of one that was not.
    """

    schema_version: Literal[1] = 1
    key: str
    began: Began
    load_at_end: Load
    wall_s: Annotated[float, Field(ge=0)]
    answers: tuple[Answer, ...]
    found: dict[str, str] = Field(default={})
    parts: list[JsonValue] = Field(default=[])

    @property
    def load_average(self) -> JsonValue:
        """As manifests hold it."""
        return {"start": self.began.load, "end": self.load_at_end}


def keep(store: Path, name: str, answers: Unscored[Answer]) -> None:
    """Writes answers down, whole or not at all; `name` is for people."""
    write(answers_path(store, name, answers.key), answers)


def kept(
    store: Path,
    name: str,
    key: str,
    kind: type[Unscored[Answer]],
    wanted: Collection[tuple[str, int]],
    progress: Progress,
) -> Unscored[Answer] | None:
    """The answers of a key, if an earlier process kept them; in one line, that they are used or why they cannot be.

    Args:
        store: the folder of records.
        name: as `keep` was told.
        key: of what determines the answers.
        kind: of answers.
        wanted: whose answers, to which documents.
        progress: is told the line.
    """
    path = answers_path(store, name, key)
    if not path.is_file():
        return None
    try:
        found = read(path, key, kind, wanted)
    except ValueError as error:
        progress.say(damaged(path, error))
        return None
    when = f"{found.began.started_utc:%Y-%m-%d %H:%M} UTC"
    progress.say(f"    {name}: the answers generated at {when} were kept; they are scored, and none is generated again")
    return found


def drop(store: Path, name: str, key: str) -> None:
    """Removes answers that are scored and committed."""
    path = answers_path(store, name, key)
    path.unlink(missing_ok=True)
    remove(path.with_suffix(""))  # of a process that was killed when all documents stood in one file
    with contextlib.suppress(OSError):  # there are others, or there is no such folder
        path.parent.rmdir()


def any_kept(store: Path) -> bool:
    """Whether a store holds answers that are not scored."""
    return (store / FOLDER).is_dir()


@contextlib.contextmanager
def scoring(store: Path) -> Iterator[None]:
    """A mistake of a task inside does not lose the answers, and its line says so.

    Raises:
        ValueError: as it was raised, and how to go on.
    """
    try:
        yield
    except ValueError as error:
        msg = (
            f"{error}; the answers are kept: once that is mended, the same command with --output {store} scores them "
            "and generates none again"
        )
        raise ValueError(msg) from error


def write(path: Path, answers: Unscored[Answer]) -> None:
    """Writes answers into a file with their hash, whole or not at all."""
    content = answers.model_dump(mode="json")
    text = json.dumps({"sha256": canonical_sha256(content), "answers": content}, allow_nan=False)
    atomic_write_bytes(path, text.encode())


def read(path: Path, key: str, kind: type[Unscored[Answer]], wanted: Collection[tuple[str, int]]) -> Unscored[Answer]:
    """The answers of a file, if they are of this key, and these.

    Raises:
        ValueError: they are not, or the file is damaged.
    """
    content = _whole(read_json(path, what="answers that are not scored yet", remedy=ANEW))
    found = kind.model_validate_json(json.dumps(content))
    if found.key != key or sorted((answer.of, answer.doc_id) for answer in found.answers) != sorted(wanted):
        msg = "those of another run"
        raise ValueError(msg)
    return found


def damaged(path: Path, error: ValueError) -> str:
    """The line that says why the answers of a file are not taken."""
    reason = complaint(error).told("the whole") if isinstance(error, ValidationError) else str(error)
    reason = reason.removeprefix(f"{path}: ").removesuffix(f"; {ANEW}")
    return f"    {path}: expected the answers of an earlier run, got a damaged file ({reason}); {ANEW}"


def _whole(content: Any) -> Any:
    """The answers of a file whose hash is theirs.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(content, dict) or content.keys() != {"sha256", "answers"}:
        msg = f"expected sha256 and answers, got {quoted(content)}"
        raise ValueError(msg)
    if content["sha256"] != canonical_sha256(content["answers"]):
        msg = "other words than were written"
        raise ValueError(msg)
    return content["answers"]


def answers_path(store: Path, name: str, key: str) -> Path:
    """The file of all answers; the folder of those that are kept one by one has its name without the ending."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "answers"
    return store / FOLDER / f"{slug}-{key[:12]}.json"
