"""Records of today as schema 1 had them: two dimensions in labels, cells and exams apart, no ledger."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from offbook.harness.records.cell import Cell
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.exam import AnswerRow, Exam
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.record import slug
from offbook.harness.trials.upgrade import BORROWED, TAUGHT

ADDED = ("kind", "trial", "sha256")


def schema_1(folder: Path, cells: Iterable[Cell], exams: Iterable[Exam]) -> None:
    """Writes a folder of that schema."""
    for name in ("records", "rows", "exams"):
        (folder / name).mkdir(parents=True)
    for cell in cells:
        record = cell.record.model_dump(mode="json", exclude={*ADDED, "spec"})
        spec = cell.record.spec.model_dump(mode="json", exclude={"student", "drafter", "layout", "settings_sha256"})
        student, drafter = cell.record.spec.student, cell.record.spec.drafter
        spec["training"] = student.name if student.untouched else f"{student.name}, seed {student.seed}"
        spec["drafter_fingerprint"] = None if drafter is None else drafter.sha256
        spec["decoder"] += BORROWED if drafter is not None and drafter.made_for == "base" else ""
        _write(folder / "records", folder / "rows", slug(cell.record), record, spec, cell.rows)
    for exam in exams:
        record = exam.record.model_dump(mode="json", exclude={*ADDED, "spec", "rows_file"})
        spec = exam.record.spec.model_dump(mode="json", exclude={"student", "layout", "settings_sha256"})
        told = exam.record.spec.student.model_dump(mode="json")
        spec |= {"student": told["name"], **{name: told[name] for name in TAUGHT}}
        _write(folder / "exams", folder / "exams", slug(exam.record), record, spec, exam.rows)


def _write(
    folder: Path, beside: Path, name: str, record: dict[str, Any], spec: Any, rows: Sequence[DocumentRow | AnswerRow]
) -> None:
    data = "".join(row.model_dump_json() + "\n" for row in rows).encode()
    digest = hashlib.sha256(data).hexdigest()
    key = canonical_sha256({"schema_version": 1, **spec})
    name = f"{name}-{key[:12]}"
    rows_file = f"{name}-{digest[:8]}.jsonl"
    (beside / rows_file).write_bytes(data)
    told = {"rows_file": rows_file} if "rows_file" in record else {}
    whole = record | {"schema_version": 1, "key": key, "spec": spec, "rows_sha256": digest, **told}
    (folder / f"{name}.json").write_text(json.dumps(whole, indent=1))
