import json
from collections import Counter
from pathlib import Path

import pytest

from offbook.engine.progress import Silent
from offbook.engine.students.corpus import Corpus, Question, Rationale, close, instruct, save_corpus
from offbook.harness.artifacts.material import find_file, load_material
from offbook.harness.settings.parse import parse
from offbook.harness.settings.students import CorpusSpec
from offbook.tasks.procedural import FAMILIES, generate
from offbook.tasks.procedural.documents import ID_FAMILIES, documents
from offbook.tasks.rationales.procedural_teacher import corpus
from offbook.tasks.source import VARIABLE
from tests.doubles import Told


def material(**changes: object):
    return load_material(parse(CorpusSpec, changes, source="test"), Silent())


def test_the_procedural_corpus_takes_the_families_in_turn_and_develops_on_dev():
    found = material(questions=9, dev_questions=15)
    assert [q.category for q in found.corpus.questions] == [*ID_FAMILIES, *ID_FAMILIES[:2]]
    assert found.corpus.path_mask.all()
    dev = {doc["id"] for family in ID_FAMILIES for doc in documents(family, "dev")}
    assert len(found.dev) == 15
    assert {question.id for question in found.dev} <= dev
    first = documents(ID_FAMILIES[0], "dev")[0]
    assert found.dev[0].is_answered_by(f"So it is.\nThe answer is {first['answer']}.")
    assert not found.dev[0].is_answered_by("The answer is 100003.")


def test_two_hundred_development_questions_come_from_all_stories_of_the_split_and_begin_as_fewer_do():
    found = material(questions=7, dev_questions=203)
    stories = Counter(question.cluster for question in found.dev)
    assert len(stories) == sum(len(FAMILIES[family]["dev"]) for family in ID_FAMILIES)
    assert max(stories.values()) <= 5
    assert len({question.id for question in found.dev}) == 203
    fewer = material(questions=7, dev_questions=70).dev
    assert [question.id for question in found.dev[:70]] == [question.id for question in fewer]
    with pytest.raises(ValueError, match="dev_questions: expected at most 280 for the procedural corpus, got 281"):
        material(questions=7, dev_questions=281)


def test_another_question_or_another_development_set_is_another_material():
    hashes = {material(questions=n, dev_questions=d).sha256 for n, d in ((7, 7), (8, 7), (7, 8))}
    assert len(hashes) == 3
    assert material(questions=7, dev_questions=7).sha256 in hashes


def test_a_file_gives_its_first_questions_to_training_and_its_next_ones_to_development(tmp_path):
    path = tmp_path / "corpus.jsonl"
    save_corpus(path, corpus(generate("train", "shopping", 8)))
    found = material(source=str(path), questions=5, dev_questions=3)
    ids = [f"shopping-train-{n:04d}" for n in range(8)]
    assert [q.id for q in found.corpus.questions] == ids[:5]
    assert [q.id for q in found.dev] == ids[5:]
    answer = generate("train", "shopping", 8)[5].answer
    assert found.dev[0].is_answered_by(f"The answer is {answer}.")
    assert not found.dev[0].is_answered_by("The answer is 100003.")
    with pytest.raises(ValueError, match="expected 6 questions to train on and 3 for development, got 6 and 2"):
        material(source=str(path), questions=6, dev_questions=3)


@pytest.mark.parametrize("listed", ["\n(A) red\n(B) blue", "\n\n(A) red\n(B) blue"])
@pytest.mark.parametrize(("answer", "right"), [("B", "The answer is (B)."), ("blue", "The answer is blue.")])
def test_a_question_with_options_is_asked_as_it_is_trained_and_checked_without(
    listed, answer, right, tmp_path, monkeypatch
):
    questions = []
    for n, text in enumerate(["Which hue?", "Which tint is it?", "Which paint is it now?"]):
        body, span = close("It is so.", answer)
        rationale = Rationale(perspective="p", text=body, answer_span=span, provenance="test", licence="MIT")
        questions.append(Question(id=f"q{n}", question=text + listed, answer=answer, rationales=(rationale,)))
    path = tmp_path / "corpus.jsonl"
    save_corpus(path, Corpus.of(questions))
    monkeypatch.setattr("offbook.harness.artifacts.material.known_test_sets", lambda: {"colours": ["Which hue?"]})
    found = material(source=str(path), questions=1, dev_questions=1)
    assert [q.id for q in found.corpus.questions] == ["q1"]
    assert found.dev[0].prompt == instruct("Which paint is it now?" + listed)
    assert found.dev[0].is_answered_by(right)
    assert not found.dev[0].is_answered_by("The answer is (A) red.")


def test_questions_of_a_test_set_are_left_out_and_said_so(tmp_path, monkeypatch):
    path = tmp_path / "corpus.jsonl"
    problems = [*generate("test", "shopping", 2), *generate("train", "shopping", 4)]
    save_corpus(path, corpus(problems))
    monkeypatch.delenv(VARIABLE, raising=False)
    told = Told()
    found = load_material(CorpusSpec(source=str(path), questions=3, dev_questions=1), told)
    assert all("-train-" in q.id for q in found.corpus.questions)
    assert told.lines[0].startswith("corpus.jsonl: 4 of 6 questions with rationales overlap none of")
    assert "not checked for overlap" in told.lines[1]
    assert "GSM8K" in told.lines[1]


def test_rationales_that_contradict_the_gold_answer_are_counted_aloud(tmp_path):
    text = "One and one more.\nThe answer is {}."
    rows = [
        {
            "id": question,
            "question": question,
            "answer": "2",
            "rationales": [{"perspective": p, "text": text.format(a)} for p, a in (("forward", 2), ("backward", 3))],
        }
        for question in ("How many feet has a bird?", "What is the smallest prime?")
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = Told()
    changes = {"source": str(tmp_path / "rows.jsonl"), "format": "rationale_rows", "questions": 1, "dev_questions": 1}
    load_material(parse(CorpusSpec, changes, source="test"), told)
    assert any(line.startswith("rows.jsonl: 2 rationales left out") for line in told.lines)


def test_development_questions_that_share_words_with_training_are_left_out(tmp_path):
    path = tmp_path / "corpus.jsonl"
    words = "a long story of some twenty words that is told once more with another number at its very end"
    stories = [
        f"Tom has 3 hats. {words} 7?",
        "Ann sews 4 gowns an hour for 2 hours.",
        f"{words} 9?",
        "Is 5 more than 4?",
    ]
    rationale = {"perspective": "p", "source": "me", "text": "So it is 8."}
    rows = [
        {"id": f"q{n}", "question": story, "answer": "8", "rationales": [rationale]} for n, story in enumerate(stories)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = material(source=str(path), format="rationale_rows", questions=2, dev_questions=1)
    assert [question.id for question in found.dev] == ["q3"]


def test_a_relative_file_is_looked_up_below_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    (tmp_path / "train").mkdir()
    row = {"answer": "8"}
    rows = [
        row
        | {
            "id": f"q{n}",
            "question": question,
            "rationales": [{"perspective": p, "source": "me", "text": f"{p}: 2 * 4 = 8."} for p in "abc"],
        }
        for n, question in enumerate(("How many legs do 2 cats have?", "Is 8 even?", "What is twice four?"))
    ]
    (tmp_path / "train" / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    found = material(source="train/rows.jsonl", format="rationale_rows", questions=2, dev_questions=1, perspectives=2)
    assert found.corpus.path_mask.shape == (2, 2)
    assert found.dev[0].is_answered_by("It is 8.")
    with pytest.raises(ValueError, match=f"expected a corpus 'no.jsonl' here or below {VARIABLE}, found none"):
        find_file("no.jsonl")


@pytest.mark.parametrize("missing", ["questions.jsonl", "/nowhere/corpus.jsonl"])
def test_a_missing_file_is_told_in_one_line(missing, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ValueError, match="found none; check the path, or point OFFBOOK_DATA") as error:
        find_file(str(Path(missing)))
    assert "\n" not in str(error.value)
