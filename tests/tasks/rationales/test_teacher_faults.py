"""Faults planted in a rationale, or in a renderer, are caught; each text below is about one and the same problem."""

import re

import pytest

from offbook.engine.students.corpus import close
from offbook.tasks.procedural import Problem, problems
from offbook.tasks.rationales import procedural_teacher
from offbook.tasks.rationales.procedural_teacher import IDS, rationale, teach
from offbook.tasks.rationales.renderers import RENDERERS
from offbook.tasks.rationales.statement_check import faults

PROBLEM = problems("train", "shopping")[0]
CHANGE = "Jamal buys 3 notebooks at 9 dollars each and hands over 100 dollars. How many dollars does he get back?"


def closed(text: str) -> str:
    return close(text, "73")[0]


PLANTED = {
    "wrong product": (
        "planning",
        "Plan: multiply the number of notebooks by the price of a notebook, then subtract that.\n"
        "Carried out: 3 x 9 = 28, then 100 - 27 = 73.",
        "does not hold: 3 x 9 = 28",
    ),
    "numbers in the plan": (
        "planning",
        "Plan: multiply 3 by the price of a notebook, then subtract that.\n"
        "Carried out: 3 x 9 = 27, then 100 - 27 = 73.",
        "does not plan every step",
    ),
    "wrong chain": ("intuitive", "9 + 9 + 9 = 27. 100 - 30 = 70 = 73.", "does not hold: 100 - 30 = 70 = 73"),
    "wrong correction": (
        "intuitive",
        "3 x 9 = 27. 27 is about 30: 100 - 30 = 70, 4 too little: 70 + 3 = 73.",
        "corrects wrongly",
    ),
    "wrong rounding": ("intuitive", "3 x 9 = 27. 27 is about 40: 100 - 40 = 60. 100 - 27 = 73.", "rounds too far"),
    "number from nowhere": ("intuitive", "With 55 in mind: 3 x 9 = 27, 100 - 27 = 73.", "says 55 from nowhere"),
    "missing step": (
        "socratic",
        "What is sought? The change. How much is it? 100 - 27 = 73.",
        "never works out the cost",
    ),
    "no questions": ("socratic", "3 x 9 = 27. 100 - 27 = 73.", "asks too few questions"),
    "wrong equation in letters": (
        "formal_symbolic",
        "Let n = 3, p = 9 and m = 100.\nc = n + p = 3 * 9 = 27\nr = m - c = 100 - 27 = 73",
        "the equation for c disagrees",
    ),
    "wrong letter": (
        "formal_symbolic",
        "Let n = 9, p = 9 and m = 100.\nc = n * p = 3 * 9 = 27\nr = m - c = 100 - 27 = 73",
        "the equation for n disagrees",
    ),
    "unnumbered parts": (
        "decomposition",
        "The cost: 3 x 9 = 27.\nThe change: 100 - 27 = 73.",
        "does not number its parts",
    ),
    "parts out of order": ("decomposition", "1. 100 - 27 = 73.\n2. 3 x 9 = 27.", "part 1 does not find the cost"),
    "candidate equal to gold": (
        "contrastive",
        "First try: 3 x 9 = 27, then 100 - 27 = 73. However, 73 fails, because it leaves out the number of notebooks. "
        "Second try: 100 - 27 = 73.",
        "rejects the right answer",
    ),
    "candidate without calculation": (
        "contrastive",
        "One might answer 100. But 100 cannot be right: 100 is more than 73. Better: 3 x 9 = 27, then 100 - 27 = 73.",
        "rejects no candidate that it worked out",
    ),
    "candidate without reason": (
        "contrastive",
        "First try: 100 - 9 = 91. However, 91 fails. Second try: 3 x 9 = 27, then 100 - 27 = 73.",
        "gives no reason that can be checked",
    ),
    "false reason": (
        "contrastive",
        "First try: 100 - 9 = 91. However, 91 fails, because it leaves out the price of a notebook. "
        "Second try: 3 x 9 = 27, then 100 - 27 = 73.",
        "says that the price of a notebook is left out, but the candidate uses it",
    ),
    "false comparison": (
        "contrastive",
        "First try: 100 + 27 = 127. However, 127 fails, because 127 is less than 100. "
        "Second try: 3 x 9 = 27, then 100 - 27 = 73.",
        "does not hold: 127 is less than 100",
    ),
    "reason about something else": (
        "contrastive",
        "First try: 100 - 9 = 91. However, 91 fails, because 3 is less than 9. "
        "Second try: 3 x 9 = 27, then 100 - 27 = 73.",
        "gives no reason that can be checked",
    ),
    "other quantities planned": (
        "planning",
        "Plan: multiply the change by the money handed over, then subtract that.\n"
        "Carried out: 3 x 9 = 27, then 100 - 27 = 73.",
        "plans the cost of the notebooks from something else",
    ),
    "subtraction planned the wrong way round": (
        "planning",
        "Plan: multiply the number of notebooks by the price of a notebook, then subtract the money handed over from "
        "that.\nCarried out: 3 x 9 = 27, then 100 - 27 = 73.",
        "plans the change from something else",
    ),
    "irrelevant questions": (
        "socratic",
        "Is the sky blue? Yes. Is grass green? Yes. 3 x 9 = 27, then 100 - 27 = 73.",
        "never asks for the change",
    ),
    "sought quantity as a reply to an irrelevant question": (
        "socratic",
        "Is the sky blue? The change. Is grass green? Yes. 3 x 9 = 27, then 100 - 27 = 73.",
        "never asks for the change",
    ),
    "counterfactual not recomputed": (
        "counterfactual",
        "Change one thing: 4 notebooks instead of 3. This gives 3 x 9 = 27 and 100 - 27 = 73, so the number of "
        "notebooks decides the change. Back to 3: 3 x 9 = 27 and 100 - 27 = 73.",
        "does not recompute the cost of the notebooks",
    ),
    "counterfactual misreported": (
        "counterfactual",
        "What if it were 4 notebooks instead of 3? Then 4 x 9 = 36 and 100 - 36 = 64. The number of notebooks is "
        "decisive: it moves the answer to 36. With the real 3: 3 x 9 = 27 and 100 - 27 = 73.",
        "reports another answer",
    ),
    "wrong condition called decisive": (
        "counterfactual",
        "Change one thing: 4 notebooks instead of 3. This gives 4 x 9 = 36 and 100 - 36 = 64, so the money handed over "
        "decides the change. Back to 3: 3 x 9 = 27 and 100 - 27 = 73.",
        "does not call the number of notebooks decisive",
    ),
    "another condition called decisive too": (
        "counterfactual",
        "Change one thing: 4 notebooks instead of 3. This gives 4 x 9 = 36 and 100 - 36 = 64, so the number of "
        "notebooks decides the change. The money handed over is decisive. Back to 3: 3 x 9 = 27 and 100 - 27 = 73.",
        "does not call the number of notebooks decisive, and it alone",
    ),
    "weaker condition called decisive": (
        "counterfactual",
        "Change one thing: 10 dollars a notebook instead of 9. This gives 3 x 10 = 30 and 100 - 30 = 70, so the price "
        "of a notebook decides the change. Back to 9: 3 x 9 = 27 and 100 - 27 = 73.",
        "but the number of notebooks moves the answer more",
    ),
    "nothing changed": (
        "counterfactual",
        "Suppose 3 notebooks instead of 3. Then 3 x 9 = 27 and 100 - 27 = 73, so everything hangs on the number of "
        "notebooks.",
        "changes the numbers but not the answer",
    ),
    "no condition": ("counterfactual", "3 x 9 = 27 and 100 - 27 = 73.", "changes no condition"),
    "counterfactual that does not come out": (
        "counterfactual",
        "Suppose 12 notebooks instead of 3. Then 12 x 9 = 108, so everything hangs on the number of notebooks. "
        "It was 3, so 3 x 9 = 27 and 100 - 27 = 73.",
        "so that they do not come out",
    ),
    "analogy not solved": (
        "analogy",
        "Take a smaller case first: 2 notebooks, 3 dollars a notebook and 10 dollars handed over. There 2 x 3 = 6 and "
        "10 - 3 = 7. The real case works the same way: 3 x 9 = 27 and 100 - 27 = 73.",
        "does not recompute the change",
    ),
    "analogy that is no smaller": (
        "analogy",
        "Take a smaller case first: 4 notebooks, 9 dollars a notebook and 100 dollars handed over. There "
        "4 x 9 = 36 and 100 - 36 = 64. The real case works the same way: 3 x 9 = 27 and 100 - 27 = 73.",
        "has no smaller numbers",
    ),
    "analogy without numbers": ("analogy", "As in a smaller case, 3 x 9 = 27 and 100 - 27 = 73.", "does not list"),
}

ONE_STEP = problems("train", "shopping")[1]
BALLOONS = "Ada buys 9 balloons for 5 dollars each. How many dollars does she pay?"
PLANTED_IN_ONE_STEP = {
    "calculation not split": ("decomposition", "1. 9 x 5 = 45.", "does not number its parts"),
    "part without a calculation": (
        "decomposition",
        "1. What is the cost of the balloons?\n2. 9 x 5 = 45.",
        "has a part without a calculation",
    ),
    "whole calculation in a part": (
        "decomposition",
        "1. 9 x 5 = 45.\n2. 45 x 1 = 45.",
        "does not find the answer in its last part alone",
    ),
    "part not used": (
        "decomposition",
        "Split 9 into 5 and 4.\n1. 5 x 5 = 25.\n2. 4 x 5 = 20.\n3. 20 x 9 / 4 = 45. 9 x 5 = 45.",
        "does not use part 1 afterwards",
    ),
    "another operation planned": (
        "planning",
        "Plan: add the price of a balloon to the number of balloons.\nCarried out: 9 x 5 = 45.",
        "does not plan every step",
    ),
    "single question": ("socratic", "What is the cost of the balloons? 9 x 5 = 45.", "asks too few questions"),
    "wrong equation in letters": (
        "formal_symbolic",
        "Let n = 9 and p = 5.\nc = n + p = 9 * 5 = 45",
        "the equation for c disagrees",
    ),
    "candidate without reason": (
        "contrastive",
        "One might answer 9 + 5 = 14. But 14 cannot be right: it is odd. Better: 9 x 5 = 45.",
        "gives no reason that can be checked",
    ),
    "counterfactual not recomputed": (
        "counterfactual",
        "Change one thing: 6 dollars a balloon instead of 5. This gives 9 x 5 = 45, so the price of a balloon decides "
        "the cost of the balloons. Back to 5: 9 x 5 = 45.",
        "does not recompute the cost of the balloons",
    ),
    "analogy not solved": (
        "analogy",
        "With easier numbers, say 2 balloons and 3 dollars a balloon, it is 2 + 3 = 5. The same way here gives "
        "9 x 5 = 45.",
        "does not recompute the cost of the balloons",
    ),
    "slow addition gone wrong": ("intuitive", "Picture 9 balloons. 5 + 5 + 5 = 45.", "does not hold: 5 + 5 + 5 = 45"),
}


@pytest.mark.parametrize(("perspective", "text", "fault"), PLANTED.values(), ids=PLANTED)
def test_the_checker_catches_a_planted_fault(perspective: str, text: str, fault: str) -> None:
    assert PROBLEM.question == CHANGE
    assert any(fault in found for found in faults(PROBLEM, perspective, closed(text)))


@pytest.mark.parametrize(("perspective", "text", "fault"), PLANTED_IN_ONE_STEP.values(), ids=list(PLANTED_IN_ONE_STEP))
def test_the_checker_catches_a_fault_planted_in_a_one_step_problem(perspective: str, text: str, fault: str) -> None:
    assert ONE_STEP.question == BALLOONS
    assert any(fault in found for found in faults(ONE_STEP, perspective, close(text, "45")[0]))


@pytest.mark.parametrize("problem", [PROBLEM, ONE_STEP], ids=["two steps", "one step"])
@pytest.mark.parametrize("perspective", IDS)
def test_the_checker_catches_another_answer_and_any_wrong_digit(perspective: str, problem: Problem) -> None:
    text = rationale(problem, perspective).text
    assert faults(problem, perspective, text) == []
    other = text.replace(f"is {problem.answer}.", f"is {problem.answer}1.")
    assert any("does not end in" in found for found in faults(problem, perspective, other))
    for match in re.finditer(r"(?<== )\d+", text):
        wrong = f"{text[: match.start()]}{int(match[0]) + 1}{text[match.end() :]}"
        assert faults(problem, perspective, wrong), wrong


BROKEN = (
    ("analogy", PROBLEM.with_givens({"n": 2})),
    ("counterfactual", PROBLEM.with_givens({"p": 8})),
    ("decomposition", PROBLEM.with_op("r", "+")),
)


@pytest.mark.parametrize(("perspective", "other"), BROKEN)
def test_a_renderer_that_writes_about_another_problem_stops_the_teacher(
    perspective: str, other: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = RENDERERS[perspective]
    monkeypatch.setitem(procedural_teacher.RENDERERS, perspective, lambda problem, rng: honest(other, rng))
    with pytest.raises(AssertionError, match=f"shopping-train-0000, {perspective}: "):
        teach(PROBLEM)
