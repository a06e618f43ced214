from pathlib import Path

import pandas as pd
import pytest

from offbook.engine.progress import Lines, Silent
from offbook.engine.students.corpus import Corpus, save_corpus
from offbook.harness.artifacts.folders import tables_folder
from offbook.harness.matrix import making as module
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.reproduce import reproduce
from offbook.harness.records.store import Store
from offbook.harness.roster.distillers import distiller
from offbook.harness.tables.judging import IDENTICAL
from offbook.harness.tables.labels import decoder_label, student_label
from offbook.harness.tables.reproduction import verdict_lines
from offbook.tasks.procedural import generate
from offbook.tasks.rationales.procedural_teacher import corpus
from tests.matrices import matrix
from tests.tiny import save_tiny

EXACT = ["student", "group", "suite", "seeds", "n_items", "accuracy", "change", "gradient_tokens", "setting"]
DECODERS = ("autoregressive", "prompt_lookup", "eagle2")


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> dict:
    eagle2 = {"decoder": "eagle2", "options": {"total_tokens": 6}}
    return {
        "models": {str(save_tiny(tmp_path_factory.mktemp("half") / "tiny")): {}},
        "decoders": {
            "autoregressive": {},
            "prompt_lookup": {},
            "eagle2": eagle2,
            "eagle2_of_base": eagle2 | {"drafter": "base"},
        },
        "drafters": {
            **{"answers": 6, "epochs": 1, "batch_size": 4, "draft_vocab_size": 64, "max_length": 128},
            "source": "regenerate",
        },
        "suites": {"qa": {"max_new_tokens": 5, "limit": 2}},
        "include": [{"training_seeds": 0}],
        "corpus": {"questions": 7, "dev_questions": 7},
        "training": {
            "gradient_tokens": 900,
            "questions_per_step": 2,
            "max_length": 4096,
            "evaluations": 1,
            "learning_rate": 0.01,
        },
        "students": {
            "one": {"method": "single_rationale", "seeds": 2},
            "all of them": {"method": "uniform_rationales"},
        },
        "exams": {
            "suites": {"id": ["procedural_shopping"], "ood": ["procedural_dates"]},
            "limit": 3,
            "max_new_tokens": 8,
        },
    }


@pytest.fixture(scope="module")
def graph(content) -> Graph:
    return plan(matrix(content))


@pytest.fixture(scope="module")
def whole(graph, tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("whole")
    reproduce(graph, folder, Silent(), committed=folder / "none")
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


@pytest.mark.slow
def test_a_run_that_was_interrupted_goes_on_and_ends_the_same(graph, whole, tmp_path, monkeypatch, capsys):
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
            reproduce(graph, tmp_path, Silent(), committed=tmp_path / "none")
    assert len(Store(tmp_path).exams()) == 2, "the untouched model's and the first student's"
    assert (tmp_path / "STUDENTS.md").is_file()
    _, compared = reproduce(graph, tmp_path, Lines(), committed=whole)
    assert "stages were done before" in capsys.readouterr().err
    (students,) = (part for part in compared if part.name == "students")
    assert students.counts[IDENTICAL] == len(students.table)
    assert any("students, against the committed results" in line for line in verdict_lines(compared))
    pd.testing.assert_frame_equal(exact(tmp_path), exact(whole))


def test_students_of_several_processes_share_tables_too(content, tmp_path, monkeypatch):
    def launch(student, material, folder, corpus, *, device, tables):
        assert tables == tables_folder(tmp_path)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "launch", launch)
    changed = matrix(content, processes=2, include=[{"students": "untouched", "decoders": "autoregressive"}])
    with pytest.raises(KeyboardInterrupt):
        reproduce(plan(changed), tmp_path, Silent(), committed=tmp_path / "none")


def test_a_finished_half_does_nothing_twice(graph, whole, monkeypatch):
    before = (whole / "students.csv").read_bytes()
    for name in ("make", "run"):
        monkeypatch.setattr(module, name, None)
    reproduce(graph, whole, Silent(), committed=whole / "none")
    assert (whole / "students.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"corpus": {"source": "nowhere.jsonl"}}, "expected a corpus 'nowhere.jsonl'"),
        ({"students": {"x": {"method": "minds"}}}, "no distillation method 'minds'"),
        ({"models": {"no/such/folder/anywhere": {}}}, "no model 'no/such/folder/anywhere'"),
        ({"exams": {"suites": {"id": ["procedural_idd"]}}}, "no suite 'procedural_idd'"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_made(content, changes, complaint):
    with pytest.raises(ValueError, match=complaint) as error:
        plan(matrix(content, **changes))
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
    content, tmp_path, method, options, complaint, monkeypatch
):
    monkeypatch.setattr("offbook.engine.students.text_encoder.encoder_sha256", lambda name: "ab")
    path = tmp_path / "corpus.jsonl"
    save_corpus(path, corpus(generate("train", "shopping", 9)))
    changed = matrix(
        content,
        corpus={"source": str(path), "questions": 3, "dev_questions": 1},
        students={"first": {"method": "single_rationale"}, "second": {"method": method, "options": options}},
    )
    with pytest.raises(ValueError, match=f"student second, corpus corpus: {complaint}"):
        reproduce(plan(changed), tmp_path / "run", Silent(), committed=tmp_path / "none")
    assert not (tmp_path / "run").exists()


def test_more_processes_than_gpus_are_refused(content, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(ValueError, match="expected a GPU for each of 3 processes, got 2"):
        reproduce(plan(matrix(content, processes=3)), tmp_path / "run", Silent(), device="cpu")
    assert not (tmp_path / "run").exists()


def test_questions_of_one_rationale_are_too_few_for_pairs():
    (question, *_) = corpus(generate("train", "shopping", 2)).questions
    alone = Corpus.of([question.model_copy(update={"rationales": question.rationales[:1]})])
    with pytest.raises(ValueError, match="expected at least two rationales for mcc_kd, got 1"):
        distiller("mcc_kd").check_corpus({}, alone)


def test_a_matrix_without_work_or_with_half_a_half_is_refused(content):
    with pytest.raises(ValueError, match="expected decoders and suites together, or exams, got no decoders"):
        matrix(content, decoders={})
    with pytest.raises(ValueError, match="got no suites"):
        matrix(content, suites={})
    with pytest.raises(
        ValueError, match=r"include\.students: expected some of untouched, one, all of them, got 'none'"
    ):
        matrix(content, include=[{"students": "none"}])
