"""Stored texts are scored again without a model: nothing is lost, nothing is there twice, what cannot be is left."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offbook.engine.progress import Silent
from offbook.harness.cli.main import main
from offbook.harness.records.cell import HARNESS_SEMANTICS, Cell
from offbook.harness.records.exam import AnswerRow, ExamRecord, SittingSpec, SuiteSpec
from offbook.harness.records.journal import Journal
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole
from offbook.harness.suites.requests import Asked, ask
from offbook.harness.suites.suite import find_suites
from offbook.harness.tables.decoders import leaderboard
from offbook.harness.tables.decoders_markdown import to_markdown
from offbook.harness.tables.student_comparisons import comparisons_table
from offbook.harness.tables.students import students_table
from offbook.harness.tables.students_markdown import to_markdown as students_markdown
from offbook.harness.trials.rescore import NoModel, rescore

OLD = HARNESS_SEMANTICS - 1
SUITE = "offbook_procedural_ordering"
START = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def asked() -> Asked:
    """The first two questions of a suite; whose choices they name is known to the suite alone."""
    (suite,) = find_suites([SUITE])
    return ask(suite, NoModel(), limit=2, chat_template=False)


@pytest.fixture(scope="module")
def texts(asked: Asked) -> tuple[str, str]:
    """A right answer by a statement, and one that names a number where the right choice was mentioned last before."""
    documents = list(asked.suite.task().eval_docs)[:2]
    right, other = (document["answer"] for document in documents)
    return f"The answer is {right}.", f"Perhaps {other}. The answer is 15."


@pytest.fixture
def old(tmp_path: Path, asked: Asked, texts: tuple[str, str], make_spec: Any, make_record: Any, make_row: Any) -> Store:
    """A store of old semantics, whose scores say that both answers are right."""
    store = Store(tmp_path)
    spec = make_spec(suite=SUITE, harness_semantics=OLD)
    rows = [make_row(r.doc_id, doc_hash=r.doc_hash, text=text) for r, text in zip(asked.requests, texts, strict=True)]
    store.commit([(make_record(spec), rows)])
    return store


def sit(folder: Path, asked: Asked, texts: tuple[str, str], **changes: Any) -> SittingSpec:
    suite = SuiteSpec(name=SUITE, group="ood", fingerprint="f1", n_docs=2)
    fields: dict[str, Any] = {
        "model": "toy",
        "base_sha256": "ab" * 32,
        "weights_sha256": "ef" * 32,
        "suites": (suite,),
        "max_new_tokens": 64,
        "batch_size": 8,
        "dtype": "float32",
        "chat_template": True,
        "harness_semantics": OLD,
    }
    spec = SittingSpec(**(fields | changes))
    rows = [
        AnswerRow(
            suite=spec.suites[0].name,
            doc_id=r.doc_id,
            doc_hash=r.doc_hash,
            tokens=5,
            finished=True,
            text=text,
            score=1.0,
            choices=3,
            cluster="one",
        )
        for r, text in zip(asked.requests, texts, strict=True)
    ]
    record = ExamRecord(
        key=spec.key(),
        spec=spec,
        cost=None,
        metrics={spec.suites[0].name: "acc"},
        manifest={"cpu": "Toy CPU"},
        started_utc=START,
        finished_utc=START,
        wall_s=2.0,
    )
    Store(folder).commit([(record, rows)])
    return spec


def files(folder: Path) -> list[str]:
    return sorted(
        path.name
        for path in folder.rglob("*")
        if path.is_file() and path.name[0] != "." and path.name != "ledger.jsonl"
    )


def test_a_record_gets_new_scores_and_keeps_all_else(old: Store) -> None:
    (before,) = old.records()
    rows = old.rows(before)
    done = rescore(old.root, Silent())
    (after,) = old.records()
    assert [(moved.before, moved.after) for moved in done.moved] == [(1.0, 0.5)]
    assert after.spec == before.spec.model_copy(update={"harness_semantics": HARNESS_SEMANTICS})
    assert after.key == after.spec.key() != before.key
    note = after.manifest["rescored"]
    assert isinstance(note, dict)
    assert (note["from_key"], note["from_semantics"], note["from_scores"]) == (before.key, OLD, {SUITE: 1.0})
    assert {"git", "offbook", "utc"} <= note.keys()
    kept = {"certificate", "heat_id", "drafter", "started_utc", "finished_utc", "wall_s"}
    assert all(getattr(after, name) == getattr(before, name) for name in kept)
    assert {k: v for k, v in after.manifest.items() if k != "rescored"} == before.manifest
    assert [row.scores for row in old.rows(after)] == [{"acc": 1.0}, {"acc": 0.0}]
    assert [row.model_copy(update={"scores": {}}) for row in old.rows(after)] == [
        row.model_copy(update={"scores": {}}) for row in rows
    ]
    assert len(files(old.root)) == 2, "the old record and its rows are gone"


def test_an_exam_gets_new_scores_and_keeps_all_else(tmp_path: Path, asked: Asked, texts: tuple[str, str]) -> None:
    spec = sit(tmp_path, asked, texts)
    (before,) = Store(tmp_path).exams()
    done = rescore(tmp_path, Silent())
    (after,) = Store(tmp_path).exams()
    assert [(moved.before, moved.after) for moved in done.moved] == [(1.0, 0.5)]
    assert after.record.spec == spec.model_copy(update={"harness_semantics": HARNESS_SEMANTICS})
    assert [row.score for row in after.rows] == [1.0, 0.0]
    assert [row.model_copy(update={"score": 1.0}) for row in after.rows] == list(before.rows)
    assert after.record.manifest["rescored"]["from_scores"] == {SUITE: 1.0}  # type: ignore[index,call-overload]
    assert len(files(tmp_path)) == 2


def test_a_second_time_there_is_nothing_to_do(old: Store) -> None:
    rescore(old.root, Silent())
    before = files(old.root)
    done = rescore(old.root, Silent())
    assert (done.moved, done.left, files(old.root)) == ([], {}, before)


@pytest.mark.parametrize("at", ["before the old record goes", "before its rows go"])
def test_what_was_interrupted_is_whole_and_the_same_command_finishes(
    at: str, old: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        owner, name = (Store, "retire") if at == "before the old record goes" else (Journal, "_remove")
        patch.setattr(owner, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            rescore(old.root, Silent())
    assert len(whole(old).cells) == (2 if at == "before the old record goes" else 1)
    rescore(old.root, Silent())
    assert [record.spec.harness_semantics for record in old.records()] == [HARNESS_SEMANTICS]
    assert len(files(old.root)) == 2


def test_other_documents_are_left_as_they_are(
    tmp_path: Path, asked: Asked, texts: tuple[str, str], make_spec: Any, make_record: Any, make_row: Any
) -> None:
    store = Store(tmp_path)
    rows = [make_row(r.doc_id, doc_hash="another", text="yes") for r in asked.requests]
    store.commit([(make_record(make_spec(suite=SUITE, harness_semantics=OLD)), rows)])
    before = files(tmp_path)
    done = rescore(tmp_path, Silent())
    ((name, reason),) = done.left.items()
    assert name.startswith(f"{SUITE}, autoregressive")
    assert reason == f"the documents of {SUITE} are others now"
    assert (done.moved, files(tmp_path)) == ([], before)


def test_an_exam_whose_suite_is_not_at_hand_is_left_as_it_is(
    tmp_path: Path, asked: Asked, texts: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("OFFBOOK_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = tmp_path / "store"
    absent = SuiteSpec(name="offbook_svamp", group="id", fingerprint="f1", n_docs=2)
    sit(folder, asked, texts, suites=(absent,))
    sit(folder, asked, texts)
    with pytest.raises(SystemExit) as ended:
        main(["rescore", str(folder)])
    assert ended.value.code == 0
    said = capsys.readouterr()
    assert said.out.startswith("exam of untouched, seed 0")
    assert said.out.endswith("1.000 -> 0.500\n")
    assert "left as it is: exam of untouched, seed 0" in said.err
    assert "SVAMP" in said.err
    assert "1 scored again, 1 left as they are" in said.err
    assert sorted(exam.record.spec.harness_semantics for exam in Store(folder).exams()) == [OLD, HARNESS_SEMANTICS]


def test_a_store_of_a_later_version_is_refused(old: Store, make_spec: Any, make_record: Any, make_row: Any) -> None:
    later = make_spec(suite=SUITE, harness_semantics=HARNESS_SEMANTICS + 1)
    old.commit([(make_record(later), [make_row(0), make_row(1)])])
    before = files(old.root)
    with pytest.raises(ValueError, match=rf"expected semantics up to {HARNESS_SEMANTICS}, got .*; upgrade offbook"):
        rescore(old.root, Silent())
    assert files(old.root) == before


def test_rows_of_different_semantics_are_neither_pooled_nor_alike(
    make_heat: Callable[..., list[Cell]], tmp_path: Path, asked: Asked, texts: tuple[str, str]
) -> None:
    cells = [*make_heat(harness_semantics=OLD), *make_heat(heat_id="heat-2")]
    table = leaderboard(cells)
    pooled = table[(table["suite"] == "all") & (table["decoder"] == "eagle2")]
    assert sorted(pooled["semantics"]) == [OLD, HARNESS_SEMANTICS]
    assert list(pooled["n_docs"]) == [2, 2]
    assert "Scored by semantics" in to_markdown(table)
    assert "Scored by semantics" not in to_markdown(leaderboard(make_heat()))
    sit(tmp_path, asked, texts)
    sit(tmp_path, asked, texts, harness_semantics=HARNESS_SEMANTICS)
    exams = Store(tmp_path).exams()
    table, comparisons = students_table(exams), comparisons_table(exams)
    assert comparisons.empty
    assert table["exam"].nunique() == 2
    assert students_markdown(exams, table, comparisons).count(f"Scored by semantics {OLD} of the harness") == 1


def test_a_folder_without_results_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["rescore", str(tmp_path / "nowhere")])
    assert "nowhere: expected a store with a folder records/, found none" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()
