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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic import JsonValue

import offbook
from offbook.engine.progress import Progress
from offbook.harness.records.cell import HARNESS_SEMANTICS, Record
from offbook.harness.records.exam import Exam, commit_exam, has_exam, load_exams, retire_exam
from offbook.harness.records.manifest import git_state
from offbook.harness.records.store import Store
from offbook.harness.suites.requests import Asked, ask, find_suites
from offbook.harness.suites.scoring import main_metric, not_scored, score
from offbook.tasks.source import SuiteUnavailableError

NOTE = "rescored"  # in the manifest


class NotScoredError(Exception):
    """Why something keeps its scores."""


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


class NoModel:
    """Stands in for the model where prompts are of no interest: only the documents and the scorer are."""

    name = "no model"

    def render_chat(self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool = True) -> str:
        """Nothing."""
        return ""


def rescore(folder: Path, progress: Progress) -> Rescored:
    """Scores all records and exams of older semantics again.

    Raises:
        ValueError: a damaged store, or one of newer semantics than this version's.
    """
    store, done, suites = Store(folder), Rescored(), _Suites()
    records, exams = store.records(), load_exams(folder)
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
        name = f"exam of {spec.student}, seed {spec.seed} ({exam.record.key[:12]})"
        _try(done, name, partial(_exam, folder, exam, suites))
    _sweep(folder, store)
    for name, reason in suites.notes.items():
        progress.say(f"{name}: no accuracy, as {reason}")
    return done


def _record(store: Store, record: Record, suites: "_Suites") -> tuple[float, float]:
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
            "manifest": {**record.manifest, NOTE: note},
            "rows_file": "",
            "rows_sha256": "",
        }
    )
    committed = store.commit(fresh, [row.model_copy(update={"scores": scores[row.doc_id]}) for row in rows])
    kept = store.rows(committed)
    store.retire(record.key)
    return before, sum(row.scores[committed.metric] for row in kept) / len(kept)


def _exam(folder: Path, exam: Exam, suites: "_Suites") -> tuple[float, float]:
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
            "manifest": {**record.manifest, NOTE: _note(record.key, record.spec.harness_semantics, means)},
            "rows_sha256": "",
        }
    )
    fresh_rows = [row.model_copy(update={"score": scores[row.suite][row.doc_id][metrics[row.suite]]}) for row in rows]
    commit_exam(folder, fresh, fresh_rows)
    assert has_exam(folder, spec)
    retire_exam(folder, record.key)
    return sum(row.score for row in rows) / len(rows), sum(row.score for row in fresh_rows) / len(rows)


def _try(done: Rescored, name: str, scorer: Callable[[], tuple[float, float]]) -> None:
    try:
        before, after = scorer()
    except NotScoredError as error:
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


def _sweep(folder: Path, store: Store) -> None:
    """Removes what an interrupted run left of what it had replaced."""
    for record in store.records():
        if key := _replaced(record.manifest):
            store.retire(key)
    for exam in load_exams(folder):
        if key := _replaced(exam.record.manifest):
            retire_exam(folder, key)


def _replaced(manifest: Mapping[str, JsonValue]) -> str:
    note = manifest.get(NOTE)
    return str(note.get("from_key", "")) if isinstance(note, dict) else ""


class _Suites:
    """Suites by name, each asked once for each number of documents."""

    def __init__(self) -> None:
        self.asked: dict[tuple[str, int], Asked | NotScoredError] = {}
        self.notes: dict[str, str] = {}

    def scores(self, name: str, answers: Mapping[int, tuple[str, str]]) -> dict[int, dict[str, float]]:
        """Scores of (hash of the document, text) by doc_id.

        Raises:
            NotScoredError: the suite is not at hand, or its documents are others.
        """
        asked = self._asked(name, len(answers))
        if {request.doc_id: request.doc_hash for request in asked.requests} != {
            doc_id: doc_hash for doc_id, (doc_hash, _) in answers.items()
        }:
            msg = f"the documents of {name} are others now"
            raise NotScoredError(msg)
        scores = score(asked, NoModel(), {doc_id: text for doc_id, (_, text) in answers.items()})
        if reason := not_scored(name, main_metric(scores, name)):
            self.notes[name] = reason
        return scores

    def _asked(self, name: str, n_docs: int) -> Asked:
        if (name, n_docs) not in self.asked:
            try:
                (suite,) = find_suites([name])
                self.asked[name, n_docs] = ask(suite, NoModel(), limit=n_docs, chat_template=False)
            except (SuiteUnavailableError, ValueError) as error:
                self.asked[name, n_docs] = NotScoredError(" ".join(str(error).split()))
        found = self.asked[name, n_docs]
        if isinstance(found, NotScoredError):
            raise found
        return found
