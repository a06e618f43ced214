"""Examines a student: lm-eval asks, the student answers greedily in batches, lm-eval scores.

Beside the answers stand scores by likelihood (`exam_measures`) and how far the student's next tokens left its base
model's (`divergence`). Answers come first and are kept, then they are scored, then the rest is measured: a scorer that
fails costs no pass of the model, and a process that is killed later generates nothing again.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from offbook.engine.decoding.batch import BatchAnswer
from offbook.engine.progress import Progress
from offbook.harness.records.drafter import PLAIN_LAYOUT
from offbook.harness.records.exam import MEASURES, AnswerRow, Exam, ExamRecord, SittingSpec, TrainingCost
from offbook.harness.records.made_once import RECIPES
from offbook.harness.records.store import Store
from offbook.harness.records.student import StudentId
from offbook.harness.roster.target import Target
from offbook.harness.suites.scoring import main_metric, not_scored, score
from offbook.harness.tables.labels import student_label
from offbook.harness.trials.divergence import Reference, divergence
from offbook.harness.trials.exam_answers import answer_paper, answer_texts, answers_key
from offbook.harness.trials.exam_measures import measure
from offbook.harness.trials.exposure import exposure
from offbook.harness.trials.paper import Paper
from offbook.harness.trials.unscored import ExamAnswer, Unscored, drop, keep, kept, scoring

Name = tuple[str, int]  # the place of a suite, and a document's id


def exam_spec(
    paper: Paper,
    *,
    model: str,
    base_sha256: str,
    weights_sha256: str,
    settings_sha256: str | None,
    revision: str | None = None,
    dtype: str,
    layout: str = PLAIN_LAYOUT,
    student: StudentId | None = None,
) -> SittingSpec:
    """The specification of one model's exam; without a student it is the untouched model's."""
    return SittingSpec(
        model=model,
        base_sha256=base_sha256,
        weights_sha256=weights_sha256,
        settings_sha256=settings_sha256,
        revision=revision,
        suites=paper.suites,
        max_new_tokens=paper.max_new_tokens,
        batch_size=paper.batch_size,
        dtype=dtype,
        layout=layout,
        chat_template=paper.chat_template,
        student=student or StudentId(),
        measures=MEASURES,
    )


def examine(
    paper: Paper,
    target: Target,
    spec: SittingSpec,
    cost: TrainingCost | None,
    folder: Path,
    progress: Progress,
    trial: str = "",
    recipes: Mapping[str, JsonValue] | None = None,
    reference: Reference | None = None,
) -> Exam:
    """Lets one model sit the exam, commits it and returns it; answers that an earlier process kept are scored.

    Args:
        paper: what is asked.
        target: who answers.
        spec: of the exam.
        cost: of a student's training.
        folder: of the records.
        progress: is told how far it is.
        trial: key of the exam's own specification.
        recipes: of what was made for it.
        reference: what a student is held against; without it no divergence is measured.

    Raises:
        ValueError: documents without one number each as their score, or a task that cannot score an answer.
    """
    who = f"{spec.student.name}, seed {spec.student.seed}"
    prompts = {
        name: target.encode(request.prompt, templated=paper.chat_template) for name, request in paper.questions()
    }
    key = answers_key(paper, target, spec, prompts)
    answers = kept(folder, who, key, Unscored[ExamAnswer], prompts, progress)
    if answers is None:
        answers = answer_paper(paper, target, key, prompts, f"exam of {who}", progress)
        keep(folder, who, answers)
    clock, description = time.perf_counter(), dict(answers.began.manifest)
    texts = answer_texts(paper, target, answers)
    with scoring(folder):
        scores, metrics, reasons = _scores(paper, target, texts)
    for name, reason in reasons.items():
        description["not_scored"] = {**reasons}
        progress.say(f"    {name}: not scored right or wrong: {reason}")
    rows = _rows(paper, target, answers, texts, scores, f"exam of {who}: by likelihood", progress)
    left = () if reference is None else divergence(reference, target.backbone, f"exam of {who}: divergence", progress)
    description["load_average"] = answers.load_average
    found, unknown = exposure(
        {student_label(spec.student): target.trained_on},
        [request for asked in paper.asked for request in asked.requests],
        whose="accuracy",
    )
    if recipes:
        description[RECIPES] = {**recipes}
    if found:
        description["found"] = {**found}
    if unknown:
        description["training_unknown"] = [*unknown]
    for label, why in found.items():
        progress.say(f"    {label} {why}")
    record = ExamRecord(
        key=spec.key(),
        trial=trial,
        spec=spec,
        cost=cost,
        metrics=metrics,
        divergence=left,
        manifest=description,
        started_utc=answers.began.started_utc,
        finished_utc=datetime.now(UTC),
        wall_s=answers.wall_s + time.perf_counter() - clock,
    )
    store = Store(folder)
    store.commit([(record, rows)])
    drop(folder, who, key)
    (committed,) = (exam for exam in [store.record(record.key)] if exam.kind == "exam")
    return Exam(committed, tuple(store.rows(committed)))


def _scores(
    paper: Paper, target: Target, texts: Mapping[Name, str]
) -> tuple[dict[Name, float], dict[str, str], dict[str, str]]:
    """Scores by the main metric, the main metric by suite, and why a suite is not scored right or wrong.

    Raises:
        ValueError: a task that cannot score an answer, or not with one number.
    """
    scores: dict[Name, float] = {}
    metrics: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for place, asked in enumerate(paper.asked):
        name = asked.suite.name
        found = score(asked, target, {r.doc_id: texts[str(place), r.doc_id] for r in asked.requests})
        metrics[name] = main_metric(found, name)
        if reason := not_scored(name, metrics[name]):
            reasons[name] = reason
        scores |= {(str(place), doc_id): of_one[metrics[name]] for doc_id, of_one in found.items()}
    return scores, metrics, reasons


def _rows(
    paper: Paper,
    target: Target,
    answers: Unscored[ExamAnswer],
    texts: Mapping[Name, str],
    scores: Mapping[Name, float],
    title: str,
    progress: Progress,
) -> list[AnswerRow]:
    """A row a document, what is measured of it beside its answer included."""
    answered = {(a.of, a.doc_id): BatchAnswer(a.tokens, a.finish_reason) for a in answers.answers}
    measured = measure(paper, target, texts, title, progress)
    return [
        AnswerRow(
            suite=paper.suites[int(name[0])].name,
            doc_id=request.doc_id,
            doc_hash=request.doc_hash,
            tokens=len(answered[name].tokens),
            finished=answered[name].finished,
            text=texts[name],
            score=scores[name],
            choices=request.choices,
            cluster=request.cluster,
            by_choice=measured[name].by_choice,
            gold_nll=measured[name].gold_nll,
        )
        for name, request in paper.questions()
    ]
