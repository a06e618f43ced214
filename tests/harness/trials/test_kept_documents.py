"""A heat that is stopped goes on behind the documents that all its arms have answered, and its manifest says so."""

from datetime import UTC, datetime

import pytest

from offbook.engine.progress import Silent
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole as whole_store
from offbook.harness.roster.arms import build_arms
from offbook.harness.roster.target import load_target
from offbook.harness.suites.suite import find_suites
from offbook.harness.trials import decoding, heat_answers, kept_documents, unscored
from offbook.harness.trials.heat import plan_heat, run_heat
from offbook.harness.trials.kept_documents import KeptDocuments
from offbook.harness.trials.unscored import Began
from tests.doubles import KilledError, Told
from tests.harness.suites.test_task_mistakes import PROCESS, ROWS, write

JUDGE = "def judge(doc, results):\n    return {'exact_match': float(results[0] == doc['answer'])}\n"
NAMES = ("autoregressive", "prompt_lookup")
ARMS, DOCUMENTS = len(NAMES), len(ROWS)
IN_THE_LAST = ARMS + ARMS * (DOCUMENTS - 1) + 1  # answers: the warm-up, all documents but the last, one to the last


@pytest.fixture(scope="module")
def target(tiny_folder):
    return load_target(tiny_folder)


@pytest.fixture
def heat(target, tmp_path):
    """Makes the heat anew, as every process does."""
    folder = write(tmp_path / "tasks", PROCESS, rows=ROWS, code=JUDGE)

    def planned():
        (suite,) = find_suites(["mine"], include_path=folder)
        return plan_heat(target, build_arms(target, NAMES), suite)

    return planned


@pytest.fixture
def asked(monkeypatch):
    """Who was asked what, in order; the process is killed where the list is as long as `killed_at`."""

    class Asked(list):
        killed_at = None

    found, generate = Asked(), decoding._Watch.generate

    def noted(watch, arm, doc_id, *more):
        if len(found) == found.killed_at:
            raise KilledError
        found.append((arm.id, doc_id))
        return generate(watch, arm, doc_id, *more)

    monkeypatch.setattr(decoding._Watch, "generate", noted)
    return found


def stop(heat, store, asked, *, at=IN_THE_LAST):
    """Runs the heat until its process is killed, behind so many answers; returns who was asked what."""
    asked.killed_at = at
    with pytest.raises(KilledError):
        run_heat(heat(), store)
    was, asked.killed_at = [*asked], None
    asked.clear()
    return was


def tokens_in(store):
    return {(r.spec.decoder, row.doc_id): row.tokens for r in store.records() for row in store.rows(r)}


def parts_of(store):
    (parts,) = {str(record.manifest["heat"]["parts"]) for record in store.records()}
    found = store.records()[0].manifest["heat"]["parts"]
    assert str(found) == parts
    return found


def test_a_stopped_heat_asks_only_for_what_not_all_arms_have_answered(heat, tmp_path, asked):
    store, undisturbed = Store(tmp_path / "out"), Store(tmp_path / "whole")
    run_heat(heat(), undisturbed)
    whole = [*asked]
    asked.clear()
    was = stop(heat, store, asked)
    assert was == whole[:IN_THE_LAST]
    assert not list((store.root / "records").glob("*"))
    told = Told()
    run_heat(heat(), store, told)
    assert asked == whole[:ARMS] + whole[-2 * ARMS :], "the warm-up, the last document in its order, and the look back"
    assert [line for line in told.lines if "the answers to 2 documents of a heat that was stopped were kept" in line]
    assert tokens_in(store) == tokens_in(undisturbed)
    assert len(whole_store(store).cells) == ARMS
    assert not (store.root / "unscored").exists()


def test_the_manifest_says_which_process_answered_how_many_documents(heat, tmp_path, asked):
    store, undisturbed = Store(tmp_path / "out"), Store(tmp_path / "whole")
    run_heat(heat(), undisturbed)
    assert all("parts" not in record.manifest["heat"] for record in undisturbed.records())
    asked.clear()
    stop(heat, store, asked)
    run_heat(heat(), store)
    first, second = parts_of(store)
    assert (first["documents"], second["documents"]) == (DOCUMENTS - 1, 1)
    record = store.records()[0]
    assert first["started_utc"] == record.started_utc.isoformat()
    assert first["started_utc"] < second["started_utc"] < record.finished_utc.isoformat()
    answered = sum(row.prefill_s + row.decode_s for r in store.records() for row in store.rows(r))
    assert record.wall_s > answered, "seconds of both processes"


def test_a_heat_may_be_stopped_more_than_once(heat, tmp_path, asked):
    store = Store(tmp_path / "out")
    stop(heat, store, asked, at=2 * ARMS)
    stop(heat, store, asked, at=2 * ARMS)
    run_heat(heat(), store)
    assert [part["documents"] for part in parts_of(store)] == [1, 1, 1]
    assert len(tokens_in(store)) == ARMS * DOCUMENTS


def test_an_arm_that_remembers_documents_begins_with_the_first(target, tmp_path, asked):
    def planned():
        (suite,) = find_suites(["mine"], include_path=write(tmp_path / "tasks", PROCESS, rows=ROWS, code=JUDGE))
        arms = build_arms(target, ["autoregressive", "suffix"], options={"suffix": {"memory": "suite"}})
        return plan_heat(target, arms, suite)

    store = Store(tmp_path / "out")
    was = stop(planned, store, asked)
    run_heat(planned(), store)
    assert asked[: len(was)] == was
    assert len(asked) == ARMS * (DOCUMENTS + 2), "the warm-up, all documents, and the look back"
    assert all("parts" not in record.manifest["heat"] for record in store.records())


def test_nothing_is_asked_where_every_document_was_answered(heat, tmp_path, asked, monkeypatch):
    store = Store(tmp_path / "out")
    stop(heat, store, asked, at=ARMS * (1 + DOCUMENTS))
    monkeypatch.setattr(heat_answers, "decode", lambda *_, **__: pytest.fail("somebody was asked"))
    run_heat(heat(), store)
    assert len(whole_store(store).cells) == ARMS
    assert not (store.root / "unscored").exists()


def another_code(monkeypatch):
    monkeypatch.setattr(kept_documents, "code_sha256", lambda: "another")


def another_machine(monkeypatch):
    changed(monkeypatch, cpu="another")


def later_commit(monkeypatch):
    changed(monkeypatch, git={"commit": "later"})


def changed(monkeypatch, **what):
    manifest = unscored.process_manifest
    monkeypatch.setattr(unscored, "process_manifest", lambda: manifest() | what)


@pytest.mark.parametrize("change", [another_code, another_machine])
def test_answers_of_other_code_or_of_another_machine_are_generated_anew(change, heat, tmp_path, asked, monkeypatch):
    store = Store(tmp_path / "out")
    stop(heat, store, asked)
    change(monkeypatch)
    told = Told()
    run_heat(heat(), store, told)
    assert len(asked) == ARMS * (2 + DOCUMENTS)
    assert [line for line in told.lines if line.endswith("; they are generated anew, and those of 1 more")]
    assert all("parts" not in record.manifest["heat"] for record in store.records())


def test_a_commit_that_changes_no_code_is_told_and_loses_nothing(heat, tmp_path, asked, monkeypatch):
    store = Store(tmp_path / "out")
    stop(heat, store, asked)
    later_commit(monkeypatch)
    run_heat(heat(), store)
    first, second = parts_of(store)
    assert second["git"] == {"commit": "later"}
    assert store.records()[0].manifest["git"] == first["git"] != second["git"]


def test_a_document_whose_file_is_damaged_is_answered_anew_and_the_others_are_not(heat, tmp_path, asked):
    store = Store(tmp_path / "out")
    stop(heat, store, asked)
    (folder,) = (store.root / "unscored").iterdir()
    path = folder / "1.json"
    path.write_bytes(path.read_bytes()[:-9])
    told = Told()
    run_heat(heat(), store, told)
    assert [line for line in told.lines if str(path) in line and "\n" not in line]
    assert len(asked) == ARMS * (2 + 2)
    assert len(tokens_in(store)) == ARMS * DOCUMENTS


def test_what_an_arm_was_found_to_do_before_the_stop_is_not_forgotten(tmp_path):
    row = DocumentRow(
        doc_id=0,
        doc_hash="ab",
        prompt_tokens=1,
        tokens=(1,),
        prefill_committed=1,
        text="a",
        finish_reason="eos",
        rounds=(),
        draft_forwards=0,
        prefill_s=0.5,
        decode_s=0.0,
        draft_s=None,
        target_s=None,
        peak_bytes=0,
        scores={},
    )

    def process(hour):
        began = Began(started_utc=datetime(2026, 1, 1, hour, tzinfo=UTC), manifest={"cpu": "this"}, load=None)
        return KeptDocuments(tmp_path, "qa", "cd" * 32, arms=["one", "other"], began=began)

    rows = {"one": row, "other": row}
    process(1).keep(0, rows, {"one": "asked in secret"})
    later = process(2)
    assert later.find([0, 1], Silent()) == {0}
    later.keep(1, {arm: row.model_copy(update={"doc_id": 1}) for arm in rows}, {})
    whole = later.whole([0, 1], {"other": "remembers"}, load=None)
    assert whole.found == {"one": "asked in secret", "other": "remembers"}
    assert sorted((answer.of, answer.doc_id) for answer in whole.answers) == [
        *(("one", doc_id) for doc_id in (0, 1)),
        *(("other", doc_id) for doc_id in (0, 1)),
    ]
