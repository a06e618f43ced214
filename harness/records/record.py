"""Any record: what all kinds share, read from bytes and sealed with a hash of its own."""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from offbook.engine.complaints import complaint
from offbook.engine.quoting import quoted
from offbook.harness.records.cell import SCHEMA_VERSION, CellRecord
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.exam import AnswerRow, ExamRecord
from offbook.harness.records.hashing import canonical_sha256, read_canonical, sha256_of_canonical
from offbook.harness.records.json_file import no_duplicates

REMEDY = "restore it, or delete it and run it again"

AnyRecord = CellRecord | ExamRecord
Rows = Sequence[DocumentRow] | Sequence[AnswerRow]
Entry = tuple[AnyRecord, Rows]

_READER: TypeAdapter[AnyRecord] = TypeAdapter(Annotated[AnyRecord, Field(discriminator="kind")])


def sealed(record: AnyRecord, rows: Rows) -> tuple[AnyRecord, bytes]:
    """A record with the hashes of its rows and of itself, and the rows as bytes."""
    data = rows_to_bytes(record.key, rows)
    digest = hashlib.sha256(data).hexdigest()
    named = record.model_copy(
        update={"rows_file": f"{stem(record)}-{digest[:8]}.jsonl", "rows_sha256": digest, "sha256": ""}
    )
    return named.model_copy(update={"sha256": own_sha256(named)}), data


def own_sha256(record: AnyRecord) -> str:
    """The hash over all of a record's fields but this one."""
    return canonical_sha256(record.model_dump(mode="json", exclude={"sha256"}))


def rows_to_bytes(key: str, rows: Rows) -> bytes:
    """Rows as JSON Lines, one document a line, behind a first line that names their record."""
    head = json.dumps({"of": key, "rows": len(rows)}) + "\n"
    return (head + "".join(row.model_dump_json() + "\n" for row in rows)).encode("utf-8")


def rows_from_bytes(record: AnyRecord, data: bytes) -> list[Any]:
    """The rows of a record.

    Raises:
        ValueError: those of another record, or of another version of offbook.
    """
    head, *lines = data.split(b"\n")[:-1]
    if json.loads(head) != {"of": record.key, "rows": len(lines)}:
        msg = f"expected {len(lines)} rows of {record.key[:12]}, got {quoted(head.decode(errors='replace'))}"
        raise ValueError(msg)
    kind: Any = DocumentRow if record.kind == "cell" else AnswerRow
    try:
        rows = [kind.model_validate_json(line) for line in lines]
    except ValidationError as error:
        msg = f"expected rows of this version of offbook, got {complaint(error).told('the whole')}"
        raise ValueError(msg) from error
    for row, line in zip(rows, lines, strict=True):
        if row.model_dump_json().encode() != line:  # written by another hand: a name may stand there twice
            json.loads(line, object_pairs_hook=no_duplicates)
    return rows


def read_record(path: Path) -> AnyRecord:
    """A record whose key and hash are those of its content.

    Raises:
        ValueError: it is none of this version, or was changed since it was written; one line, with the file's name.
    """
    data = path.read_bytes()
    try:
        record = _READER.validate_json(data)
        is_ours = to_bytes(record) == data
    except (ValueError, RecursionError):
        is_ours = False
    if is_ours:  # then nothing stands there twice, and the text says what the model would
        content = read_canonical(data)
        del content["sha256"]
        sha256 = sha256_of_canonical(content)
        key = sha256_of_canonical({"schema_version": SCHEMA_VERSION, **content["spec"]})
    else:
        record = _read_slowly(path, data)
        sha256, key = own_sha256(record), record.spec.key()
    if record.sha256 != sha256:
        msg = f"{path.name}: expected SHA-256 {sha256[:12]} of its content, got {record.sha256[:12]}; {REMEDY}"
        raise ValueError(msg)
    if record.key != key:
        msg = f"{path.name}: expected key {key[:12]} of its specification, got {record.key[:12]}; {REMEDY}"
        raise ValueError(msg)
    if not path.stem.endswith(f"-{key[:12]}"):
        msg = f"{path.name}: expected the record of its name, got that of {stem(record)}.json; {REMEDY}"
        raise ValueError(msg)
    return record


def to_bytes(record: AnyRecord) -> bytes:
    """A record as its file holds it."""
    return (record.model_dump_json(indent=1) + "\n").encode()


def _read_slowly(path: Path, data: bytes) -> AnyRecord:
    """A record in whatever form of JSON, with what is wrong with it."""
    try:
        content: Any = json.loads(data, object_pairs_hook=no_duplicates)
    except (ValueError, RecursionError) as error:
        msg = f"{path.name}: expected a record in JSON, got a file that does not parse ({error}); {REMEDY}"
        raise ValueError(msg) from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        old = type(version) is int and 0 < version < SCHEMA_VERSION
        way = "`offbook upgrade FOLDER` reads it" if old else "upgrade offbook to read it"
        msg = f"{path.name}: expected schema_version {SCHEMA_VERSION}, got {quoted(version)}; {way}"
        raise ValueError(msg)
    try:
        return _READER.validate_json(json.dumps(content))
    except ValidationError as error:
        msg = f"{path.name}: {complaint(error, content).told('the whole')}; {REMEDY}"
        raise ValueError(msg) from error


def slug(record: AnyRecord) -> str:
    """A readable file name of harmless characters; what tells records apart is the key behind it."""
    if record.kind == "cell":
        spec = record.spec
        text = f"{spec.suite}-{spec.decoder}-t{spec.temperature:g}-s{spec.seed}"
    else:
        text = f"exam-{record.spec.student.name}-s{record.spec.student.seed}"
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80] or record.kind


def stem(record: AnyRecord) -> str:
    """The name of a record's file."""
    return f"{slug(record)}-{record.key[:12]}"
