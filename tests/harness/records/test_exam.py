"""Exams on disk: the record is the commit, its answers are whole, and nothing else passes for one."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from offbook.harness.records.exam import (
    UNTOUCHED,
    AnswerRow,
    ExamRecord,
    ExamSpec,
    SuiteSpec,
    TrainingCost,
    commit_exam,
    exam_path,
    has_exam,
    load_exams,
)

START = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
COST = TrainingCost(
    gradient_tokens=5000, kept_tokens=4000, distinct_sequences=80, steps=10, wall_s=3.5, peak_bytes=7, dev_scores=(0.5,)
)


def spec(**changes: Any) -> ExamSpec:
    fields: dict[str, Any] = {
        "model": "toy",
        "base_sha256": "ab" * 32,
        "student": "mind, no attention",
        "method": "mind",
        "training": {"gradient_tokens": 5000},
        "corpus_sha256": "cd" * 32,
        "seed": 1,
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
    return ExamSpec(**(fields | changes))


def record(of: ExamSpec | None = None, **changes: Any) -> ExamRecord:
    of = of or spec()
    fields: dict[str, Any] = {
        "key": of.key(),
        "spec": of,
        "cost": None if of.method == UNTOUCHED else COST,
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


def test_an_exam_comes_back_as_it_was_committed(tmp_path: Path) -> None:
    assert load_exams(tmp_path) == []
    assert not has_exam(tmp_path, spec())
    commit_exam(tmp_path, record(), ROWS)
    assert has_exam(tmp_path, spec())
    (exam,) = load_exams(tmp_path)
    assert exam.rows == ROWS
    assert exam.record.model_copy(update={"rows_sha256": ""}) == record()
    assert len(exam.record.rows_sha256) == 64


def test_exams_come_by_file_name_and_hidden_files_are_none(tmp_path: Path) -> None:
    for seed in (2, 0, 1):
        commit_exam(tmp_path, record(spec(seed=seed)), ROWS)
    (tmp_path / "exams" / ".half.json").write_text("{")
    assert [exam.record.spec.seed for exam in load_exams(tmp_path)] == [0, 1, 2]


def test_an_exam_that_is_done_is_kept(tmp_path: Path) -> None:
    commit_exam(tmp_path, record(), ROWS)
    commit_exam(tmp_path, record(wall_s=9.0), tuple(r.model_copy(update={"score": 0.0}) for r in ROWS))
    (exam,) = load_exams(tmp_path)
    assert exam.record.wall_s == 2.0
    assert exam.rows == ROWS


def test_answers_without_a_record_are_no_exam_and_are_written_again(tmp_path: Path) -> None:
    path = exam_path(tmp_path, spec())
    path.parent.mkdir()
    path.with_suffix(".jsonl").write_text("half an ans")
    assert load_exams(tmp_path) == []
    commit_exam(tmp_path, record(), ROWS)
    assert load_exams(tmp_path)[0].rows == ROWS


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
        commit_exam(tmp_path, record(), rows)
    assert load_exams(tmp_path) == []


def test_a_name_becomes_a_harmless_file_name(tmp_path: Path) -> None:
    named = exam_path(tmp_path, spec(student="../../MIND: no *attention*"))
    assert named.parent == tmp_path / "exams"
    assert named.name == f"mind-no-attention-s1-{spec(student='../../MIND: no *attention*').key()[:12]}.json"
    assert exam_path(tmp_path, spec(student="///")).name.startswith("student-s1-")
    assert len(exam_path(tmp_path, spec(student="x" * 500)).name) < 90


def test_the_setting_is_that_of_all_seeds_and_of_a_rerun_elsewhere() -> None:
    assert spec(seed=0).setting() == spec(seed=2, weights_sha256="00" * 32).setting()
    assert spec(seed=0).key() != spec(seed=2).key()
    assert spec().key() != spec(weights_sha256="00" * 32).key()


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"base_sha256": "00" * 32},
        {"student": "mind"},
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


def test_a_record_is_of_its_specification_and_costs_what_was_trained() -> None:
    with pytest.raises(ValidationError, match="expected key"):
        record(key="0" * 64)
    with pytest.raises(ValidationError, match="expected a training cost"):
        record(cost=None)
    with pytest.raises(ValidationError, match="expected a training cost"):
        record(spec(method=UNTOUCHED), cost=COST)
    assert record(spec(method=UNTOUCHED)).cost is None


def test_a_suite_without_a_metric_is_no_exam() -> None:
    with pytest.raises(ValidationError, match="expected a metric of every suite"):
        record(metrics={"sums": "acc"})


def answers(path: Path) -> Path:
    (found,) = path.parent.glob("*.jsonl")
    return found


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: answers(path).write_text(""), "its answers have changed since"),
        (lambda path: answers(path).unlink(), "No such file"),
        (lambda path: path.write_text("{"), "Invalid JSON"),
        (lambda path: path.write_bytes(b"\xff"), "Invalid JSON"),
        (lambda path: edit(path, schema_version=2), "Input should be 1"),
        (lambda path: edit(path, more=1), "more: unknown key, got 1"),
        (lambda path: edit(path, key="0" * 64), "expected key"),
    ],
    ids=["answers changed", "no answers", "cut off", "no text", "a later version", "an unknown field", "another key"],
)
def test_what_is_no_exam_is_named_in_one_line(damage: Any, reason: str, tmp_path: Path) -> None:
    commit_exam(tmp_path, record(), ROWS)
    path = exam_path(tmp_path, spec())
    damage(path)
    with pytest.raises(ValueError, match=reason) as error:
        load_exams(tmp_path)
    assert str(error.value).startswith(f"{path.name}: expected an exam of this version of offbook")
    assert "\n" not in str(error.value)


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
