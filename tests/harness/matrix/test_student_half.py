from pathlib import Path

import pandas as pd
import pytest

from offbook.engine.progress import Lines, Silent
from offbook.engine.students.corpus import Corpus, save_corpus
from offbook.harness.matrix import students as module
from offbook.harness.matrix.reproduce import reproduce, verdict_lines
from offbook.harness.matrix.students import plan_half
from offbook.harness.records.store import Store
from offbook.harness.roster.distillers import distiller
from offbook.harness.settings.parse import parse
from offbook.harness.settings.profile import Profile
from offbook.harness.tables.labels import decoder_label, student_label
from offbook.harness.tables.reproduction import IDENTICAL
from offbook.tasks.procedural import generate
from offbook.tasks.rationales.procedural_teacher import corpus
from tests.tiny import save_tiny

EXACT = ["student", "group", "suite", "seeds", "n_items", "accuracy", "change", "gradient_tokens", "setting"]
DECODERS = ("autoregressive", "prompt_lookup", "eagle2")


@pytest.fixture(scope="module")
def profile(tmp_path_factory) -> Profile:
    content = {
        "schema_version": 1,
        "description": "students and a cross on a tiny model",
        "model": str(save_tiny(tmp_path_factory.mktemp("half") / "tiny")),
        "options": {"eagle2": {"total_tokens": 6}},
        "training": {"answers": 6, "epochs": 1, "batch_size": 4, "draft_vocab_size": 64, "max_length": 128},
        "students": {
            "corpus": {"questions": 7, "dev_questions": 7},
            "training": {
                "gradient_tokens": 900,
                "questions_per_step": 2,
                "max_length": 4096,
                "evaluations": 1,
                "learning_rate": 0.01,
            },
            "seeds": 1,
            "methods": {
                "one": {"method": "single_rationale", "seeds": 2},
                "all of them": {"method": "uniform_rationales"},
            },
            "suites": {"id": ["procedural_shopping"], "ood": ["procedural_dates"]},
            "limit": 3,
            "max_new_tokens": 8,
            "cross": {"students": ["one", "all of them"], "decoders": DECODERS, "suites": {"qa": 5}, "limit": 2},
        },
    }
    return parse(Profile, content, source="tiny")


@pytest.fixture(scope="module")
def whole(profile, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    reproduce(profile, folder, Silent(), committed=folder / "none")
    return folder


def exact(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "students.csv")[EXACT]


def test_every_student_sits_the_exam_that_the_untouched_model_sat(whole):
    exams = Store(whole).exams()
    assert {(e.record.spec.student.name, e.record.spec.student.seed) for e in exams} == {
        ("untouched", 0),
        ("one", 0),
        ("one", 1),
        ("all of them", 0),
    }
    assert len({tuple((row.suite, row.doc_hash) for row in e.rows) for e in exams}) == 1
    assert len({e.record.spec.weights_sha256 for e in exams}) == 4
    assert {e.record.spec.base_sha256 for e in exams} == {
        e.record.spec.weights_sha256 for e in exams if e.record.spec.student.name == "untouched"
    }
    assert {e.record.spec.model for e in exams} == {"tiny"}
    assert "4 of 4 exams are done" in (whole / "STUDENTS.md").read_text()


def test_the_cross_runs_each_drafter_as_trained_for_the_base_and_for_the_student(whole):
    records = Store(whole).records("cell")
    arms = {(student_label(r.spec.student), decoder_label(r.spec)) for r in records}
    trained = ("one, seed 0", "all of them, seed 0")
    assert arms == {
        *(("untouched", name) for name in DECODERS),
        *((student, name) for student in trained for name in (*DECODERS, "eagle2 (base's drafter)")),
    }
    drafters = {
        (student_label(r.spec.student), decoder_label(r.spec)): r.spec.drafter.sha256
        for r in records
        if r.spec.drafter is not None
    }
    for student in trained:
        assert drafters[student, "eagle2 (base's drafter)"] == drafters["untouched", "eagle2"]
        assert drafters[student, "eagle2"] != drafters["untouched", "eagle2"]
    assert {r.spec.model for r in records} == {"tiny"}
    assert all(r.certificate.verdict in ("baseline", "lossless", "ties") for r in records)


def test_a_run_that_was_interrupted_goes_on_and_ends_the_same(profile, whole, tmp_path, monkeypatch, capsys):
    made = []

    def make(student, *arguments, **settings):
        made.append(student.name)
        if len(made) == 2:
            raise KeyboardInterrupt
        return original(student, *arguments, **settings)

    original = module.make
    with monkeypatch.context() as patch:
        patch.setattr(module, "make", make)
        with pytest.raises(KeyboardInterrupt):
            reproduce(profile, tmp_path, Silent(), committed=tmp_path / "none")
    text = (tmp_path / "STUDENTS.md").read_text()
    assert "2 of 4 exams are done" in text
    assert "missing: tiny, all of them, seed 0" in text
    verdicts = reproduce(profile, tmp_path, Lines(), committed=whole)
    said = capsys.readouterr().err
    assert said.count("(done before)") == 2, "the untouched model's exam and the first student"
    assert verdicts.students is not None
    assert verdicts.students.counts[IDENTICAL] == len(verdicts.students.table)
    assert any("students, against the committed results" in line for line in verdict_lines(verdicts))
    pd.testing.assert_frame_equal(exact(tmp_path), exact(whole))


def test_students_of_several_processes_share_tables_too(profile, tmp_path, monkeypatch):
    def launch(student, material, folder, corpus, *, device, tables):
        assert tables == folder.parent / module.TABLES
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "launch", launch)
    students = profile.students.model_dump(exclude_defaults=True) | {"processes": 2, "cross": None}
    changed = parse(Profile, profile.model_dump(exclude_defaults=True) | {"students": students}, source="tiny")
    with pytest.raises(KeyboardInterrupt):
        reproduce(changed, tmp_path, Silent(), committed=tmp_path / "none")


def test_a_finished_half_does_nothing_twice(profile, whole, monkeypatch):
    before = (whole / "students.csv").read_bytes()
    for name in ("make", "examine"):
        monkeypatch.setattr(module, name, None)
    monkeypatch.setattr("offbook.harness.trials.heat_answers.decode", None)
    reproduce(profile, whole, Silent(), committed=whole / "none")
    assert (whole / "students.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"corpus": {"source": "nowhere.jsonl"}}, "expected a corpus 'nowhere.jsonl'"),
        ({"methods": {"x": {"method": "minds"}}, "cross": None}, "no distillation method 'minds'"),
        ({"models": ["no/such/folder/anywhere"], "cross": None}, "no model 'no/such/folder/anywhere'"),
        ({"suites": {"id": ["procedural_idd"]}}, "no suite 'procedural_idd'"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_made(profile, changes, complaint):
    students = profile.students.model_dump(exclude_defaults=True) | changes
    changed = parse(Profile, profile.model_dump(exclude_defaults=True) | {"students": students}, source="tiny")
    with pytest.raises(ValueError, match=complaint) as error:
        plan_half(changed, Silent())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("method", "options", "complaint"),
    [
        ("edit", {}, "expected mistakes beside the corpus's rationales for edit, got none"),
        ("single_rationale", {"perspective": "astrology"}, "expected a perspective of the corpus .*, got .astrology."),
        ("mind", {"perspectives": ["astrology"]}, "option perspectives: expected some of .*, got astrology"),
        ("mode_cotd", {"held_out": 3}, "held_out: expected less than the corpus's 3 questions, got 3"),
    ],
)
def test_a_corpus_that_a_method_cannot_learn_from_is_refused_before_others_train(
    profile, tmp_path, method, options, complaint
):
    path = tmp_path / "corpus.jsonl"
    save_corpus(path, corpus(generate("train", "shopping", 9)))
    students = profile.students.model_dump(exclude_defaults=True) | {
        "corpus": {"source": str(path), "questions": 3, "dev_questions": 1},
        "methods": {"first": {"method": "single_rationale"}, "second": {"method": method, "options": options}},
        "cross": None,
    }
    changed = parse(Profile, profile.model_dump(exclude_defaults=True) | {"students": students}, source="tiny")
    with pytest.raises(ValueError, match=f"student second, corpus corpus: {complaint}"):
        reproduce(changed, tmp_path / "run", Silent(), committed=tmp_path / "none")
    assert Store(tmp_path / "run").exams() == []


def test_questions_of_one_rationale_are_too_few_for_pairs():
    (question, *_) = corpus(generate("train", "shopping", 2)).questions
    alone = Corpus.of([question.model_copy(update={"rationales": question.rationales[:1]})])
    with pytest.raises(ValueError, match="expected at least two rationales for mcc_kd, got 1"):
        distiller("mcc_kd").check_corpus({}, alone)


def test_a_profile_without_work_or_with_half_a_half_is_refused(profile):
    content = profile.model_dump(exclude_defaults=True)
    with pytest.raises(ValueError, match="expected decoders, suites and heats together, or students, got no decoders"):
        parse(Profile, content | {"students": None}, source="tiny")
    with pytest.raises(ValueError, match="got no suites"):
        parse(Profile, content | {"decoders": ["autoregressive"]}, source="tiny")
    halves = {"decoders": ["autoregressive"], "suites": {"qa": 5}, "heats": [{}]}
    with pytest.raises(ValueError, match="cross: expected suites that no other heat takes, got 'qa' in both"):
        parse(Profile, content | halves, source="tiny")
    with pytest.raises(ValueError, match="cross: expected the profile's own model, got other models"):
        parse(Profile, content | {"students": content["students"] | {"models": ["x"]}}, source="tiny")
    cross = content["students"]["cross"] | {"students": ["none"]}
    students = content["students"] | {"cross": cross}
    with pytest.raises(ValueError, match="cross: expected students of one, all of them, got 'none'"):
        parse(Profile, content | {"students": students}, source="tiny")
