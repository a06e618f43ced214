"""Exams as they stand in a store, built without any model."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from offbook.harness.records.choice_scores import ChoiceScores
from offbook.harness.records.divergence import TextDivergence
from offbook.harness.records.exam import AnswerRow, Exam, ExamRecord, SittingSpec, SuiteSpec, TrainingCost
from offbook.harness.records.store import Store

START = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
MANIFEST: dict[str, Any] = {"cpu": "Toy | CPU", "cores": 4, "platform": "Linux", "packages": {"torch": "2"}}
SUITES = {"sums": "id", "dates": "ood"}
OF_STUDENTS = ("method", "options", "training", "corpus_sha256")


def exam(
    student: str = "mind",
    seed: int = 0,
    scores: Mapping[str, Sequence[float]] | None = None,
    *,
    origin: str | None = None,
    metric: str = "acc",
    clusters: Sequence[str] = (),
    choices: int | None = None,
    later: int = 0,
    used: str | None = None,
    stored: str | None = None,
    measured: Mapping[str, Sequence[ChoiceScores | float]] | None = None,
    divergence: Sequence[TextDivergence] = (),
    **changes: Any,
) -> Exam:
    """An exam over these scores by suite; "untouched" has neither training nor cost.

    `measured` holds, by suite, scores of choices or the NLL of right answers; exams of old versions have neither.
    """
    scores = scores or {"sums": [1, 0, 1, 0], "dates": [1, 1, 0, 0]}
    trained = student != "untouched"
    fields: dict[str, Any] = {
        "model": "toy",
        "base_sha256": "ab" * 32,
        "student": {
            "name": student,
            "method": student,
            "training": {"gradient_tokens": 5000, "learning_rate": 1e-4} if trained else {},
            "corpus_sha256": "cd" * 32 if trained else None,
            "seed": seed if trained else 0,
        },
        "weights_sha256": f"{student}-{seed}",
        "suites": [
            SuiteSpec(name=name, group=SUITES.get(name, "id"), fingerprint="f" * 64, n_docs=len(found), origin=origin)
            for name, found in scores.items()
        ],
        "max_new_tokens": 64,
        "batch_size": 8,
        "dtype": "float32",
        "chat_template": True,
        "measures": None if measured is None else 1,
    }
    taught = {name: changes.pop(name) for name in OF_STUDENTS if name in changes}
    fields["student"] |= taught
    spec = SittingSpec(**(fields | changes))
    cost = TrainingCost(
        gradient_tokens=5000 + seed,
        kept_tokens=4000,
        distinct_sequences=80,
        steps=10,
        mixed_precision=used,
        saved_dtype=stored,
        prepared_s=7.0,
        wall_s=30.0 + seed,
        peak_bytes=(seed + 1) * 2**20,
    )
    rows = tuple(
        AnswerRow(
            suite=name,
            doc_id=i,
            doc_hash=f"{name}{i}",
            tokens=10 + i % 50,
            finished=bool(i % 2),
            text="an answer",
            score=score,
            cluster=clusters[i] if clusters else "",
            choices=choices,
            **_beside((measured or {}).get(name), i),
        )
        for name, found in scores.items()
        for i, score in enumerate(found)
    )
    record = ExamRecord(
        key=spec.key(),
        spec=spec,
        cost=None if spec.student.untouched else cost,
        metrics=dict.fromkeys(scores, metric),
        divergence=tuple(divergence),
        manifest=MANIFEST,
        started_utc=START,
        finished_utc=START + datetime.timedelta(seconds=9 + later),
        wall_s=9.0,
    )
    return Exam(record, rows)


def _beside(measured: Sequence[ChoiceScores | float] | None, place: int) -> dict[str, Any]:
    """The fields of a row for what was measured of it."""
    if measured is None:
        return {}
    return {"by_choice" if isinstance(measured[place], ChoiceScores) else "gold_nll": measured[place]}


def three_students() -> list[Exam]:
    """The untouched model, one far better than it on ID and worse on OOD, and its equal; two seeds each, 24 items."""
    many = {"sums": [1.0] * 2 + [0.0] * 22, "dates": [1.0] * 20 + [0.0] * 4}
    taught = [
        {
            "sums": [1.0] * (20 + seed) + [0.0] * (4 - seed),
            "dates": [0.0] * 18 + [1.0] * (1 + seed) + [0.0] * (5 - seed),
        }
        for seed in (0, 1)
    ]
    return [
        exam("untouched", scores=many),
        *(exam(name, seed, scores=taught[seed]) for name in ("mind", "uniform") for seed in (0, 1)),
    ]


def one(table: pd.DataFrame, **where: Any) -> dict[Any, Any]:
    for name, value in where.items():
        table = table[table[name] == value]
    (line,) = table.to_dict("records")
    return line


def filled(folder: Path, exams: Sequence[Exam]) -> Path:
    for record, rows in exams:
        Store(folder).commit([(record, rows)])
    return folder
