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
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.json_file import no_duplicates

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
        return [kind.model_validate(json.loads(line, object_pairs_hook=no_duplicates)) for line in lines]
    except ValidationError as error:
        msg = f"expected rows of this version of offbook, got {complaint(error).told('the whole')}"
        raise ValueError(msg) from error


def read_record(path: Path) -> AnyRecord:
    """A record whose key and hash are those of its content.

    Raises:
        ValueError: it is none of this version, or was changed since it was written; one line, with the file's name.
    """
    remedy = "restore it, or delete it and run it again"
    try:
        content: Any = json.loads(path.read_bytes(), object_pairs_hook=no_duplicates)
    except (ValueError, RecursionError) as error:
        msg = f"{path.name}: expected a record in JSON, got a file that does not parse ({error}); {remedy}"
        raise ValueError(msg) from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        old = type(version) is int and 0 < version < SCHEMA_VERSION
        way = "`offbook upgrade FOLDER` reads it" if old else "upgrade offbook to read it"
        msg = f"{path.name}: expected schema_version {SCHEMA_VERSION}, got {quoted(version)}; {way}"
        raise ValueError(msg)
    try:
        record = _READER.validate_json(json.dumps(content))
    except ValidationError as error:
        msg = f"{path.name}: {complaint(error, content).told('the whole')}; {remedy}"
        raise ValueError(msg) from error
    if record.sha256 != (expected := own_sha256(record)):
        msg = f"{path.name}: expected SHA-256 {expected[:12]} of its content, got {record.sha256[:12]}; {remedy}"
        raise ValueError(msg)
    if record.key != (expected := record.spec.key()) or not path.stem.endswith(f"-{record.key[:12]}"):
        msg = f"{path.name}: expected key {expected[:12]} of its specification, got {record.key[:12]}; {remedy}"
        raise ValueError(msg)
    return record


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
