"""Synthesis: what passes the judge, what overlaps, what is hard, and what is written."""

import json
import math
from collections.abc import Callable, Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offbook.engine.students.corpus import INSTRUCTION, Corpus, load_corpus, save_corpus
from offbook.tasks.procedural import problems
from offbook.tasks.rationales.perspectives import PERSPECTIVES
from offbook.tasks.rationales.synthesis.ask import Ask, Keep
from offbook.tasks.rationales.synthesis.closing import reclose
from offbook.tasks.rationales.synthesis.difficulty import choose, difficulties, pass_at_k
from offbook.tasks.rationales.synthesis.journal import Journal
from offbook.tasks.rationales.synthesis.local_model import LocalModel
from offbook.tasks.rationales.synthesis.overlap import known_test_sets, overlaps
from offbook.tasks.rationales.synthesis.questions import Asked, kind_of, train_problems
from offbook.tasks.rationales.synthesis.write import write
from tests.tiny import tiny_model, tiny_tokenizer

PLANNING, SOCRATIC = (next(p for p in PERSPECTIVES if p.id == name) for name in ("planning", "socratic"))
QUESTION = Asked(id="q", text="How much is 3 + 4?", answer="7", kind="number")


class Told:
    """A model that answers as it is told, and counts."""

    name = "told"
    settings = ""

    def __init__(self, reply: Callable[[Ask], str]) -> None:
        self.reply, self.asked = reply, []

    def answer(self, asks: Sequence[Ask], keep: Keep) -> None:
        for ask in asks:
            self.asked.append(ask)
            keep(ask, self.reply(ask))


def told(reply: Callable[[Ask], str], path) -> Journal:
    return Journal(Told(reply), path)


def test_a_wrong_answer_is_asked_again_and_the_path_left_out_at_last(tmp_path):
    def reply(ask):
        if ask.perspective == "socratic":
            return "3 + 4 = 8. The answer is 8."
        return "3 + 4 = 7. The answer is 7." if ask.attempt == 2 else "It is 9."

    teacher = told(reply, tmp_path / "t.jsonl")
    written = write([QUESTION], teacher, licence="MIT", perspectives=[PLANNING, SOCRATIC], attempts=4)
    (question,) = written.questions
    (rationale,) = question.rationales
    assert (rationale.perspective, rationale.text) == ("planning", "3 + 4 = 7.\nThe answer is 7.")
    assert (rationale.provenance, rationale.licence) == ("told", "MIT")
    assert written.rejected == {("planning", "answer"): 2, ("socratic", "answer"): 4}
    assert written.retries == {"q": 1 - 2 / 7}
    assert len(teacher.model.asked) == 7
    corpus = Corpus.of(written.questions, ["planning", "socratic"])
    assert corpus.path_mask.tolist() == [[True, False]]


def test_the_judge_sees_right_answers_alone_and_each_criterion_can_reject(tmp_path):
    def judge(ask):
        attempt = ask.attempt
        if "perspective" in ask.perspective:
            return "No." if attempt == 0 else "**Yes**"
        return "maybe" if attempt == 1 else "yes"

    teacher = told(lambda ask: "It is 9." if ask.attempt == 2 else "3 + 4 = 7", tmp_path / "t.jsonl")
    reader = told(judge, tmp_path / "j.jsonl")
    written = write([QUESTION], teacher, reader, licence="MIT", perspectives=[PLANNING], attempts=4)
    assert written.rejected == {
        ("planning", "perspective"): 1,
        ("planning", "consistency"): 1,
        ("planning", "answer"): 1,
    }
    assert [ask.attempt for ask in reader.model.asked] == [0, 0, 1, 1, 3, 3]
    assert all("3 + 4 = 7" in ask.prompt and QUESTION.text in ask.prompt for ask in reader.model.asked)
    assert sum(PLANNING.contract in ask.prompt for ask in reader.model.asked) == 3
    assert len(written.questions) == 1


def test_a_question_without_any_path_is_left_out(tmp_path):
    written = write([QUESTION], told(lambda ask: "", tmp_path / "t.jsonl"), licence="MIT", attempts=2)
    assert written.questions == ()


def test_an_answer_without_reasoning_is_rejected(tmp_path):
    teacher = told(lambda ask: "The answer is 7.", tmp_path / "t.jsonl")
    written = write([QUESTION], teacher, licence="MIT", perspectives=[PLANNING], attempts=1)
    assert written.rejected == {("planning", "no reasoning"): 1}


def test_thoughts_before_the_answer_are_no_part_of_it(tmp_path):
    teacher = told(lambda ask: "<think>8? The answer is 8.</think>\n3 + 4 = 7", tmp_path / "t.jsonl")
    written = write([QUESTION], teacher, licence="MIT", perspectives=[PLANNING], attempts=1)
    assert written.questions[0].rationales[0].text == "3 + 4 = 7\nThe answer is 7."


def test_a_second_run_asks_nothing_and_writes_the_same_bytes(tmp_path):
    corpora = []
    for name in "ab":
        teacher = told(lambda ask: f"By {ask.perspective}: 3 + 4 = 7", tmp_path / "t.jsonl")
        written = write([QUESTION], teacher, licence="MIT")
        save_corpus(tmp_path / name, Corpus.of(written.questions))
        corpora.append((tmp_path / name).read_bytes())
    assert corpora[0] == corpora[1]
    assert teacher.model.asked == []
    assert load_corpus(tmp_path / "a").path_mask.tolist() == [[True] * 8]


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("3 + 4 = 7\nThe answer is 7.", "3 + 4 = 7"),
        ("3 + 4 = 7", "3 + 4 = 7"),
        ("3 + 4 = 7. The answer is 7.", "3 + 4 = 7."),
        ("3 + 4 = 7\n#### 7", "3 + 4 = 7"),
        ("3 + 4 = 7\nThe final answer is $\\boxed{7}$.", "3 + 4 = 7"),
        ("3 + 4 = 7\n\n**Answer:**\n7", "3 + 4 = 7"),
        ("3 + 4 = 7\n\n**Answer:** 7", "3 + 4 = 7"),
        ("Add them.\nSo the correct answer is (B) 3 May.", "Add them."),
        ("Add them.\nTherefore, the answer is (B). It is 3 May.", "Add them."),
        ("Add them.\nCorrect answer - A", "Add them."),
        ("x = 250 m. Answer D", "x = 250 m."),
        ("Add them. So the answer is 3 + 4 = 7.", "Add them. So the answer is 3 + 4 = 7."),
        ("The answer is found by adding.\n3 + 4 = 7", "The answer is found by adding.\n3 + 4 = 7"),
        ("I guess the answer is 6. But 3 + 4 = 7, so it is 7.", "I guess the answer is 6. But 3 + 4 = 7, so it is 7."),
    ],
)
def test_only_the_closing_line_is_replaced(text, body):
    closed, (start, end) = reclose(text, "7")
    assert closed == f"{body}\nThe answer is 7."
    assert closed[start:end] == "7"


@pytest.mark.parametrize("text", ["", "The answer is 7.", "**Answer:**\n7", "#### 7", "Answer: 7", "\n\n"])
def test_an_answer_alone_is_no_rationale(text):
    assert reclose(text, "7") is None


@given(st.lists(st.sampled_from(["3 + 4 = 7", "The answer is 7.", "#### 7", "", "So it is.", "Answer:", "7"])))
def test_what_is_closed_is_closed_once_and_for_all(lines):
    closed = reclose("\n".join(lines), "7")
    if closed is not None:
        assert closed[0].endswith("\nThe answer is 7.")
        assert not closed[0].startswith("\n")


@pytest.mark.parametrize(
    ("answer", "choices", "kind", "right", "wrong"),
    [
        ("7", (), "number", "The answer is $7.00", "The answer is 8."),
        ("3/4", (), "number", "It is 0.75.", "It is 0.7."),
        ("B", ("red", "blue"), "letter", "So (B).", "So (A)."),
        ("blue", ("red", "blue"), "option", "It is blue.", "It is red."),
        ("yes", (), "yes_no", "Yes.", "No."),
        ("yes", ("yes", "no"), "yes_no", "Yes.", "No."),
        ("yajc", (), "text", "The answer is yajc.", "The answer is yajd."),
        (r"\frac{1}{2}", (), "expression", r"The answer is \boxed{\frac{1}{2}}.", r"So \boxed{\frac{1}{3}}."),
        ("x+1", (), "expression", "The answer is $1+x$.", "The answer is $x-1$."),
    ],
)
def test_the_kind_of_an_answer_decides_how_it_is_compared(answer, choices, kind, right, wrong):
    assert kind_of(answer, choices) == kind
    question = Asked(id="q", text="?", answer=answer, kind=kind, choices=choices)
    assert question.is_answered_by(right)
    assert not question.is_answered_by(wrong)


def test_options_are_lettered_where_the_answer_is_a_letter():
    choices = ("red", "blue")
    assert Asked(id="q", text="Which?", answer="B", kind="letter", choices=choices).prompt.endswith("(A) red\n(B) blue")
    assert Asked(id="q", text="Is it?", answer="yes", kind="yes_no", choices=("yes", "no")).prompt == "Is it?"


def asked(text: str) -> Asked:
    return Asked(id="q", text=text, answer="1", kind="number")


SENTENCE = "Ann buys 12 red apples and then gives half of them to her old friend Bob in town"
WORDS = SENTENCE.split()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" ".join(WORDS), True),
        ("Yesterday " + " ".join(WORDS[:13]).upper().replace("12", "3,500") + ", or so?", True),
        ("Yesterday " + " ".join(WORDS[:12]) + ", or so?", False),
        ("How many apples?", True),
        ("How many pears?", False),
        ("So how many apples?", False),
    ],
)
def test_thirteen_words_in_a_row_overlap_whatever_the_numbers(text, found):
    sets = {"other": ["Nothing of this kind."], "suite": [" ".join(WORDS), "how many apples"]}
    assert overlaps([asked(text)], sets) == ({"q": "suite"} if found else {})


def test_every_procedural_test_and_dev_question_is_known_and_no_train_question_overlaps(monkeypatch):
    monkeypatch.delenv("OFFBOOK_DATA", raising=False)
    sets = known_test_sets()
    assert not {"GSM8K", "SVAMP"} & set(sets)
    for split in ("test", "dev"):
        held_out = [Asked.of(p) for p in problems(split, "saving")]
        assert set(overlaps(held_out, sets).values()) == {f"procedural saving {split}"}
        assert len(overlaps(held_out, sets)) == len(held_out)
    assert overlaps([Asked.of(p) for p in train_problems(20)], sets) == {}


def test_a_local_test_file_is_a_test_set(tmp_path, monkeypatch):
    (tmp_path / "test").mkdir()
    row = json.dumps({"id": "a", "question": " ".join(WORDS), "answer": "1"})
    (tmp_path / "test" / "gsm8k_test.jsonl").write_text(row + "\n")
    monkeypatch.setenv("OFFBOOK_DATA", str(tmp_path))
    assert overlaps([asked(" ".join(WORDS[1:]))], known_test_sets()) == {"q": "GSM8K"}


@given(st.integers(1, 7), st.data())
def test_pass_at_k_is_the_share_of_k_subsets_with_a_right_one(n, data):
    right, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    subsets = list(combinations([True] * right + [False] * (n - right), k))
    assert pass_at_k(n, right, k) == pytest.approx(sum(map(any, subsets)) / len(subsets))
    assert len(subsets) == math.comb(n, k)


@pytest.mark.parametrize(("n", "right", "k"), [(4, 0, 8), (4, 5, 2), (4, 1, 0), (4, -1, 2)])
def test_pass_at_k_of_too_few_samples_is_refused(n, right, k):
    with pytest.raises(ValueError, match="expected 1 <= k <= samples"):
        pass_at_k(n, right, k)


def test_difficulty_is_measured_on_the_instruction_the_student_is_trained_on(tmp_path):
    second = Asked(id="r", text="How much is 2 + 2?", answer="4", kind="number")
    student = told(lambda ask: f"The answer is {7 if ask.attempt < 4 else 9}.", tmp_path / "s.jsonl")
    found = difficulties([QUESTION, second], student, samples=16, k=2)
    assert found == {"q": pytest.approx(1 - pass_at_k(16, 4, 2)), "r": 1.0}
    assert {ask.prompt for ask in student.model.asked} == {
        INSTRUCTION.format(question=q.text) for q in (QUESTION, second)
    }


def test_hard_questions_all_stay_and_easy_ones_by_difficulty_then_retries_then_seed():
    names = [f"q{i}" for i in range(12)]
    hard = {name: 1.0 for name in names[:3]}
    assert choose(names, {**hard, "q3": 0.5}, {}, size=2, seed=0) == names[:4]
    assert choose(names, {**hard, "q7": 0.4}, {"q9": 0.5, "q5": 0.2}, size=6, seed=0) == [*names[:3], "q5", "q7", "q9"]
    drawn = [tuple(choose(names, hard, {}, size=6, seed=seed)) for seed in range(6)]
    assert all(len(kept) == 6 and kept[:3] == tuple(names[:3]) for kept in drawn)
    assert len(set(drawn)) > 1
    assert drawn[0] == tuple(choose(names, hard, {}, size=6, seed=0))
    assert choose(names, {}, {}, size=99, seed=0) == names


def local(**changes: object) -> LocalModel:
    settings = {"max_new_tokens": 6, "temperature": 1.0, "batch_size": 3, "weights_sha256": "w", **changes}
    return LocalModel(name="tiny", model=tiny_model(), tokenizer=tiny_tokenizer(), **settings)


def prompts(n: int) -> list[Ask]:
    return [Ask(question="q", perspective="planning", attempt=i, prompt="Hi" + " there" * (i % 3)) for i in range(n)]


def test_a_local_model_answers_every_request_and_draws_the_same_again():
    runs = []
    for _ in range(2):
        found: dict[Ask, str] = {}
        local().answer(prompts(7), found.__setitem__)
        runs.append(found)
    assert set(runs[0]) == set(prompts(7))
    assert runs[0] == runs[1]
    assert len({runs[0][ask] for ask in prompts(7) if ask.prompt == "Hi"}) > 1


def test_greedy_answers_of_a_local_model_do_not_depend_on_the_batch():
    runs = []
    for size in (1, 4):
        found: dict[Ask, str] = {}
        local(temperature=0.0, batch_size=size).answer(prompts(7), found.__setitem__)
        runs.append(found)
    assert runs[0] == runs[1]


def test_a_student_trained_anew_is_asked_anew(tmp_path):
    Journal(local(), tmp_path / "j").answers(prompts(1))
    Journal(local(), tmp_path / "j").answers(prompts(1))
    assert len((tmp_path / "j").read_text().splitlines()) == 1
    Journal(local(weights_sha256="v"), tmp_path / "j").answers(prompts(1))
    assert len((tmp_path / "j").read_text().splitlines()) == 2
