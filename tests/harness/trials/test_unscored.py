"""Answers that a task could not score are kept: mended, the same command scores them and decodes nothing."""

import json
import os
from pathlib import Path

import pytest

from offbook.engine.progress import Silent
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole as whole_store
from offbook.harness.roster.arms import build_arms
from offbook.harness.roster.target import load_target
from offbook.harness.suites.suite import find_suites
from offbook.harness.trials import decoding, exam_answers, heat, heat_answers
from offbook.harness.trials.exam import exam_spec, examine
from offbook.harness.trials.heat import plan_heat, run_heat
from offbook.harness.trials.paper import set_paper
from tests.doubles import KilledError, Told
from tests.harness.suites.test_task_mistakes import PROCESS, ROWS, evaluate, write

FAILS = "def judge(doc, results):\n    return {'exact_match': {doc['answer']: 1.0}[results[0]]}\n"
MENDED = "def judge(doc, results):\n    return {'exact_match': float(results[0] == doc['answer'])}\n"
NAMES = ("autoregressive", "prompt_lookup")


@pytest.fixture(scope="module")
def target(tiny_folder):
    return load_target(tiny_folder)


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "tasks", PROCESS, rows=ROWS, code=FAILS)


def mend(folder: Path, code: str = MENDED) -> None:
    (folder / "utils.py").write_text(code)
    os.utime(folder / "utils.py", ns=(1, 1))  # another time, however coarse the clock


def plan(target, folder, **settings):
    (suite,) = find_suites(["mine"], include_path=folder)
    return plan_heat(target, build_arms(target, NAMES), suite, **settings)


def kept_in(store: Path) -> dict:
    (file,) = (store / "unscored").iterdir()
    return json.loads(file.read_text())["answers"]


def tokens_of(answers: dict) -> dict:
    return {(a["of"], a["row"]["doc_id"]): tuple(a["row"]["tokens"]) for a in answers["answers"]}


def tokens_in(store: Store) -> dict:
    return {(r.spec.decoder, row.doc_id): row.tokens for r in store.records() for row in store.rows(r)}


@pytest.fixture
def no_decoder(monkeypatch):
    """From when it is called on, nobody decodes."""

    def forbid():
        monkeypatch.setattr(heat_answers, "decode", lambda *_, **__: pytest.fail("an answer was generated again"))
        monkeypatch.setattr(exam_answers, "answer_all", lambda *_, **__: pytest.fail("an answer was generated again"))

    return forbid


def test_the_same_command_scores_kept_answers_once_the_task_is_mended(
    tiny_folder, folder, tmp_path, capsys, no_decoder
):
    out, more = tmp_path / "out", ("--decoders", ",".join(NAMES))
    assert evaluate(tiny_folder, folder, out, *more) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("offbook: error: suite 'mine': expected lm-eval to score its answers, got KeyError: ")
    assert last.endswith(
        f"; mend {folder / 'mine.yaml'}; the answers are kept: once that is mended, the same command with --output "
        f"{out} scores them and generates none again"
    )
    assert not list((out / "records").glob("*"))
    answers = kept_in(out)
    mend(folder)
    no_decoder()
    assert evaluate(tiny_folder, folder, out, *more) == 0
    said = capsys.readouterr().err
    assert len([line for line in said.splitlines() if "they are scored, and none is generated again" in line]) == 1
    store = Store(out)
    assert len(whole_store(store).cells) == len(NAMES)
    assert tokens_in(store) == tokens_of(answers)
    assert len(tokens_in(store)) == len(NAMES) * len(ROWS)
    for record in store.records():
        assert record.started_utc.isoformat() == answers["began"]["started_utc"].replace("Z", "+00:00")
        assert record.manifest["heat"]["load_average"] == {
            "start": answers["began"]["load"],
            "end": answers["load_at_end"],
        }
        assert {name: record.manifest[name] for name in answers["began"]["manifest"]} == answers["began"]["manifest"]
        assert record.wall_s > answers["wall_s"]
        assert all(set(row.scores) == {"exact_match"} for row in store.rows(record))
    assert not (out / "unscored").exists()


def test_mending_the_documents_right_answers_keeps_the_generations_too(target, folder, tmp_path, no_decoder):
    store = Store(tmp_path / "out")
    with pytest.raises(ValueError, match="the answers are kept"):
        run_heat(plan(target, folder), store)
    rows = [row | {"answer": f"{row['answer']}!"} for row in ROWS]
    write(folder, PROCESS | {"description": ""}, rows=rows, code=MENDED)
    mend(folder)
    no_decoder()
    heat = plan(target, folder)
    run_heat(heat, store)
    hashes = {row.doc_id: row.doc_hash for record in store.records() for row in store.rows(record)}
    assert hashes == {request.doc_id: request.doc_hash for request in heat.asked.requests}


def test_a_process_killed_between_decoding_and_scoring_loses_nothing(target, folder, tmp_path, monkeypatch, no_decoder):
    mend(folder)
    store = Store(tmp_path / "out")

    def die(*_):
        raise KilledError

    with monkeypatch.context() as killed:
        killed.setattr(heat_answers, "score", die)
        with pytest.raises(KilledError):
            run_heat(plan(target, folder), store)
    answers = kept_in(store.root)
    no_decoder()
    told = Told()
    run_heat(plan(target, folder), store, told)
    assert tokens_in(store) == tokens_of(answers)
    assert [line for line in told.lines if "none is generated again" in line]


@pytest.mark.parametrize(
    "settings", [{"seed": 1}, {"max_new_tokens": 2}, {"limit": 2}], ids=["another seed", "another cap", "fewer"]
)
def test_answers_of_other_settings_are_never_taken(settings, target, folder, tmp_path, monkeypatch):
    store = Store(tmp_path / "out")
    with pytest.raises(ValueError, match="the answers are kept"):
        run_heat(plan(target, folder), store)
    mend(folder)
    counted = []
    generate = decoding._Watch.generate
    monkeypatch.setattr(decoding._Watch, "generate", lambda *given: counted.append(given) or generate(*given))
    run_heat(plan(target, folder, **settings), store)
    assert len(counted) == len(NAMES) * (2 + settings.get("limit", len(ROWS)))
    assert len(list((store.root / "unscored").iterdir())) == 1, "the first heat's are still there"


def test_a_prompt_that_is_mended_is_answered_anew(target, folder, tmp_path, monkeypatch):
    store = Store(tmp_path / "out")
    with pytest.raises(ValueError, match="the answers are kept"):
        run_heat(plan(target, folder), store)
    write(folder, PROCESS | {"doc_to_text": "Say: {{question}}"}, code=MENDED)
    mend(folder)
    counted = []
    generate = decoding._Watch.generate
    monkeypatch.setattr(decoding._Watch, "generate", lambda *given: counted.append(given) or generate(*given))
    run_heat(plan(target, folder), store)
    assert len(counted) == len(NAMES) * (2 + len(ROWS))


DAMAGE = {
    "cut off": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "no text": lambda data: b"\xff\xfe" + data,
    "another token": lambda data: data.replace(b'"tokens": [', b'"tokens": [7, ', 1),
    "another field": lambda data: data.replace(b'"answers"', b'"answres"'),
    "a list": lambda data: b"[]",
    "nested deeply": lambda data: b"[" * 100_000,
    "another hash": lambda data: data.replace(b'"sha256": "', b'"sha256": "0', 1),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_answers_are_told_in_one_line_and_generated_anew(damage, target, folder, tmp_path):
    store = Store(tmp_path / "out")
    with pytest.raises(ValueError, match="the answers are kept"):
        run_heat(plan(target, folder), store)
    (file,) = (store.root / "unscored").iterdir()
    data = file.read_bytes()
    file.write_bytes(DAMAGE[damage](data))
    assert file.read_bytes() != data
    mend(folder)
    told = Told()
    run_heat(plan(target, folder), store, told)
    (line,) = [line for line in told.lines if str(file) in line]
    assert "expected the answers of an earlier run, got a damaged file (" in line
    assert line.endswith("; they are generated anew")
    assert "\n" not in line
    assert len(whole_store(store).cells) == len(NAMES)
    assert not (store.root / "unscored").exists()


def test_what_is_whole_but_of_another_run_is_generated_anew(target, folder, tmp_path):
    store, other = Store(tmp_path / "out"), Store(tmp_path / "other")
    for place, settings in ((store, {}), (other, {"seed": 1})):
        with pytest.raises(ValueError, match="the answers are kept"):
            run_heat(plan(target, folder, **settings), place)
    (file,), (theirs,) = ((place.root / "unscored").iterdir() for place in (store, other))
    file.write_bytes(theirs.read_bytes())
    mend(folder)
    told = Told()
    run_heat(plan(target, folder), store, told)
    assert [line for line in told.lines if "those of another run" in line]


def test_answers_left_behind_after_the_commit_are_removed_by_the_next_call(target, folder, tmp_path, monkeypatch):
    mend(folder)
    store = Store(tmp_path / "out")
    with monkeypatch.context() as killed:
        killed.setattr(heat, "drop", lambda *_: None)
        run_heat(plan(target, folder), store)
    assert list((store.root / "unscored").iterdir())
    run_heat(plan(target, folder), store)
    assert not (store.root / "unscored").exists()


def test_an_exam_keeps_its_answers_too(target, folder, tmp_path, no_decoder):
    def paper():
        suites = {"id": find_suites(["procedural_shopping"]), "ood": find_suites(["mine"], include_path=folder)}
        return set_paper(suites, target, limit=3, max_new_tokens=6, batch_size=2)

    def sit(told=None):
        asked = paper()
        spec = exam_spec(
            asked,
            model="tiny",
            base_sha256="ab",
            weights_sha256=target.weights_sha256,
            settings_sha256=None,
            dtype="float32",
        )
        return examine(asked, target, spec, None, tmp_path / "out", told or Silent())

    with pytest.raises(ValueError, match=r"suite 'mine': .* KeyError: .*; the answers are kept: once that is mended"):
        sit()
    answers = kept_in(tmp_path / "out")
    assert not Store(tmp_path / "out").exams()
    mend(folder)
    no_decoder()
    told = Told()
    sit(told)
    (exam,) = Store(tmp_path / "out").exams()
    assert [line for line in told.lines if "none is generated again" in line]
    assert exam.record.started_utc.isoformat() == answers["began"]["started_utc"].replace("Z", "+00:00")
    assert sorted(row.tokens for row in exam.rows) == sorted(len(a["tokens"]) for a in answers["answers"])
    assert len(exam.rows) == 6
    assert not (tmp_path / "out" / "unscored").exists()
