"""Questions to write rationales for: procedural ones, or those of a file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from offbook.tasks import answers
from offbook.tasks.lettered import with_options
from offbook.tasks.math500 import latex
from offbook.tasks.procedural import FAMILIES, Problem, generate

EXPRESSION = "expression"
_NUMBER = re.compile(r"[-+]?\$?\d[\d,]*(?:\.\d+)?(?: ?/ ?\d+)?%?")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question with its gold answer.

    Attributes:
        id: unique.
        text: without the options.
        answer: gold.
        kind: of `offbook.tasks.answers`, or "expression" for LaTeX.
        choices: the texts of the options.
        category: what it is about.
    """

    id: str
    text: str
    answer: str
    kind: str
    choices: tuple[str, ...] = ()
    category: str = ""

    @property
    def prompt(self) -> str:
        """As it is asked: with lettered options below where the answer is a letter."""
        return with_options(self.text, self.choices) if self.kind == "letter" else self.text

    def is_answered_by(self, text: str) -> bool:
        """Whether the final answer of a text is the gold one.

        Raises:
            SuiteUnavailableError: an expression that only math-verify can compare, and it is not installed.
        """
        found = self.answer_in(text)
        if found is None:
            return False
        if self.kind == EXPRESSION:
            return latex.equal(found, self.answer)
        return answers.equal(found, self.answer, self.kind, self.choices)

    def answer_in(self, text: str) -> str | None:
        """The final answer of a text; None where it has none."""
        if self.kind == EXPRESSION:
            return latex.extract(text)
        return answers.extract(text, self.kind, self.choices)

    @classmethod
    def of(cls, problem: Problem) -> "Asked":
        """A procedural problem."""
        return cls(
            id=problem.id, text=problem.question, answer=problem.answer, kind="number", category=problem.family
        )  # fmt: skip


def train_problems(per_family: int, limit: int | None = None) -> list[Problem]:
    """Procedural problems to train on, the families in turn.

    Raises:
        ValueError: more than there are.
    """
    families = [generate("train", family, per_family) for family in FAMILIES]
    return [problem for turn in zip(*families, strict=True) for problem in turn][:limit]


def kind_of(answer: str, choices: Sequence[str]) -> str:
    """The kind of answer that a gold answer is."""
    if re.fullmatch(r"[A-Z]", answer) and ord(answer) - ord("A") < len(choices):
        return "letter"
    if answer.lower() in ("yes", "no", "true", "false"):
        return "yes_no"
    if answer in choices:
        return "option"
    if _NUMBER.fullmatch(answer):
        return "number"
    return EXPRESSION if re.search(r"[\\^_{}=+*]|\d[a-z]|[a-z]\d", answer) else "text"
