"""The eight perspectives from which a teacher solves a question, and the prompt that asks a model for one of them.

Names and contents follow MIND's table of paradigms; the wording is ours, since the paper's prompts are not published.
The closing line is the same for every perspective: the consistency loss compares answers token by token.
"""

from dataclasses import dataclass

from offbook.engine.students.corpus import BEFORE

ROLE = "You are a patient teacher who writes down one worked solution for a pupil."
RULES = (
    "Do not mention the way of thinking by name, and do not use any other.",
    "Keep every step checkable: write each calculation as an equation with numbers.",
    "Be brief and state nothing that the problem does not support.",
)
ANSWER_CONTRACT = f"Finish with one line: {BEFORE}..."


@dataclass(frozen=True, kw_only=True)
class Perspective:
    """A way of thinking; `contract` says what a path must do, as the end of "by this way of thinking: ..."."""

    id: str
    contract: str


PERSPECTIVES = (
    Perspective(
        id="formal_symbolic",
        contract="name every quantity by a letter, write equations between the letters, substitute the numbers and "
        "solve, without leaps of intuition",
    ),
    Perspective(
        id="intuitive",
        contract="picture the situation, round and estimate as one does in everyday life, then correct the estimate to "
        "the exact value, with little notation",
    ),
    Perspective(
        id="decomposition",
        contract="split the problem into numbered smaller questions and answer them in order",
    ),
    Perspective(
        id="planning",
        contract="first write a plan in words, without any numbers, then carry it out step by step",
    ),
    Perspective(
        id="analogy",
        contract="solve a simpler case of the same structure with small numbers, then carry the way over to the "
        "original numbers",
    ),
    Perspective(
        id="socratic",
        contract="ask yourself one question after another, beginning with what is sought, and answer each",
    ),
    Perspective(
        id="contrastive",
        contract="propose several candidate solutions, reject the wrong ones for a reason that can be checked, and "
        "keep the right one",
    ),
    Perspective(
        id="counterfactual",
        contract="change one condition, work out how the answer would change, say which condition is decisive, then "
        "return to the original conditions",
    ),
)  # fmt: skip


def prompt(perspective: Perspective, question: str) -> str:
    """The request for a rationale of a question from a perspective."""
    return "\n".join(
        [
            ROLE,
            f"Solve the problem by this way of thinking only: {perspective.contract}.",
            *RULES,
            ANSWER_CONTRACT,
            "",
            f"Problem: {question}",
        ]
    )
