"""A question that names the answers to choose from: one definition, by which it is scored in three ways.

- **By its text**: the answer that a model wrote is right where it names the right choice (`offbook.tasks.answers`).
- **By form**: `named` says which one choice a text names, by the same grammar. What names none, or several, is wrong
  whatever the model knows: accuracy is the share that names one, times the share right of these.
- **By likelihood**: choices are compared by how probable each is behind the prompt and `LEAD`, the beginning of the
  line that answers are asked to close with. `right` is the place of the right one, `continuations` are what is scored.

Lettered questions list their options in the prompt, which small models hardly read. By likelihood they are asked
without the list, and it is the options' texts that are compared, as lm-eval does for ARC and OpenBookQA. Other
questions name their choices in their own words, and are asked as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from offbook.engine.quoting import quoted
from offbook.engine.students.corpus import BEFORE
from offbook.tasks import answers
from offbook.tasks.lettered import without_options

LEAD = BEFORE.rstrip()
YES_NO = ("yes", "no")


@dataclass(frozen=True, kw_only=True)
class ChoiceQuestion:
    """See the module.

    Attributes:
        question: what is asked, without a list of options.
        kind: how an answer is read, one of `offbook.tasks.answers.KINDS`.
        choices: their texts; of lettered ones the first is A.
        right: place of the right one.
        listed: whether the question itself names them; where not, an answer is open, and guessing gets nothing by text.
    """

    question: str
    kind: str
    choices: tuple[str, ...]
    right: int
    listed: bool = True

    @property
    def continuations(self) -> tuple[str, ...]:
        """What follows `LEAD`, choice by choice."""
        return tuple(f" {choice}" for choice in self.choices)

    def named(self, text: str) -> int | None:
        """The place of the one choice that an answer names; None where it names none, or several."""
        found = answers.extract(text, self.kind, self.choices)
        if found is None:
            return None
        if self.kind == "letter":
            return ord(found) - ord("A")
        places = [place for place, choice in enumerate(self.choices) if answers.equal(found, choice, self.kind)]
        return places[0] if places else None

    def prompt_for_likelihood(self, prompt: str) -> str:
        """A prompt that asks this question, without the list of lettered options."""
        return without_options(prompt, self.question, self.choices) if self.kind == "letter" else prompt


def choice_question(doc: Mapping[str, Any]) -> ChoiceQuestion | None:
    """The question of a document with `question`, `answer`, and `choices` (a list of texts); None without choices.

    `kind` may say how an answer is read; else the answer is one of the choices, or the letter of one. `listed` may say
    that the question does not name them. A question whose answer is yes or no needs no list.

    Raises:
        ValueError: choices that are no texts, or a right answer that is not just one of them.
    """
    choices, answer = doc.get("choices"), doc.get("answer")
    if not choices:
        yes_no = str(answer).lower()
        if yes_no not in YES_NO:
            return None
        return ChoiceQuestion(
            question=str(doc.get("question", "")), kind="yes_no", choices=YES_NO, right=YES_NO.index(yes_no)
        )
    if not isinstance(choices, list | tuple) or not all(isinstance(text, str) and text.strip() for text in choices):
        msg = f"expected choices as a list of texts, got {quoted(choices)}; mend the document"
        raise ValueError(msg)
    texts = tuple(choices)
    kind = str(doc.get("kind") or ("option" if answer in texts else "letter"))
    places = _right_places(str(answer), kind, texts)
    if len(places) != 1:
        msg = f"expected a right answer that is one of {', '.join(texts)}, got {quoted(answer)}; mend the document"
        raise ValueError(msg)
    return ChoiceQuestion(
        question=str(doc.get("question", "")),
        kind=kind,
        choices=texts,
        right=places[0],
        listed=doc.get("listed", True) is not False,
    )


def _right_places(answer: str, kind: str, choices: tuple[str, ...]) -> list[int]:
    if kind == "letter":
        letters = [chr(ord("A") + place) for place in range(len(choices))]
        return [letters.index(answer)] if answer in letters else []
    return [place for place, choice in enumerate(choices) if answers.equal(answer, choice, kind)]
