"""What a teacher answers wrongly stays beside its right rationales as a mistake, closed by its own answer."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offbook.engine.students.corpus import Corpus, load_corpus, save_corpus
from offbook.tasks.rationales.perspectives import PERSPECTIVES
from offbook.tasks.rationales.synthesis.ask import Ask
from offbook.tasks.rationales.synthesis.journal import Journal
from offbook.tasks.rationales.synthesis.mistake import as_mistake
from offbook.tasks.rationales.synthesis.questions import Asked, kind_of
from offbook.tasks.rationales.synthesis.rationale_rows import load_rationale_rows
from offbook.tasks.rationales.synthesis.server import ServerModel
from offbook.tasks.rationales.synthesis.write import Written, write
from tests.tasks.rationales.chat_server import ChatServer

OTHERS = os.environ.get("OFFBOOK_DATA")
PLANNING, SOCRATIC = (next(p for p in PERSPECTIVES if p.id == name) for name in ("planning", "socratic"))
QUESTION = Asked(id="q", text="How much is 3 + 4?", answer="7", kind="number")


def asked(answer: str, *choices: str) -> Asked:
    return Asked(id="q", text="?", answer=answer, kind=kind_of(answer, choices), choices=choices)


class Told:
    """A teacher that says what it is told to."""

    name, settings = "told", ""

    def __init__(self, reply: Callable[[Ask], str]) -> None:
        self.reply = reply

    def answer(self, asks, keep) -> None:
        for ask in asks:
            keep(ask, self.reply(ask))


def written(reply: Callable[[Ask], str], folder: Path, judge: Callable[[Ask], str] | None = None) -> Written:
    return write(
        [QUESTION],
        Journal(Told(reply), folder / "t.jsonl"),
        None if judge is None else Journal(Told(judge), folder / "j.jsonl"),
        licence="MIT",
        perspectives=[PLANNING, SOCRATIC],
    )


def mistakes(corpus: Corpus | Written) -> list[dict[str, str]]:
    return [{m.perspective: m.text for m in q.mistakes} for q in corpus.questions]


def test_the_first_wrong_answer_of_a_path_is_its_mistake_and_the_corpus_survives_a_file(tmp_path):
    def reply(ask):
        if ask.perspective == "socratic":
            return "3 + 4 = 7. The answer is 7."
        return ["I do not know.", "3 + 4 = 8.\n#### 8", "3 + 4 = 9.\n#### 9", "3 + 4 = 7.\n#### 7"][ask.attempt]

    found = written(reply, tmp_path)
    (question,) = found.questions
    (mistake,) = question.mistakes
    assert (mistake.perspective, mistake.text) == ("planning", "3 + 4 = 8.\nThe answer is 8.")
    assert (mistake.provenance, mistake.licence) == ("told", "MIT")
    assert [r.perspective for r in question.rationales] == ["planning", "socratic"]
    assert found.rejected == {("planning", "answer"): 3}
    corpus = Corpus.of(found.questions)
    save_corpus(tmp_path / "c.jsonl", corpus)
    assert load_corpus(tmp_path / "c.jsonl") == corpus


def test_a_path_that_never_passes_leaves_its_mistake_beside_the_others(tmp_path):
    def reply(ask):
        return "3 + 4 = 8.\n#### 8" if ask.perspective == "socratic" else "3 + 4 = 7.\n#### 7"

    (question,) = written(reply, tmp_path).questions
    assert [r.perspective for r in question.rationales] == ["planning"]
    assert [m.perspective for m in question.mistakes] == ["socratic"]


def test_a_question_with_mistakes_alone_is_left_out(tmp_path):
    assert written(lambda ask: "3 + 4 = 8.\n#### 8", tmp_path).questions == ()


def test_what_the_judging_model_rejects_is_no_mistake(tmp_path):
    found = written(lambda ask: "3 + 4 = 7.\n#### 7", tmp_path, lambda ask: "no" if ask.attempt < 2 else "yes")
    assert found.rejected == {("planning", "perspective"): 2, ("socratic", "perspective"): 2}
    assert mistakes(found) == [{}]


def test_thoughts_are_no_part_of_a_mistake(tmp_path):
    texts = ["<think>Hm. The answer is 9.</think>\n3 + 4 = 8.\nThe answer is 8.", "3 + 4 = 7"]
    found = written(lambda ask: texts[min(ask.attempt, 1)], tmp_path)
    assert set(mistakes(found)[0].values()) == {"3 + 4 = 8.\nThe answer is 8."}


def test_going_on_after_an_interruption_keeps_the_same_mistakes(tmp_path):
    pytest.importorskip("openai", reason="the library openai is not installed")
    down = True

    def reply(body, n):
        """Every path is answered wrongly twice, with other wrong answers, then rightly; once the server stops."""
        seen = replies.setdefault(body["seed"], len(replies))
        attempt = sum(json.dumps(body["messages"]) == asked for asked in asked_before)
        asked_before.append(json.dumps(body["messages"]))
        if down and seen == 11:
            return 401, {"error": {"message": "down"}}
        return 200, "3 + 4 = 7.\n#### 7" if attempt >= 2 else f"3 + 4 = {seen + 20}.\nThe answer is {seen + 20}."

    def run(folder: Path, url: str) -> bytes:
        teacher = Journal(ServerModel(name="m", base_url=url, workers=1, retries=0), folder / "t.jsonl")
        corpus = Corpus.of(write([QUESTION], teacher, licence="MIT").questions)
        save_corpus(folder / "c.jsonl", corpus)
        assert load_corpus(folder / "c.jsonl") == corpus
        return (folder / "c.jsonl").read_bytes()

    replies: dict[int, int] = {}
    asked_before: list[str] = []
    with ChatServer(reply) as server:
        with pytest.raises(ValueError, match="AuthenticationError"):
            run(tmp_path, server.url)
        asked_before.pop()  # the refused one
        down = False
        first = run(tmp_path, server.url)
        requests = sum(server.requests.values())
        assert run(tmp_path, server.url) == first
        assert sum(server.requests.values()) == requests
    (found,) = mistakes(load_corpus(tmp_path / "c.jsonl"))
    assert found == {p.id: f"3 + 4 = {n + 20}.\nThe answer is {n + 20}." for n, p in enumerate(PERSPECTIVES)}


@pytest.mark.parametrize(
    ("question", "text", "closed"),
    [
        (QUESTION, "3 + 4 = 8.\n#### 8", "3 + 4 = 8.\nThe answer is 8."),
        (QUESTION, "3 + 4 = 8.\n\n**Answer:**\n$8", "3 + 4 = 8.\nThe answer is 8."),
        (QUESTION, "Add. So the answer is 3 + 4 = 8.", "Add. So the answer is 3 + 4 = 8.\nThe answer is 8."),
        (asked("B", "red", "green"), "Red.\nSo the correct answer is (A) red.", "Red.\nThe answer is A."),
        (asked("yes"), "It floats.\nThe answer is no.", "It floats.\nThe answer is no."),
        (asked("True"), "It floats.\nThe answer is no.", "It floats.\nThe answer is False."),
        (asked("yajc"), "Take the last letters.\nThe answer is yajd.", "Take the last letters.\nThe answer is yajd."),
        (asked("x+1"), "Expand.\nThe answer is $x-1$.", "Expand.\nThe answer is x-1."),
    ],
)
def test_a_mistake_closes_with_its_own_answer(question, text, closed):
    if question.kind == "expression":
        pytest.importorskip("math_verify", reason="the library math-verify is not installed")
    ending = as_mistake(question, text)
    assert ending is not None
    assert ending[0] == closed
    assert not question.is_answered_by(ending[0])


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (QUESTION, ""),
        (QUESTION, "I do not know."),
        (QUESTION, "The answer is 8."),  # nothing but the answer
        (QUESTION, "First 3 + 1 = 4, then 4 +"),  # cut off
        (QUESTION, "First 3 + 1 = 4.\nAnswer:"),
        (QUESTION, "Guess: the answer is 8. But then one counts again, from 3, four times"),
        (QUESTION, "3 apples and 4 pears.\nThe answer is not to be found from 3 apples."),
        (QUESTION, "3 and 4.\nThe answer isn't known for 3 apples."),
        (QUESTION, "3 + 4 = 7, not 8.\nThe answer is 7."),
        (QUESTION, "3 + 4 = 7, not 8.\nThe answer is 7.0."),
        (asked("75"), "70 + 5 = 75.\nThe answer is 7"),  # cut off within the answer
        (asked("1,200"), "4 * 300.\nThe answer is 1,20"),
        (asked("B", "red", "green"), "Grass is red.\nThe answer is mauve."),
    ],
)
def test_what_states_no_other_answer_at_its_close_is_no_mistake(question, text):
    assert as_mistake(question, text) is None


def row(*rationales: dict[str, Any], **changes: Any) -> str:
    what = {"id": "q1", "question": "How much is 3 + 4?", "answer": "7", "licence": "MIT", "rationales": rationales}
    return json.dumps({**what, **changes}) + "\n"


def rationale(perspective: str, answer: int, source: str = "human", **changes: Any) -> dict[str, Any]:
    text = f"3 + 4 = {answer}. The answer is {answer}."
    return {"perspective": perspective, "source": source, "text": text, "consistent": answer == 7, **changes}


def loaded(folder: Path, *rows: str, **changes: Any) -> Corpus:
    (folder / "rows.jsonl").write_text("".join(rows))
    return load_rationale_rows(folder / "rows.jsonl", **changes)


def test_an_inconsistent_row_that_states_another_answer_is_a_mistake(tmp_path):
    several = [rationale("forward", n) for n in (8, 7, 9)]
    mentioned = rationale("equation", 8, text="3 + 5 = 8.")
    corpus = loaded(tmp_path, row(*several, mentioned, rationale("equation", 7)))
    assert mistakes(corpus) == [{"forward": "3 + 4 = 8.\nThe answer is 8."}]
    (question,) = corpus.questions
    assert [r.perspective for r in question.rationales] == ["forward", "equation"]
    assert (question.mistakes[0].provenance, question.mistakes[0].licence) == ("human", "MIT")
    save_corpus(tmp_path / "c.jsonl", corpus)
    assert load_corpus(tmp_path / "c.jsonl") == corpus


def test_a_mistake_of_a_row_belongs_to_its_writers_perspective(tmp_path):
    both = row(rationale("forward", 7, "a"), rationale("forward", 7, "b"), rationale("forward", 8, "b"))
    assert mistakes(loaded(tmp_path, both)) == [{"forward, b": "3 + 4 = 8.\nThe answer is 8."}]
    stranger = row(rationale("forward", 7, "a"), rationale("forward", 8, "c"))
    assert mistakes(loaded(tmp_path, stranger)) == [{}]
    assert mistakes(loaded(tmp_path, both, sources=["a"])) == [{}]


def test_perspectives_that_are_not_kept_leave_no_mistakes(tmp_path):
    first = row(rationale("forward", 7), rationale("backward", 7), rationale("backward", 8))
    corpus = loaded(tmp_path, first, row(rationale("forward", 7), id="q2"), max_perspectives=1)
    assert mistakes(corpus) == [{}, {}]


@pytest.mark.skipif(OTHERS is None, reason="OFFBOOK_DATA names no folder with rationales")
def test_published_rationales_have_mistakes():
    path = Path(str(OTHERS)) / "train" / "tracking_shuffled_objects_train.jsonl"
    if not path.is_file():
        pytest.skip(f"OFFBOOK_DATA lacks train/{path.name}")
    corpus = load_rationale_rows(path, limit=100)
    assert sum(map(len, mistakes(corpus))) > 10
