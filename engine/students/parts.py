"""A student that takes several trainings: each below the student's folder, all of them one record.

A finished training is kept, so that an interrupted student goes on with the next. The record has the fields of
`train.py`'s; its counts and its log are of all trainings together.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from offbook.engine.files import atomic_write_text
from offbook.engine.students.distiller import Job
from offbook.engine.students.precision import Precision, keep_precision, precision_of
from offbook.engine.students.record import (
    RECORD,
    STATE,
    is_trained,
    replay_record,
    training_fingerprint,
    write_record,
)
from offbook.engine.students.train import Objective, train_student
from offbook.engine.text import read_json
from offbook.engine.unusable import UnusableError


@dataclass(frozen=True, kw_only=True)
class Part:
    """A finished training: its folder and its record."""

    folder: Path
    record: Mapping[str, Any]


def is_finished(job: Job, method: str) -> bool:
    """Whether the student is there; if not, its folder is this training's from now on.

    Raises:
        ValueError: the folder holds another training, or there are several processes.
    """
    if (processes := int(os.environ.get("WORLD_SIZE", "1"))) > 1:
        msg = f"{method}: expected one process, got {processes}: its trainings follow each other; start it in one"
        raise ValueError(msg)
    fingerprint = training_fingerprint(job, method)
    if is_trained(job.folder, fingerprint):
        return True
    claim = job.folder / STATE / "fingerprint"
    if claim.exists() and claim.read_bytes() != fingerprint.encode():
        msg = f"{job.folder}: holds an unfinished training with other settings; choose another folder"
        raise UnusableError(msg, claim)
    atomic_write_text(claim, fingerprint)
    keep_precision(job.folder, _precision(job))
    return False


def train_part(job: Job, name: str, method: str, objective: Objective) -> Part:
    """One training of the student's, a job like any other but for its folder, in the student's precision.

    Raises:
        ValueError: an older version finished it.
    """
    folder = job.folder / STATE / name
    if not (folder / RECORD).is_file():
        keep_precision(folder, _precision(job))
    train_student(replace(job, folder=folder), method, objective, as_part=True)
    remedy = "delete the folder to train that part anew"
    record = read_json(folder / RECORD, what="the record of a part", remedy=remedy)
    if not isinstance(record, dict) or "sequences" not in record:
        msg = f"{folder}: expected a record with its sequences, got an older version's; delete the folder to train anew"
        raise ValueError(msg)
    return Part(folder=folder, record=record)


def together(parts: Sequence[Part], key: str) -> list[dict[str, float]]:
    """The entries of all parts' "log" or "evaluations", one after the other, gradient tokens counted from the first."""
    entries, before = [], 0
    for number, part in enumerate(parts):
        entries += [
            {**entry, "gradient_tokens": before + entry["gradient_tokens"], "part": number}
            for entry in part.record[key]
        ]
        before += part.record["gradient_tokens"]
    return entries


def finish(job: Job, method: str, parts: Sequence[Part], **own: Any) -> Path:
    """Writes the student's record behind its weights (`saving.py`), and drops the parts.

    Args:
        job: the student's job.
        method: its name.
        parts: every training of it.
        own: fields in place of the parts' sums, or beside them.
    """
    records = [part.record for part in parts]
    counted = {
        "gradient_tokens": sum(r["gradient_tokens"] for r in records),
        "kept_tokens": sum(r["kept_tokens"] for r in records),
        "steps": sum(r["steps"] for r in records),
        "wall_s": sum(r["wall_s"] for r in records),
        "peak_bytes": max(r["peak_bytes"] for r in records),
        "evaluations": together(parts, "evaluations"),
        "log": together(parts, "log"),
        **replay_record(job, sum(r.get("replay", {}).get("tokens", 0) for r in records)),
    }
    write_record(
        job,
        method,
        mixed_precision=_precision(job),
        processes=1,
        sequences=sorted({name for r in records for name in r["sequences"]}),
        **(counted | own),
    )
    return job.folder


def _precision(job: Job) -> Precision:
    return precision_of(job.folder, job.config.mixed_precision, job.student.device)
