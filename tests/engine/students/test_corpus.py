"""The corpus format: what a line must be, and where a perspective is missing."""

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.engine.students.corpus import Corpus, Question, Rationale, close, load_corpus, save_corpus


def rationale(perspective: str, text: str = "2 + 3 = 5, and twice that is 10.", answer: str = "10") -> Rationale:
    whole, span = close(text, answer)
    return Rationale(perspective=perspective, text=whole, answer_span=span, provenance="test", licence="Apache-2.0")


def question(name: str, *perspectives: str, mistakes: tuple[Rationale, ...] = ()) -> Question:
    rationales = tuple(map(rationale, perspectives))
    return Question(id=name, question="?", answer="10", rationales=rationales, mistakes=mistakes)


MISTAKE = rationale("planning", "2 + 3 = 5, and three more is 8.", "8")


def test_a_corpus_survives_its_file(tmp_path: Path) -> None:
    corpus = Corpus.of([question("a", "planning", "analogy"), question("b", "analogy")])
    save_corpus(tmp_path / "c.jsonl", corpus)
    assert load_corpus(tmp_path / "c.jsonl") == corpus


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\r", "\f"])
def test_a_separator_of_lines_inside_a_text_survives_the_file(separator: str, tmp_path: Path) -> None:
    whole = Question(id="a", question="?", answer="10", rationales=(rationale("planning", f"5,{separator}twice."),))
    save_corpus(tmp_path / "c.jsonl", Corpus.of([whole]))
    assert load_corpus(tmp_path / "c.jsonl").questions == (whole,)


def test_the_order_of_perspectives_survives_a_first_question_that_lacks_one(tmp_path: Path) -> None:
    order = ("planning", "analogy", "socratic")
    corpus = Corpus.of([question("a", "planning", "socratic"), question("b", *order), question("c", "poetic")], order)
    save_corpus(tmp_path / "c.jsonl", corpus)
    assert load_corpus(tmp_path / "c.jsonl") == corpus
    assert corpus.perspectives == (*order, "poetic")


def test_mistakes_survive_the_file_and_are_written_where_there_are_some(tmp_path: Path) -> None:
    corpus = Corpus.of([question("a", "planning", mistakes=(MISTAKE,)), question("b", "planning")])
    save_corpus(tmp_path / "c.jsonl", corpus)
    assert load_corpus(tmp_path / "c.jsonl") == corpus
    first, second = map(json.loads, (tmp_path / "c.jsonl").read_text().splitlines())
    assert first["mistakes"] == [MISTAKE.model_dump(mode="json")]
    assert "mistakes" not in second
    assert "mistakes" not in question("b", "planning").model_dump(mode="json")


def test_a_file_from_before_mistakes_is_written_again_byte_for_byte(tmp_path: Path) -> None:
    line = (
        '{"id": "q", "question": "2 + 3?", "answer": "5", "category": "", "rationales": [{"perspective": "p", '
        '"text": "Count.\\nThe answer is 5.", "answer_span": [21, 22], "provenance": "x", "licence": "MIT"}]}\n'
    )
    (tmp_path / "old.jsonl").write_text(line, encoding="utf-8")
    save_corpus(tmp_path / "new.jsonl", load_corpus(tmp_path / "old.jsonl"))
    assert (tmp_path / "new.jsonl").read_text(encoding="utf-8") == line


def test_the_mask_shows_missing_perspectives() -> None:
    corpus = Corpus.of([question("a", "planning", "analogy"), question("b", "socratic")])
    assert corpus.perspectives == ("planning", "analogy", "socratic")
    assert corpus.path_mask.tolist() == [[True, True, False], [False, False, True]]
    assert corpus.path(1, 0) is None
    assert corpus.path(1, 2) == rationale("socratic")


def test_the_span_lies_on_the_answer() -> None:
    text, (start, end) = close("so 7.\n", "seven")
    assert text == "so 7.\nThe answer is seven."
    assert text[start:end] == "seven"


def spoilt(path: tuple[str | int, ...], value: Any) -> str:
    row = question("a", "planning", "analogy", mistakes=(MISTAKE,)).model_dump(mode="json")
    place: Any = row
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(row)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "JSON"),
        (spoilt(("answer",), "11"), "The answer is 11."),
        (spoilt(("answer",), 10), "answer"),
        (spoilt(("rationales",), []), "rationales"),
        (spoilt(("rationales", 1, "perspective"), "planning"), "several of 'planning'"),
        (spoilt(("rationales", 0, "answer_span"), [0, 2]), "span"),
        (spoilt(("rationales", 0, "text"), "no answer line"), "planning"),
        (spoilt(("rationales", 0, "licence"), ""), "licence"),
        (spoilt(("mood",), "good"), "mood"),
        (spoilt(("mistakes",), [rationale("planning").model_dump()]), "another answer than '10'"),
        (spoilt(("mistakes",), [MISTAKE.model_dump()] * 2), "one mistake a perspective"),
        (spoilt(("mistakes", 0, "text"), "no answer line"), "planning"),
        (spoilt(("mistakes", 0, "answer_span"), [0, 1]), "span"),
    ],
)
def test_a_spoilt_line_is_refused_in_one_line(line: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(question("z", "planning").model_dump_json() + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"c\.jsonl, line 2: ") as caught:
        load_corpus(path)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_id_must_be_unique() -> None:
    with pytest.raises(ValueError, match="'a' several times"):
        Corpus.of([question("a", "planning"), question("a", "analogy")])


@pytest.mark.parametrize("content", [None, ""])
def test_a_missing_or_empty_corpus_is_refused(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match="expected a corpus"):
        load_corpus(path)
