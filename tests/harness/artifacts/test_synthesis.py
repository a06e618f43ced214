"""`offbook synthesize`, from the command line to the corpus."""

import json
from collections import Counter
from pathlib import Path

import pytest

from offbook.baselines.distillation.edit import dual_rationales
from offbook.engine.students.corpus import Corpus, load_corpus
from offbook.engine.students.paths import encode_corpus
from offbook.harness.cli.main import main
from offbook.tasks.answers import score
from offbook.tasks.rationales.synthesis.questions import train_problems
from tests.baselines.distillation_job import TOKENIZER, job
from tests.tasks.rationales.chat_server import ChatServer
from tests.tiny import save_tiny


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert isinstance(end.value.code, int)
    return end.value.code


def pairs(corpus: Corpus, folder: Path) -> int:
    """How many pairs of a right and a mistaken rationale EDIT finds in a corpus."""
    questions = encode_corpus(corpus, TOKENIZER, max_length=4000)
    return sum(len(dual.pairs) for dual in dual_rationales(job(folder, corpus, max_length=4000), questions))


def test_the_procedural_teacher_needs_no_model(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("OFFBOOK_DATA", raising=False)
    path = tmp_path / "corpus.jsonl"
    arguments = ["synthesize", "--output", str(path), "--per-family", "2", "--target-size", "9"]
    assert status(*arguments) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{path}\n"
    assert "no --student: difficulty is not measured" in captured.err
    absent = ["GSM8K", "SVAMP", "MATH500", "CommonsenseQA", "StrategyQA", "GPQA-Diamond", "ARC-Easy", "OpenBookQA"]
    assert f"not checked for overlap, for want of their files below OFFBOOK_DATA: {', '.join(absent)}" in captured.err
    report = json.loads((tmp_path / "corpus.synthesis" / "report.json").read_text())
    assert report["unchecked_test_sets"] == absent
    corpus = load_corpus(path)
    assert corpus.path_mask.shape == (9, 8)
    assert corpus.path_mask.all()
    assert len({q.category for q in corpus.questions}) > 3
    assert "72 of 72 rationales, 72 mistakes" in captured.err
    assert pairs(corpus, tmp_path) == 72
    first = path.read_bytes()
    assert status(*arguments) == 0
    assert path.read_bytes() == first


def test_a_teacher_behind_a_server_is_judged_and_asked_once(tmp_path, capsys, monkeypatch):
    pytest.importorskip("openai", reason="the library openai is not installed")
    (tmp_path / "data" / "test").mkdir(parents=True)
    leaked = {"id": "leaked", "question": "How much is one and one?", "answer": "2"}
    (tmp_path / "data" / "test" / "gsm8k_test.jsonl").write_text(json.dumps(leaked) + "\n")
    monkeypatch.setenv("OFFBOOK_DATA", str(tmp_path / "data"))
    rows = [leaked, {"id": "q", "question": "How much is 3 + 4?", "answer": "7"}]
    rows.append({"id": "hopeless", "question": "How much is 5 + 6?", "answer": "11"})
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def reply(body, n):
        prompt = body["messages"][0]["content"]
        if body["model"] == "judge":
            return 200, "no" if "numbered smaller questions" in prompt else "yes"
        return 200, "3 + 4 = 7.\n#### 7"

    path = tmp_path / "corpus.jsonl"
    with ChatServer(reply) as server:
        arguments = ["synthesize", "--teacher", "openai", "--base-url", server.url, "--teacher-model", "teacher"]
        arguments += ["--judge-model", "judge", "--questions", str(tmp_path / "rows.jsonl"), "--output", str(path)]
        arguments += ["--attempts", "2", "--licence", "MIT"]
        assert status(*arguments) == 0
        err = capsys.readouterr().err
        assert "dropped: leaked overlaps GSM8K" in err
        assert "no rationale passed: 1 of 2 questions" in err
        before = sum(server.requests.values())
        assert status(*arguments) == 0
        assert sum(server.requests.values()) == before
    (question,) = load_corpus(path).questions
    assert question.id == "q"
    assert {r.perspective for r in question.rationales}.isdisjoint({"decomposition"})
    assert len(question.rationales) == 7
    assert {(r.text, r.provenance, r.licence) for r in question.rationales} == {
        ("3 + 4 = 7.\nThe answer is 7.", "teacher", "MIT")
    }
    report = json.loads((tmp_path / "corpus.synthesis" / "report.json").read_text())
    assert report["overlapping"] == {"leaked": "GSM8K"}
    assert "GSM8K" in report["test_sets"]
    assert "GSM8K" not in report["unchecked_test_sets"]
    assert report["rejected"]["decomposition: perspective"] == 2
    assert report["rejected"]["decomposition: answer"] == 2


def test_what_a_teacher_first_gets_wrong_is_what_edit_learns_from(tmp_path, capsys, monkeypatch):
    pytest.importorskip("openai", reason="the library openai is not installed")
    monkeypatch.delenv("OFFBOOK_DATA", raising=False)
    rows = [{"id": f"q{n}", "question": f"How much is {n} + 4?", "answer": str(n + 4)} for n in range(3)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = Counter()

    def reply(body, n):
        prompt = body["messages"][0]["content"]
        asked[prompt] += 1
        a = next(n for n in range(3) if f"{n} + 4" in prompt)
        wrong = asked[prompt] == 1 and a != 2  # the last question is answered rightly at once
        return 200, f"{a} + 4 = {a + 4 + wrong}.\n#### {a + 4 + wrong}"

    path = tmp_path / "corpus.jsonl"
    with ChatServer(reply) as server:
        arguments = ["synthesize", "--teacher", "openai", "--base-url", server.url, "--teacher-model", "teacher"]
        arguments += ["--questions", str(tmp_path / "rows.jsonl"), "--output", str(path), "--licence", "MIT"]
        assert status(*arguments) == 0
        assert "24 of 24 rationales, 16 mistakes" in capsys.readouterr().err
        first = path.read_bytes()
        assert status(*arguments) == 0
    assert path.read_bytes() == first
    corpus = load_corpus(path)
    assert [{m.text for m in q.mistakes} for q in corpus.questions] == [
        {"0 + 4 = 5.\nThe answer is 5."},
        {"1 + 4 = 6.\nThe answer is 6."},
        set(),
    ]
    assert pairs(corpus, tmp_path) == 16
    assert json.loads((tmp_path / "corpus.synthesis" / "report.json").read_text())["mistakes"] == 16


def test_difficulty_is_that_of_the_students_samples(tmp_path):
    tiny = str(save_tiny(tmp_path / "tiny", max_position_embeddings=2048))
    path = tmp_path / "corpus.jsonl"
    arguments = ["synthesize", "--output", str(path), "--limit", "3", "--target-size", "1", "--student", tiny]
    assert status(*arguments) == 0
    samples = [json.loads(line) for line in (tmp_path / "corpus.synthesis" / "student.jsonl").read_text().splitlines()]
    gold = {p.id: p.answer for p in train_problems(160, 3)}
    right = {
        name: [s for s in samples if s["question"] == name and score(s["text"], answer, "number")]
        for name, answer in gold.items()
    }
    report = json.loads((tmp_path / "corpus.synthesis" / "report.json").read_text())
    assert len(samples) == 24
    assert report["difficulty"] == {name: 0.0 if texts else 1.0 for name, texts in right.items()}
    hard = [name for name, texts in right.items() if not texts]
    assert hard
    assert [q.id for q in load_corpus(path).questions] == hard


def test_easy_questions_are_left_out_until_the_target_is_met(tmp_path, monkeypatch):
    easy, middling, hard = train_problems(160, 3)

    def answer(self, asks, keep):
        for ask in asks:
            knows = {easy.id: True, middling.id: ask.attempt < 2, hard.id: False}[ask.question]
            gold = next(p.answer for p in (easy, middling, hard) if p.id == ask.question)
            keep(ask, f"The answer is {gold if knows else 100003}.")

    monkeypatch.setattr("offbook.tasks.rationales.synthesis.local_model.LocalModel.answer", answer)
    path = tmp_path / "corpus.jsonl"
    arguments = ["synthesize", "--output", str(path), "--limit", "3", "--samples", "16"]
    arguments += ["--student", str(save_tiny(tmp_path / "tiny"))]
    for size, kept in (("1", [hard]), ("2", [middling, hard]), ("3", [easy, middling, hard])):
        assert status(*arguments, "--target-size", size) == 0
        assert [q.id for q in load_corpus(path).questions] == [p.id for p in kept]


def test_a_teacher_of_this_machine_that_knows_nothing_leaves_no_corpus(tmp_path, capsys):
    tiny = str(save_tiny(tmp_path / "tiny", max_position_embeddings=2048))
    path = tmp_path / "corpus.jsonl"
    arguments = ["synthesize", "--output", str(path), "--limit", "2", "--attempts", "1", "--max-new-tokens", "4"]
    assert status(*arguments, "--teacher", "transformers", "--teacher-model", tiny) == 2
    assert "expected questions with rationales, got none of 2" in capsys.readouterr().err
    assert not path.exists()
    assert len((tmp_path / "corpus.synthesis" / "teacher.jsonl").read_text().splitlines()) == 16
