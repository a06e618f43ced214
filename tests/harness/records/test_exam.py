"""Exams on disk: the record is the commit, its answers are whole, and nothing else passes for one."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from offbook.harness.records.exam import AnswerRow, ExamRecord, SittingSpec, SuiteSpec, TrainingCost
from offbook.harness.records.store import Store
from offbook.harness.records.student import StudentId

START = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
COST = TrainingCost(
    gradient_tokens=5000, kept_tokens=4000, distinct_sequences=80, steps=10, wall_s=3.5, peak_bytes=7, dev_scores=(0.5,)
)


def spec(**changes: Any) -> SittingSpec:
    """A specification; settings of the student may be changed by their names."""
    student: dict[str, Any] = {
        "name": "mind, no attention",
        "method": "mind",
        "training": {"gradient_tokens": 5000},
        "corpus_sha256": "cd" * 32,
        "seed": 1,
    }
    fields: dict[str, Any] = {
        "model": "toy",
        "base_sha256": "ab" * 32,
        "weights_sha256": "ef" * 32,
        "suites": [
            SuiteSpec(name="sums", group="id", fingerprint="f1", n_docs=2),
            SuiteSpec(name="dates", group="ood", fingerprint="f2", n_docs=1, origin="dev subset"),
        ],
        "max_new_tokens": 64,
        "batch_size": 8,
        "dtype": "float32",
        "chat_template": True,
    }
    of_student = {name: value for name, value in changes.items() if name in StudentId.model_fields}
    others = {name: value for name, value in changes.items() if name not in of_student}
    return SittingSpec(**({"student": student | of_student} | fields | others))


def record(of: SittingSpec | None = None, **changes: Any) -> ExamRecord:
    of = of or spec()
    fields: dict[str, Any] = {
        "key": of.key(),
        "spec": of,
        "cost": None if of.student.untouched else COST,
        "metrics": {"sums": "acc", "dates": "acc"},
        "manifest": {"cpu": "Toy CPU"},
        "started_utc": START,
        "finished_utc": START,
        "wall_s": 2.0,
    }
    return ExamRecord(**(fields | changes))


def row(suite: str, doc_id: int, **changes: Any) -> AnswerRow:
    fields: dict[str, Any] = {
        "doc_hash": "h",
        "tokens": 3,
        "finished": True,
        "text": "it's\n7 — \u2028ok",
        "score": 1.0,
    }
    return AnswerRow(suite=suite, doc_id=doc_id, **(fields | changes))


ROWS = (row("sums", 0), row("sums", 1, score=0.0), row("dates", 0))


def commit(folder: Path, *entries: tuple[ExamRecord, tuple[AnswerRow, ...]]) -> Store:
    store = Store(folder)
    store.commit(entries or [(record(), ROWS)])
    return store


def test_an_exam_comes_back_as_it_was_committed(tmp_path: Path) -> None:
    assert Store(tmp_path).exams() == []
    assert not Store(tmp_path).has(spec().key())
    store = commit(tmp_path)
    assert store.has(spec().key())
    (exam,) = store.exams()
    assert exam.rows == ROWS
    filled = {"rows_file": "", "rows_sha256": "", "sha256": ""}
    assert exam.record.model_copy(update=filled) == record()
    assert len(exam.record.rows_sha256) == len(exam.record.sha256) == 64


def test_an_exam_that_is_done_is_kept(tmp_path: Path) -> None:
    store = commit(tmp_path)
    commit(tmp_path, (record(wall_s=9.0), tuple(r.model_copy(update={"score": 0.0}) for r in ROWS)))
    (exam,) = store.exams()
    assert exam.record.wall_s == 2.0
    assert exam.rows == ROWS


@pytest.mark.parametrize(
    ("rows", "got"),
    [
        (ROWS[:2], 2),
        ((*ROWS, row("dates", 1)), 4),
        ((*ROWS[:2], ROWS[0]), 3),
        ((*ROWS[:2], row("sums", 2)), 3),
        ((*ROWS[:2], row("other", 0)), 3),
        ((*ROWS, row("other", 0)), 4),
    ],
    ids=["too few", "too many", "one twice", "all of one suite", "another suite", "one suite more"],
)
def test_every_document_is_answered_once(rows: tuple[AnswerRow, ...], got: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"expected 3 answers to different documents, got {got}"):
        commit(tmp_path, (record(), rows))
    assert Store(tmp_path).exams() == []


def test_a_name_becomes_a_harmless_file_name(tmp_path: Path) -> None:
    for name in ("../../MIND: no *attention*", "///", "x" * 500):
        commit(tmp_path, (record(spec(name=name)), ROWS))
    found = sorted(path.name.rpartition("-")[0] for path in (tmp_path / "records").iterdir())
    assert found == ["exam-mind-no-attention-s1", "exam-s1", f"exam-{'x' * 75}"]


def test_the_setting_is_that_of_all_seeds_and_of_a_rerun_elsewhere() -> None:
    assert spec(seed=0).setting() == spec(seed=2, weights_sha256="00" * 32).setting()
    assert spec(seed=0).key() != spec(seed=2).key()
    assert spec().key() != spec(weights_sha256="00" * 32).key()


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"base_sha256": "00" * 32},
        {"name": "mind"},
        {"method": "mcc_kd"},
        {"options": {"beta": 1}},
        {"training": {}},
        {"corpus_sha256": "00" * 32},
        {"suites": [SuiteSpec(name="sums", group="id", fingerprint="f1", n_docs=3)]},
        {"max_new_tokens": 65},
        {"batch_size": 9},
        {"dtype": "bfloat16"},
        {"chat_template": False},
        {"harness_semantics": 0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_everything_else_makes_another_setting(changes: Any) -> None:
    assert spec(**changes).setting() != spec().setting()


def test_a_record_costs_what_was_trained() -> None:
    with pytest.raises(ValidationError, match="expected a training cost"):
        record(cost=None)
    with pytest.raises(ValidationError, match="expected a training cost"):
        record(spec(student={}), cost=COST)
    assert record(spec(student={})).cost is None


def test_a_suite_without_a_metric_is_no_exam() -> None:
    with pytest.raises(ValidationError, match="expected a metric of every suite"):
        record(metrics={"sums": "acc"})


def test_the_untouched_model_has_no_settings() -> None:
    for wrong in ({"method": "untouched"}, {"name": "untouched"}, {"name": "untouched", "method": "untouched"}):
        with pytest.raises(ValidationError, match="untouched"):
            spec(**wrong)
    assert spec(student={}).student.untouched
