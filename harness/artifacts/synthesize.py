"""`offbook synthesize`: a rationale corpus of procedural questions or of a file's, by one of three teachers.

    corpus.jsonl              the corpus
    corpus.synthesis/         what every model answered (a resumed run asks nothing twice), and report.json

The report holds what the corpus does not: which test sets were checked for overlap and which not, what was dropped and
why, rejections, retries, difficulties; and how many mistakes were kept beside the rationales.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from offbook.engine.files import atomic_write_text
from offbook.engine.pretrained import load, resolve, weights_sha256
from offbook.engine.progress import Progress
from offbook.engine.students.corpus import Corpus, Question, save_corpus
from offbook.harness.records.model_names import shown_model, shown_served_model
from offbook.harness.records.redaction import shown_url
from offbook.harness.roster.target import resolve_device, resolve_dtype
from offbook.tasks.rationales.mistakes import with_mistakes
from offbook.tasks.rationales.procedural_teacher import IDS, teach
from offbook.tasks.rationales.synthesis.ask import Model
from offbook.tasks.rationales.synthesis.difficulty import HARD, choose, difficulties
from offbook.tasks.rationales.synthesis.journal import Journal
from offbook.tasks.rationales.synthesis.local_model import LocalModel
from offbook.tasks.rationales.synthesis.overlap import PUBLISHED, known_test_sets, overlaps
from offbook.tasks.rationales.synthesis.questions import Asked, train_problems
from offbook.tasks.rationales.synthesis.rationale_rows import load_questions
from offbook.tasks.rationales.synthesis.server import ServerModel, openai_library
from offbook.tasks.rationales.synthesis.write import write
from offbook.tasks.source import VARIABLE

JUDGE_TOKENS = 64
STUDENT_TOKENS = 256


@dataclass(frozen=True, kw_only=True)
class SynthesisSpec:
    """What to make; the attributes are the command's options."""

    teacher: Literal["procedural", "transformers", "openai"]
    output: Path
    teacher_model: str | None
    judge_model: str | None
    student: str | None
    base_url: str | None
    questions: Path | None
    per_family: int
    limit: int | None
    attempts: int
    target_size: int
    samples: int
    seed: int
    temperature: float
    max_new_tokens: int
    workers: int
    batch_size: int
    licence: str
    device: str
    dtype: str


def synthesize(spec: SynthesisSpec, progress: Progress) -> Corpus:
    """Makes a corpus at `spec.output`; what an interrupted call left there is used.

    Raises:
        ValueError: options that do not go together, questions that cannot be read, a model that cannot be asked, or
            no question left.
    """
    _check(spec)
    folder = spec.output.with_name(f"{spec.output.stem}.synthesis")
    problems = train_problems(spec.per_family, spec.limit) if spec.questions is None else []
    asked = (
        [Asked.of(p) for p in problems] if spec.questions is None else load_questions(spec.questions, limit=spec.limit)
    )

    sets = known_test_sets()
    overlapping = overlaps(asked, sets)
    for question, name in overlapping.items():
        progress.say(f"dropped: {question} overlaps {name}")
    progress.say(
        f"{len(asked)} questions, {len(overlapping)} of them dropped: they overlap one of {len(sets)} test sets"
    )
    unchecked = [source.name for source in PUBLISHED if source.name not in sets]
    if unchecked:
        progress.say(f"not checked for overlap, for want of their files below {VARIABLE}: {', '.join(unchecked)}")
    asked = [q for q in asked if q.id not in overlapping]

    questions: Sequence[Question]
    retries: dict[str, float] = {}
    rejected: dict[str, int] = {}
    if spec.teacher == "procedural":
        questions = [with_mistakes(teach(p), p) for p in problems if p.id not in overlapping]
    else:
        assert spec.teacher_model is not None
        teacher = _model(spec, spec.teacher_model, spec.temperature, spec.max_new_tokens)
        judge = None if spec.judge_model is None else _model(spec, spec.judge_model, 0.0, JUDGE_TOKENS)
        written = write(
            asked,
            Journal(teacher, folder / "teacher.jsonl"),
            None if judge is None else Journal(judge, folder / "judge.jsonl"),
            licence=spec.licence,
            attempts=spec.attempts,
            progress=progress.update,
        )
        questions, retries = written.questions, written.retries
        rejected = {f"{perspective}: {reason}": n for (perspective, reason), n in sorted(written.rejected.items())}
        progress.say(f"left out, because no rationale passed: {len(asked) - len(questions)} of {len(asked)} questions")

    difficulty: dict[str, float] = {}
    if spec.student is None:
        progress.say("no --student: difficulty is not measured, so every question counts as easy")
    else:
        written_ids = {q.id for q in questions}
        student = Journal(_local(spec, spec.student, 1.0, STUDENT_TOKENS), folder / "student.jsonl")
        difficulty = difficulties(
            [q for q in asked if q.id in written_ids],
            student,
            samples=spec.samples,
            progress=lambda done, total: progress.update(done, total, "student"),
        )
    kept = set(choose([q.id for q in questions], difficulty, retries, size=spec.target_size, seed=spec.seed))
    if not kept:
        msg = f"expected questions with rationales, got none of {len(asked) + len(overlapping)}; see {folder}"
        raise ValueError(msg)
    corpus = Corpus.of((q for q in questions if q.id in kept), IDS)
    n_hard = sum(d >= HARD for d in difficulty.values())
    n_mistakes = sum(len(q.mistakes) for q in corpus.questions)
    progress.say(
        f"{len(corpus)} questions kept of {len(questions)} ({n_hard} hard), "
        f"{int(corpus.path_mask.sum())} of {corpus.path_mask.numel()} rationales, {n_mistakes} mistakes"
    )
    save_corpus(spec.output, corpus)
    report = {
        "schema_version": 1,
        "settings": _shown(spec),
        "test_sets": list(sets),
        "unchecked_test_sets": unchecked,
        "overlapping": overlapping,
        "rejected": rejected,
        "mistakes": n_mistakes,
        "retries": retries,
        "difficulty": difficulty,
    }
    atomic_write_text(folder / "report.json", json.dumps(report, indent=1, allow_nan=False) + "\n")
    return corpus


def _shown(spec: SynthesisSpec) -> dict[str, JsonValue]:
    """The settings, for a report that goes with the corpus: no path, no server of one's own, no password in its URL."""
    served = shown_served_model if spec.teacher == "openai" else shown_model
    shown = {"teacher_model": served, "judge_model": served, "student": shown_model}
    return {
        **{name: "[path]" if isinstance(value, Path) else value for name, value in asdict(spec).items()},
        **{name: None if (model := getattr(spec, name)) is None else show(model) for name, show in shown.items()},
        "base_url": None if spec.base_url is None else shown_url(spec.base_url),
    }


def _check(spec: SynthesisSpec) -> None:
    if spec.teacher == "procedural":
        given = {
            "--questions": spec.questions,
            "--teacher-model": spec.teacher_model,
            "--judge-model": spec.judge_model,
        }
        for option, value in given.items():
            if value is not None:
                msg = (
                    f"the procedural teacher takes no {option}: it explains its own questions, right by construction; "
                    "choose --teacher openai or transformers, or leave the option out"
                )
                raise ValueError(msg)
    elif spec.teacher_model is None:
        msg = f"--teacher {spec.teacher}: expected --teacher-model, got none; name the model"
        raise ValueError(msg)
    if not math.isfinite(spec.temperature):
        msg = f"--temperature: expected a number of at least 0, got {spec.temperature}"
        raise ValueError(msg)
    if spec.base_url is not None and spec.teacher != "openai":
        msg = f"--base-url belongs to --teacher openai, got --teacher {spec.teacher}; leave it out"
        raise ValueError(msg)
    asked_here = [spec.student, *((spec.teacher_model, spec.judge_model) if spec.teacher == "transformers" else ())]
    for name in filter(None, asked_here):  # rather now than after the questions
        resolve(name)
    if spec.teacher == "openai":
        openai_library()


def _model(spec: SynthesisSpec, name: str, temperature: float, max_new_tokens: int) -> Model:
    """The teacher or the judge, of the kind that `spec.teacher` says."""
    if spec.teacher == "transformers":
        return _local(spec, name, temperature, max_new_tokens)
    return ServerModel(
        name=name,
        base_url=spec.base_url,
        temperature=temperature,
        max_new_tokens=max_new_tokens,
        workers=spec.workers,
    )


def _local(spec: SynthesisSpec, name: str, temperature: float, max_new_tokens: int) -> Model:
    model, tokenizer = load(name, dtype=resolve_dtype(spec.dtype), device=resolve_device(spec.device))
    return LocalModel(
        name=shown_model(name),
        model=model,
        tokenizer=tokenizer,
        weights_sha256=weights_sha256(name),
        temperature=temperature,
        max_new_tokens=max_new_tokens,
        batch_size=spec.batch_size,
    )
