"""Turns a store of schema 1 into one of schema 2, in place and once.

Schema 1 kept cells in `records/`, exams in `exams/`, no ledger, and two dimensions in labels: a student ("mind, seed
0") and whose drafter ran ("eagle2 (base's drafter)"). Each heat and each exam is committed in its present shape, then
its old files go, rows first. Whenever that is interrupted, nothing is lost, and the same command finishes.

Students are looked up in the exams of the same folder by the hash of their weights. Rows get their cluster and number
of choices where the suite's documents are at hand and are the same.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from offbook.engine.complaints import complaint
from offbook.engine.progress import Progress
from offbook.engine.text import read_json
from offbook.harness.records.cell import CellRecord, CellSpec
from offbook.harness.records.consistency import UPGRADED
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.exam import AnswerRow, ExamRecord, SittingSpec
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.store import Store
from offbook.harness.records.student import UNTOUCHED, StudentId
from offbook.harness.suites.at_hand import NotAtHandError, SuitesAtHand

REMEDY = "restore it, or delete it"
BORROWED = " (base's drafter)"
TAUGHT = ("method", "options", "training", "seed", "corpus_sha256", "helpers")


class Upgraded(NamedTuple):
    """How many cells and exams were turned, and suites whose documents were not at hand, with the reason."""

    cells: int
    exams: int
    without_clusters: Mapping[str, str]


class _Old(NamedTuple):
    """A record of schema 1, its rows, and its files, the rows' first."""

    record: dict[str, Any]
    rows: list[dict[str, Any]]
    files: tuple[Path, ...]


def upgrade(folder: Path, progress: Progress) -> Upgraded:
    """Upgrades what is of schema 1 in a folder; nothing where nothing is.

    Raises:
        ValueError: a file that is damaged; what was upgraded before it stays so.
    """
    store, suites = Store(folder), SuitesAtHand()
    store.recover()
    for path in [*_paths(folder / "records"), *_paths(folder / "exams")]:
        if not _rows(path, _content(path), folder).is_file() and _content(path).get("key") in _turned(store):
            path.unlink()  # its rows went before an earlier upgrade was interrupted
    cells = [_read(path, folder) for path in _paths(folder / "records")]
    exams = [_read(path, folder) for path in _paths(folder / "exams")]
    students = {exam.record["spec"]["weights_sha256"]: _student(exam.record["spec"]) for exam in exams}
    heats: dict[str, list[_Old]] = defaultdict(list)
    for cell in cells:
        heats[cell.record["heat_id"]].append(cell)
    missing: dict[str, str] = {}
    work: list[tuple[str, Callable[[], Any], Sequence[_Old]]] = [
        *(
            ("heats", lambda heat=heat: [_cell(old, students, suites, missing) for old in heat], heat)
            for heat in heats.values()
        ),
        *(("exams", lambda exam=exam: [_exam(exam)], [exam]) for exam in exams),
    ]
    for done, (what, turned, olds) in enumerate(work):
        progress.update(done, len(work), f"upgrading {what}")
        try:
            entries = turned()
        except (ValidationError, KeyError, TypeError) as error:
            reason = complaint(error).told("the whole") if isinstance(error, ValidationError) else f"no {error}"
            msg = f"{olds[0].files[-1].name}: expected a record of schema 1, got {reason}; {REMEDY}"
            raise ValueError(msg) from error
        store.commit(entries)
        for path in (path for old in olds for path in old.files):
            path.unlink(missing_ok=True)
    if (folder / "exams").is_dir() and not any((folder / "exams").iterdir()):
        (folder / "exams").rmdir()
    return Upgraded(len(cells), len(exams), missing)


def _cell(
    old: _Old, students: Mapping[str, StudentId], suites: SuitesAtHand, missing: dict[str, str]
) -> tuple[CellRecord, list[DocumentRow]]:
    said = dict(old.record["spec"])
    label, fingerprint, decoder = said.pop("training"), said.pop("drafter_fingerprint"), str(said.pop("decoder"))
    made_for = "base" if decoder.endswith(BORROWED) else "target"
    said["decoder"] = decoder.removesuffix(BORROWED)
    said["student"] = _labelled(label, students.get(said["weights_sha256"])).model_dump(mode="json")
    said["drafter"] = None if fingerprint is None else {"sha256": fingerprint, "made_for": made_for}
    spec = _valid(CellSpec, said)
    try:
        asked = suites.asked(spec.suite, {row["doc_id"]: row["doc_hash"] for row in old.rows})
        known = {r.doc_id: {"cluster": r.cluster, "choices": r.choices} for r in asked.requests}
    except NotAtHandError as error:
        missing[spec.suite], known = str(error), {}
    manifest = dict(old.record["manifest"])
    if isinstance(heat := manifest.get("heat"), dict):
        arms = [f"{arm.removesuffix(BORROWED)}+base" if arm.endswith(BORROWED) else arm for arm in heat["arms"]]
        manifest["heat"] = {**heat, "arms": arms}
    record = _renewed(old.record, spec.model_dump(mode="json"), spec.key(), manifest, kind="cell")
    return _valid(CellRecord, record), [_valid(DocumentRow, row | known.get(row["doc_id"], {})) for row in old.rows]


def _exam(old: _Old) -> tuple[ExamRecord, list[AnswerRow]]:
    said = dict(old.record["spec"])
    student = _student(said)
    said = {name: value for name, value in said.items() if name not in TAUGHT}
    spec = _valid(SittingSpec, said | {"student": student.model_dump(mode="json")})
    record = _renewed(old.record, spec.model_dump(mode="json"), spec.key(), old.record["manifest"], kind="exam")
    return _valid(ExamRecord, record), [_valid(AnswerRow, row) for row in old.rows]


def _student(spec: Mapping[str, Any]) -> StudentId:
    return StudentId(name=spec["student"], **{name: spec[name] for name in TAUGHT})


def _labelled(label: str, known: StudentId | None) -> StudentId:
    """Whom a label means: the student of these weights, or as much as the label itself says."""
    if label == UNTOUCHED:
        return StudentId()
    name, _, seed = label.rpartition(", seed ")
    if known is not None and (known.name, str(known.seed)) == (name, seed):
        return known
    return StudentId(name=name or label, method=name or label, seed=int(seed) if name else 0)


def _renewed(old: Mapping[str, Any], spec: Any, key: str, manifest: Mapping[str, Any], *, kind: str) -> dict[str, Any]:
    note = {"from_schema": 1, "from_key": old["key"]}
    gone = ("schema_version", "rows_file", "rows_sha256")
    kept = {name: value for name, value in old.items() if name not in gone}
    return kept | {"kind": kind, "key": key, "spec": spec, "manifest": {**manifest, UPGRADED: note}}


def _valid(kind: Any, data: Any) -> Any:
    return kind.model_validate_json(json.dumps(data))


def _paths(folder: Path) -> list[Path]:
    """Files of schema 1."""
    return [path for path in sorted(folder.glob("[!.]*.json")) if _content(path).get("schema_version") == 1]


def _content(path: Path) -> dict[str, Any]:
    content = read_json(path, what="a record", remedy=REMEDY)
    return content if isinstance(content, dict) else {}


def _turned(store: Store) -> set[str]:
    """Keys of schema 1 whose records are committed in their present shape."""
    notes = (store.record(key).manifest.get(UPGRADED) for key in store.ledger.lines())
    return {str(note["from_key"]) for note in notes if isinstance(note, dict)}


def _rows(path: Path, record: Mapping[str, Any], folder: Path) -> Path:
    """Where the rows of a record lie: a cell's in rows/, an exam's beside it."""
    if path.parent.name == "exams":
        return path.with_name(f"{path.stem}-{str(record.get('rows_sha256'))[:8]}.jsonl")
    return folder / "rows" / str(record.get("rows_file"))


def _read(path: Path, folder: Path) -> _Old:
    """A record with its rows, held against its key and hash."""
    record = _content(path)
    rows_path = _rows(path, record, folder)
    try:
        if record["key"] != (expected := canonical_sha256({"schema_version": 1, **record["spec"]})):
            msg = f"{path.name}: expected key {expected[:12]} of its specification, got {record['key'][:12]}; {REMEDY}"
            raise ValueError(msg)
        if not rows_path.is_file():
            msg = f"{path.name}: expected its rows in {rows_path.name}, found no such file; {REMEDY}"
            raise ValueError(msg)
        data = rows_path.read_bytes()
        if hashlib.sha256(data).hexdigest() != record["rows_sha256"]:
            msg = f"{rows_path.name}: expected SHA-256 {record['rows_sha256'][:12]}, got other rows; {REMEDY}"
            raise ValueError(msg)
    except (KeyError, TypeError) as error:
        msg = f"{path.name}: expected a record of schema 1, got one without {error}; {REMEDY}"
        raise ValueError(msg) from error
    return _Old(record, [json.loads(line) for line in data.split(b"\n") if line], (rows_path, path))
