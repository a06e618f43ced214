"""A question with its choices is one definition: what a suite scores by text is what this says of form and right."""

from typing import Any

import pytest

from offbook.engine.students.corpus import ANSWER_LINE, instruct
from offbook.tasks.arc_easy import utils as arc_easy
from offbook.tasks.choice_question import LEAD, ChoiceQuestion, choice_question
from offbook.tasks.commonsenseqa import utils as commonsenseqa
from offbook.tasks.gpqa_diamond import utils as gpqa_diamond
from offbook.tasks.lettered import with_options, without_options
from offbook.tasks.openbookqa import utils as openbookqa
from offbook.tasks.procedural.documents import ID_FAMILIES, OOD_FAMILIES, documents, score
from offbook.tasks.strategyqa import utils as strategyqa

LETTERED = {
    "id": "x",
    "question": "Where does bread get brown?",
    "answer": "B",
    "choices": ["lake", "toaster", "paper bag", "shop"],
}


def question(doc: dict[str, Any]) -> ChoiceQuestion:
    found = choice_question(doc)
    assert found is not None
    return found


def test_answers_are_asked_to_begin_as_likelihoods_are_taken() -> None:
    assert ANSWER_LINE.startswith(f"{LEAD} ")
    assert instruct("?").endswith(f"{LEAD} ...")


@pytest.mark.parametrize("family", OOD_FAMILIES)
@pytest.mark.parametrize("split", ["dev", "test"])
def test_every_embedded_question_is_one_whose_text_score_is_that_of_the_named_choice(family: str, split: str) -> None:
    for doc in documents(family, split):
        found = question(doc)
        assert found.choices == tuple(doc["choices"])
        assert found.choices[found.right] == doc["answer"]
        for place, choice in enumerate(found.choices):
            text = f"Let us see.\n{ANSWER_LINE.format(answer=choice)}"
            assert found.named(text) == place, doc["id"]
            assert score(doc, text) == float(place == found.right), doc["id"]
        for text in ("", "Nobody knows.", f"The answer is {found.choices[0]} or {found.choices[1]}."):
            assert found.named(text) is None, doc["id"]
            assert score(doc, text) == 0, doc["id"]


@pytest.mark.parametrize("family", ID_FAMILIES)
def test_a_word_problem_names_no_choices(family: str) -> None:
    assert {choice_question(doc) for doc in documents(family, "test")} == {None}


@pytest.mark.parametrize("suite", [arc_easy, commonsenseqa, gpqa_diamond, openbookqa])
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("The answer is B.", 1),
        ("The answer is (c).", 2),
        ("The answer is paper bag.", 2),
        ("The answer is A or B.", None),
        ("The answer is 15.", None),
        ("Who knows?", None),
    ],
)
def test_of_a_lettered_question_letters_and_texts_name_a_choice(suite: Any, text: str, place: int | None) -> None:
    found = question(LETTERED)
    assert (found.kind, found.right) == ("letter", 1)
    assert found.named(text) == place
    assert suite.score(LETTERED, [text]) == {"acc": float(place == 1)}


@pytest.mark.parametrize(
    ("answer", "text", "place"),
    [
        ("yes", "The answer is yes.", 0),
        ("no", "The answer is no.", 1),
        ("no", "So it is false.", 1),
        ("yes", "The answer is 12.", None),
    ],
)
def test_yes_and_no_need_no_list(answer: str, text: str, place: int | None) -> None:
    doc = {"id": "x", "question": "Could a snail win a marathon?", "answer": answer}
    found = question(doc)
    assert (found.kind, found.choices, found.choices[found.right]) == ("yes_no", ("yes", "no"), answer)
    assert found.named(text) == place
    assert strategyqa.score(doc, [text]) == {"acc": float(place == found.right)}


def test_a_document_of_any_suite_with_choices_is_one() -> None:
    """As a new suite's may look, without a word of how its answers are read."""
    found = question({"question": "The opposite of hot?", "answer": "cold", "choices": ("warm", "cold", "dry")})
    assert (found.kind, found.right, found.continuations) == ("option", 1, (" warm", " cold", " dry"))
    assert found.named("The answer is cold.") == 1
    numbers = question({"question": "?", "answer": "12", "choices": ["7", "12"], "kind": "number"})
    assert (numbers.right, numbers.named("The answer is 12.0."), numbers.named("The answer is 9.")) == (1, 1, None)


def test_a_prompt_for_likelihood_lacks_the_list_of_lettered_options_and_nothing_else() -> None:
    found = question(LETTERED)
    asked = instruct(with_options(found.question, found.choices))
    prompt = f"<user>{asked}<assistant>"
    assert "(B) toaster" in prompt
    assert found.prompt_for_likelihood(prompt) == f"<user>{instruct(found.question)}<assistant>"
    (doc, *_) = documents("dates", "dev")
    assert question(doc).prompt_for_likelihood(prompt) == prompt, "its choices are its own words"


def test_options_are_taken_from_the_last_question_that_has_them() -> None:
    shot = with_options("Which?", ["red", "blue"])
    assert without_options(f"{shot}\nA\n{shot}\nB", "Which?", ["red", "blue"]) == f"{shot}\nA\nWhich?\nB"
    assert without_options("Which?", "Which?", ["red", "blue"]) == "Which?"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"answer": "E"}, "expected a right answer that is one of lake, toaster, paper bag, shop, got 'E'"),
        ({"choices": ["lake", ""]}, "expected choices as a list of texts"),
        ({"choices": "lake"}, "expected choices as a list of texts, got 'lake'"),
        ({"choices": {"text": ["lake"]}}, "expected choices as a list of texts"),
        ({"choices": ["cold", "Cold"], "answer": "cold"}, "expected a right answer that is one of cold, Cold"),
    ],
)
def test_choices_that_make_no_sense_are_refused_in_one_line(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as error:
        choice_question(LETTERED | changes)
    assert "\n" not in str(error.value)


def test_an_open_question_may_have_choices_that_it_does_not_name() -> None:
    doc = {"question": "The opposite of hot?", "answer": "cold", "choices": ["warm", "cold", "dry"]}
    assert question(doc).listed
    assert not question(doc | {"listed": False}).listed
