"""Scores what a store holds again, from its stored texts: nothing is generated.

Scores are the harness's, texts the model's. Where the harness reads answers differently (`HARNESS_SEMANTICS`), old
records and exams keep their tokens, times, limits and certificates, and get the scores that lm-eval's same suites give
now. Each becomes a record of its own key, which notes what it was made from, and replaces the old one:

1. the new record is committed and read back;
2. the old record is removed, then its rows.

Whenever that is interrupted, nothing is lost, and the same command finishes. A suite whose documents are not at hand,
or are others now, leaves its records and exams as they are. `suite_fingerprint` and the limits stay what they were when
the answers were generated.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic import JsonValue

import offbook
from offbook.engine.progress import Progress
from offbook.harness.records.cell import HARNESS_SEMANTICS, CellRecord
from offbook.harness.records.choice_scores import ChoiceScores
from offbook.harness.records.consistency import RESCORED
from offbook.harness.records.exam import AnswerRow, Exam
from offbook.harness.records.manifest import git_state
from offbook.harness.records.store import Store
from offbook.harness.suites.at_hand import NoModel, NotAtHandError, SuitesAtHand
from offbook.harness.suites.scoring import main_metric, not_scored, score
from offbook.tasks.choice_question import ChoiceQuestion


@dataclass(frozen=True, kw_only=True)
class Moved:
    """The mean score of a record or exam, before and after."""

    name: str
    before: float
    after: float


@dataclass(kw_only=True)
class Rescored:
    """What was scored again, and what was not, with the reason."""

    moved: list[Moved] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)


def rescore(folder: Path, progress: Progress) -> Rescored:
    """Scores all records and exams of older semantics again.

    Raises:
        ValueError: a damaged store, or one of newer semantics than this version's.
    """
    store, done, suites = Store(folder), Rescored(), _Suites()
    store.recover()
    records, exams = store.records("cell"), store.exams()
    for name, semantics in [
        *((record.key[:12], record.spec.harness_semantics) for record in records),
        *((exam.record.key[:12], exam.record.spec.harness_semantics) for exam in exams),
    ]:
        if semantics > HARNESS_SEMANTICS:
            msg = f"{name}: expected semantics up to {HARNESS_SEMANTICS}, got {semantics}; upgrade offbook to score it"
            raise ValueError(msg)
    old_records = [record for record in records if record.spec.harness_semantics < HARNESS_SEMANTICS]
    old_exams = [exam for exam in exams if exam.record.spec.harness_semantics < HARNESS_SEMANTICS]
    total = len(old_records) + len(old_exams)
    for place, record in enumerate(old_records):
        progress.update(place, total, "scoring records again")
        name = f"{record.spec.suite}, {record.spec.decoder} ({record.key[:12]})"
        _try(done, name, partial(_record, store, record, suites))
    for place, exam in enumerate(old_exams, start=len(old_records)):
        progress.update(place, total, "scoring exams again")
        spec = exam.record.spec
        name = f"exam of {spec.student.name}, seed {spec.student.seed} ({exam.record.key[:12]})"
        _try(done, name, partial(_exam, store, exam, suites))
    _sweep(store)
    for name, reason in suites.notes.items():
        progress.say(f"{name}: no accuracy, as {reason}")
    return done


def _record(store: Store, record: CellRecord, suites: "_Suites") -> tuple[float, float]:
    rows, suite = store.rows(record), record.spec.suite
    scores = suites.scores(suite, {row.doc_id: (row.doc_hash, row.text) for row in rows})
    metric = main_metric(scores, suite)
    before = sum(row.scores[record.metric] for row in rows) / len(rows)
    spec = record.spec.model_copy(update={"harness_semantics": HARNESS_SEMANTICS})
    note = _note(record.key, record.spec.harness_semantics, {suite: before})
    fresh = record.model_copy(
        update={
            "key": spec.key(),
            "spec": spec,
            "metric": metric,
            "manifest": {**record.manifest, RESCORED: note},
        }
    )
    store.commit([(fresh, [row.model_copy(update={"scores": scores[row.doc_id]}) for row in rows])])
    committed = store.record(fresh.key)
    kept = store.rows(committed)
    store.retire(record.key)
    return before, sum(row.scores[metric] for row in kept) / len(kept)


def _exam(store: Store, exam: Exam, suites: "_Suites") -> tuple[float, float]:
    record, rows = exam.record, exam.rows
    scores = {
        suite.name: suites.scores(
            suite.name, {row.doc_id: (row.doc_hash, row.text) for row in rows if row.suite == suite.name}
        )
        for suite in record.spec.suites
    }
    metrics = {suite: main_metric(found, suite) for suite, found in scores.items()}
    spec = record.spec.model_copy(update={"harness_semantics": HARNESS_SEMANTICS})
    means = {
        suite: sum(row.score for row in rows if row.suite == suite) / sum(row.suite == suite for row in rows)
        for suite in scores
    }
    fresh = record.model_copy(
        update={
            "key": spec.key(),
            "spec": spec,
            "metrics": metrics,
            "manifest": {**record.manifest, RESCORED: _note(record.key, record.spec.harness_semantics, means)},
        }
    )
    questions = {
        suite: suites.questions(suite, {r.doc_id: r.doc_hash for r in rows if r.suite == suite}) for suite in scores
    }
    fresh_rows = [
        row.model_copy(
            update={
                "score": scores[row.suite][row.doc_id][metrics[row.suite]],
                "by_choice": _named(row, questions[row.suite][row.doc_id]),
            }
        )
        for row in rows
    ]
    store.commit([(fresh, fresh_rows)])
    assert store.has(fresh.key)
    store.retire(record.key)
    return sum(row.score for row in rows) / len(rows), sum(row.score for row in fresh_rows) / len(rows)


def _named(row: AnswerRow, question: ChoiceQuestion | None) -> ChoiceScores | None:
    """What was measured of a row's choices, and which one its text names now."""
    if row.by_choice is None or question is None:
        return row.by_choice
    return row.by_choice.model_copy(update={"named": question.named(row.text)})


def _try(done: Rescored, name: str, scorer: Callable[[], tuple[float, float]]) -> None:
    try:
        before, after = scorer()
    except NotAtHandError as error:
        done.left[name] = str(error)
    else:
        done.moved.append(Moved(name=name, before=before, after=after))


def _note(key: str, semantics: int, scores: Mapping[str, float]) -> dict[str, JsonValue]:
    return {
        "from_key": key,
        "from_semantics": semantics,
        "from_scores": dict(scores),
        "offbook": offbook.__version__,
        "git": git_state(Path(__file__).resolve().parents[2]),
        "utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _sweep(store: Store) -> None:
    """Removes what an interrupted run left of what it had replaced."""
    for record in store.records():
        if key := _replaced(record.manifest):
            store.retire(key)


def _replaced(manifest: Mapping[str, JsonValue]) -> str:
    note = manifest.get(RESCORED)
    return str(note.get("from_key", "")) if isinstance(note, dict) else ""


class _Suites:
    """Suites by name, and the scores that they give now."""

    def __init__(self) -> None:
        self.at_hand = SuitesAtHand()
        self.notes: dict[str, str] = {}

    def scores(self, name: str, answers: Mapping[int, tuple[str, str]]) -> dict[int, dict[str, float]]:
        """Scores of (hash of the document, text) by doc_id.

        Raises:
            NotAtHandError: the suite is not at hand, or its documents are others.
        """
        asked = self.at_hand.asked(name, {doc_id: doc_hash for doc_id, (doc_hash, _) in answers.items()})
        scores = score(asked, NoModel(), {doc_id: text for doc_id, (_, text) in answers.items()})
        if reason := not_scored(name, main_metric(scores, name)):
            self.notes[name] = reason
        return scores

    def questions(self, name: str, documents: Mapping[int, str]) -> dict[int, ChoiceQuestion | None]:
        """The questions of documents (hash by doc_id) with their choices; None of those without.

        Raises:
            NotAtHandError: the suite is not at hand, or its documents are others.
        """
        return {request.doc_id: request.question for request in self.at_hand.asked(name, documents).requests}
