"""A student's training record, `distillation.json`: written last, so a folder which has it is a finished student."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from offbook.engine.files import atomic_write_text
from offbook.engine.resuming.seal import sealed
from offbook.engine.resuming.state import is_finished
from offbook.engine.students.distiller import Job
from offbook.engine.students.precision import Precision
from offbook.engine.students.replay import items_sha256
from offbook.engine.trained_on import write_trained_on

RECORD = "distillation.json"
STATE = "state"  # what is kept between sittings


def training_fingerprint(job: Job, method: str) -> str:
    """What determines a student: method, settings, base model, corpus and, where it replays, the items."""
    what = [method, asdict(job.config), job.told_options(), dict(job.identity)]
    if job.config.replay:
        what.append(items_sha256(job.replay))
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def replay_record(job: Job, tokens: int) -> dict[str, Any]:
    """What a record says of replay: how many items there were, their hash, and how many tokens of them were learned."""
    if not job.config.replay:
        return {}
    return {"replay": {"items": len(job.replay), "sha256": items_sha256(job.replay), "tokens": tokens}}


def _asked(job: Job) -> list[str]:
    """Every question that the student learned an answer to, replayed ones among them."""
    replayed = [item.question for item in job.replay] if job.config.replay else []
    return [*(question.question for question in job.corpus.questions), *replayed]


def is_trained(folder: Path, fingerprint: str) -> bool:
    """Whether the folder holds this very training, finished.

    Raises:
        ValueError: it holds another one.
    """
    return is_finished(folder / RECORD, fingerprint, "fingerprint")


def write_record(
    job: Job,
    method: str,
    *,
    mixed_precision: Precision,
    processes: int,
    sequences: Sequence[str],
    beside: Sequence[str] = (),
    **own: Any,
) -> None:
    """Writes the record behind the weights, and drops the state of the training.

    Args:
        job: the student's.
        method: its name.
        mixed_precision: in which matrices were multiplied.
        processes: of the training.
        sequences: names of the distinct responses it learned from, sorted.
        beside: files in folders below the student's that belong to it.
        own: what the training counted.
    """
    record = {
        "schema_version": 1,
        "method": method,
        "fingerprint": training_fingerprint(job, method),
        "config": asdict(job.config),
        "options": job.told_options(),
        "identity": dict(job.identity),
        "mixed_precision": mixed_precision,
        "processes": processes,
        "machine": dict(job.machine()),
        "trained_on": write_trained_on(job.folder, _asked(job)),
        "distinct_sequences": len(sequences),
        "sequences": [*sequences],
        "prepared_s": job.prepared_s,
        **own,
    }
    record = sealed(record, job.folder / RECORD, also=beside)
    atomic_write_text(job.folder / RECORD, json.dumps(record, indent=1, sort_keys=True, allow_nan=False) + "\n")
    shutil.rmtree(job.folder / STATE, ignore_errors=True)
