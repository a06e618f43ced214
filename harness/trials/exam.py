"""Examines a student: lm-eval asks, the student answers greedily in batches, lm-eval scores.

All suites' documents are answered together, sorted by length, so that batches hold little padding. Batches move the
last bits of the logits, so that an answer may differ from the one-by-one answer of a heat where two tokens tie.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from offbook.engine.decoding.answering import answer_all
from offbook.engine.decoding.batch import BatchAnswer
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import visible_text
from offbook.engine.progress import Progress
from offbook.harness.records.cell import LimitsSpec
from offbook.harness.records.drafter import PLAIN_LAYOUT
from offbook.harness.records.exam import AnswerRow, Exam, ExamRecord, SittingSpec, SuiteSpec, TrainingCost
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.made_once import RECIPES
from offbook.harness.records.manifest import load_average
from offbook.harness.records.spent import spending
from offbook.harness.records.store import Store
from offbook.harness.records.student import StudentId
from offbook.harness.roster.target import Target
from offbook.harness.settings.students import Group
from offbook.harness.suites.rehearsal import check_metric, check_prompts
from offbook.harness.suites.requests import Asked, Request, ask
from offbook.harness.suites.scoring import main_metric, not_scored, score
from offbook.harness.suites.suite import Suite
from offbook.harness.tables.labels import student_label
from offbook.harness.trials.exposure import exposure
from offbook.harness.trials.unscored import Began, ExamAnswer, Unscored, drop, keep, kept, scoring
from offbook.tasks.source import origin_of


@dataclass(frozen=True, kw_only=True)
class Paper:
    """The questions of an exam, rendered for one tokenizer: the same for all students of a base model."""

    suites: tuple[SuiteSpec, ...]
    asked: tuple[Asked, ...]
    max_new_tokens: int
    batch_size: int
    chat_template: bool

    def not_done(self) -> list[str]:
        """What to tell people of suites whose task asks for sampling: an exam is greedy."""
        return [told for asked in self.asked if (told := asked.not_done(Sampling()))]


def set_paper(
    groups: Mapping[Group, Sequence[Suite]], target: Target, *, limit: int | None, max_new_tokens: int, batch_size: int
) -> Paper:
    """Builds the requests of all suites.

    Raises:
        ValueError: a suite that does not generate, asks for settings of generation that are not done here or has no
            number a document, or a document that does not fit.
    """
    chat = target.has_chat_template
    found = [
        (group, suite, ask(suite, target, limit=limit, chat_template=chat))
        for group, suites in groups.items()
        for suite in suites
    ]
    for *_, asked in found:
        check_prompts(asked, target, max_new_tokens=max_new_tokens)
        check_metric(asked, target)
    return Paper(
        suites=tuple(
            SuiteSpec(
                name=suite.name,
                group=group,
                fingerprint=asked.fingerprint,
                n_docs=len(asked.requests),
                origin=origin_of(suite.task().eval_docs),
            )
            for group, suite, asked in found
        ),
        asked=tuple(asked for *_, asked in found),
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        chat_template=chat,
    )


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
) -> Exam:
    """Lets one model sit the exam, commits it and returns it; answers that an earlier process kept are scored.

    Raises:
        ValueError: documents without one number each as their score, or a task that cannot score an answer.
    """
    who = f"{spec.student.name}, seed {spec.student.seed}"
    prompts = {
        (str(place), r.doc_id): target.encode(r.prompt, templated=paper.chat_template)
        for place, asked in enumerate(paper.asked)
        for r in asked.requests
    }
    key = _answers_key(paper, target, spec, prompts)
    answers = kept(folder, who, key, Unscored[ExamAnswer], prompts, progress)
    if answers is None:
        answers = _answer(paper, target, key, prompts, f"exam of {who}", progress)
        keep(folder, who, answers)
    clock, description = time.perf_counter(), dict(answers.began.manifest)
    with scoring(folder):
        rows, metrics, reasons = _rows(paper, target, answers)
    for name, reason in reasons.items():
        description["not_scored"] = {**reasons}
        progress.say(f"    {name}: not scored right or wrong: {reason}")
    description["load_average"] = answers.load_average
    requests = [request for asked in paper.asked for request in asked.requests]
    found, unknown = exposure({student_label(spec.student): target.trained_on}, requests, whose="accuracy")
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


def _rows(
    paper: Paper, target: Target, answers: Unscored[ExamAnswer]
) -> tuple[list[AnswerRow], dict[str, str], dict[str, str]]:
    """Rows, the main metric by suite, and why a suite is not scored right or wrong.

    Raises:
        ValueError: a task that cannot score an answer, or not with one number.
    """
    answered = {(int(a.of), a.doc_id): BatchAnswer(a.tokens, a.finish_reason) for a in answers.answers}
    rows: list[AnswerRow] = []
    metrics: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for place, asked in enumerate(paper.asked):
        name = asked.suite.name
        texts = {
            r.doc_id: visible_text(
                target.detokenize(answered[place, r.doc_id].tokens), _limits(paper, target, r).stop_strings
            )
            for r in asked.requests
        }
        scores = score(asked, target, texts)
        metrics[name] = main_metric(scores, name)
        if reason := not_scored(name, metrics[name]):
            reasons[name] = reason
        rows += [
            AnswerRow(
                suite=name,
                doc_id=r.doc_id,
                doc_hash=r.doc_hash,
                tokens=len(answered[place, r.doc_id].tokens),
                finished=answered[place, r.doc_id].finished,
                text=texts[r.doc_id],
                score=scores[r.doc_id][metrics[name]],
                choices=r.choices,
                cluster=r.cluster,
            )
            for r in asked.requests
        ]
    return rows, metrics, reasons


def _limits(paper: Paper, target: Target, request: Request) -> Limits:
    """The exam's cap, the document's own stop strings."""
    return target.limits(paper.max_new_tokens, request.stop_strings)


def _answers_key(
    paper: Paper, target: Target, spec: SittingSpec, prompts: Mapping[tuple[str, int], Sequence[int]]
) -> str:
    """The hash of what determines an exam's answers: its specification without the scorers, and every prompt."""
    exam = spec.model_dump(mode="json", exclude={"suites"})
    limits = {
        (str(place), r.doc_id): LimitsSpec.of(_limits(paper, target, r)).model_dump(mode="json")
        for place, asked in enumerate(paper.asked)
        for r in asked.requests
    }
    documents = [[*name, list(prompt), limits[name]] for name, prompt in prompts.items()]
    return canonical_sha256({"exam": exam, "documents": documents})


def _answer(
    paper: Paper,
    target: Target,
    key: str,
    prompts: Mapping[tuple[str, int], Sequence[int]],
    title: str,
    progress: Progress,
) -> Unscored[ExamAnswer]:
    """Answers to all documents."""
    layout = target.backbone.layout.name
    began, clock = Began.now({layout: target.backbone.layout_facts}), time.perf_counter()
    asked = {(str(place), r.doc_id): r for place, asked in enumerate(paper.asked) for r in asked.requests}
    names = [*prompts]
    answers: list[ExamAnswer] = []

    def told(index: int, answer: BatchAnswer) -> None:
        of, doc_id = names[index]
        answers.append(ExamAnswer(of=of, doc_id=doc_id, tokens=answer.tokens, finish_reason=answer.finish_reason))
        progress.update(len(answers), len(names), title)

    progress.update(0, len(names), title)
    target.backbone.use_native_attention()
    try:
        with spending("forwards"):
            answer_all(
                target.backbone.model,
                target.tokenizer,
                [prompts[name] for name in names],
                [_limits(paper, target, asked[name]) for name in names],
                width=paper.batch_size,
                layout=target.backbone.layout,
                on_answer=told,
            )
    finally:
        target.backbone.use_tree_attention()
    return Unscored[ExamAnswer](
        key=key,
        began=began,
        load_at_end=load_average(),
        wall_s=time.perf_counter() - clock,
        answers=tuple(answers),
    )
