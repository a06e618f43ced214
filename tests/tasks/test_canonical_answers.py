"""Answers to the suites of published data sets, in the forms models write them; `test_answers.py` has many more."""

import sys
import threading
from types import ModuleType

import pytest

from offbook.tasks.commonsenseqa import utils as commonsenseqa
from offbook.tasks.gpqa_diamond import utils as gpqa_diamond
from offbook.tasks.gsm8k import utils as gsm8k
from offbook.tasks.math500 import latex
from offbook.tasks.math500 import utils as math500
from offbook.tasks.source import SuiteUnavailableError
from offbook.tasks.strategyqa import utils as strategyqa
from offbook.tasks.svamp import utils as svamp

BREAD = ["lake", "toaster", "paper bag", "shop", "garden"]
BOND = ["1.4 eV", "14 eV", "0.14 eV", "140 eV"]


def score(suite: ModuleType, gold: str, text: str, choices: list[str] | None = None) -> float:
    document = {"id": "x", "question": "?", "answer": gold} | ({} if choices is None else {"choices": choices})
    (value,) = suite.score(document, [text]).values()
    assert isinstance(value, float)
    return value


@pytest.mark.parametrize(
    ("suite", "gold", "text", "right"),
    [
        (gsm8k, "1200", "600 + 600 = 1200.\nThe answer is 1,200.", True),
        (gsm8k, "1200", "It costs $1,200 in all.\nThe answer is $1,200.00.", True),
        (gsm8k, "1200", "So 600 + 600 = 1200 pins", True),
        (gsm8k, "1200", "#### 1200", True),
        (gsm8k, "-7", "The answer is -7.", True),
        (gsm8k, "7", "The answer is -7.", False),
        (gsm8k, "1200", "The answer is 1201. She began with 1200.", False),
        (gsm8k, "1200", "", False),
        (svamp, "5", "8 - 3 = 5. The answer is 5 figs.", True),
        (svamp, "5", "The answer is 5.0", True),
        (svamp, "5", "The answer is **5**.", True),
        (svamp, "5", "The answer is 3, not 5.", False),
        (strategyqa, "no", "Snails are slow. The answer is no.", True),
        (strategyqa, "no", "The answer is No, it could not.", True),
        (strategyqa, "no", "So the answer is false.", True),
        (strategyqa, "yes", "No snail is fast, but one could wait.\nThe answer is yes.", True),
        (strategyqa, "yes", "The answer is no.", False),
        (strategyqa, "yes", "Nobody knows.", False),
    ],
)
def test_a_number_or_a_yes_or_no_is_scored(suite: ModuleType, gold: str, text: str, right: bool) -> None:
    assert score(suite, gold, text) == float(right)


@pytest.mark.parametrize(
    ("suite", "choices", "gold", "text", "right"),
    [
        (commonsenseqa, BREAD, "B", "Heat browns bread.\nThe answer is B.", True),
        (commonsenseqa, BREAD, "B", "The answer is (B) toaster.", True),
        (commonsenseqa, BREAD, "B", "The answer is toaster.", True),
        (commonsenseqa, BREAD, "B", "Not a lake (A), so it is option B", True),
        (commonsenseqa, BREAD, "B", "The answer is (C).", False),
        (commonsenseqa, BREAD, "B", "The answer is a paper bag.", False),
        (commonsenseqa, BREAD, "A", "A toaster gets hot. The answer is B.", False),
        (gpqa_diamond, BOND, "C", "The answer is (C).", True),
        (gpqa_diamond, BOND, "C", r"The answer is $\boxed{C}$.", True),
        (gpqa_diamond, BOND, "C", "The answer is 0.14 eV.", True),
        (gpqa_diamond, BOND, "B", "The answer is 0.14 eV.", False),
        (gpqa_diamond, BOND, "D", "The answer is E.", False),
    ],
)
def test_a_letter_or_its_option_is_scored(
    suite: ModuleType, choices: list[str], gold: str, text: str, right: bool
) -> None:
    assert score(suite, gold, text, choices) == float(right)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"So $\frac{1}{2}$ remains. The answer is $\frac{1}{2}$.", r"\frac{1}{2}"),
        (r"The answer is \frac{1}{2}.", r"\frac{1}{2}"),
        (r"It is \boxed{\frac{1}{2}}, as $3 > 2$.", r"\frac{1}{2}"),
        (r"\boxed{1}? No. The answer is 2.", "2"),
        (r"The answer is 1. Or rather \boxed{2}", "2"),
        (r"The answer is $\boxed{\left(3, \frac{\pi}{2}\right)}$.", r"\left(3, \frac{\pi}{2}\right)"),
        ("The answer is 3.5.", "3.5"),
        ("The answer is 3.5 metres. It is long.", "3.5 metres"),
        ("**Answer:** $x=1$, $2$ and $3$, because $5<6$", "x=1, 2, 3"),
        ("The answer is $5$ because $5 < 6$.", "5"),
        (r"The answer is \(7\).", "7"),
        ("The answer is\n\\[ x^2+1 \\]", "x^2+1"),
        ("The answer is **42**.", "42"),
        (r"The answer is \$32.50.", r"\$32.50"),
        ("The answer is [2,5).", "[2,5)"),
        ("We find $y = 4$, so $y^2 = 16$", "y^2 = 16"),
        ("That makes 15 in total", "15"),
        (r"The answer is \boxed{15", "15"),  # cut off
        ("It is $1$. <answer>$2$</answer> So $3$.", "2"),
        (r"\(1\) and \(2 \(3\)", "3"),
        ("The answer is $x$. The answer is $y$. As $z$", "y"),
        ("The answer is ...", None),
        ("The answer is", None),
        ("I do not know.", None),
        ("", None),
    ],
)
def test_the_final_answer_of_a_solution_is_found(text: str, answer: str | None) -> None:
    assert latex.extract(text) == answer


@pytest.mark.parametrize(
    ("answer", "gold", "same"),
    [
        (r"\frac12", r"\frac{1}{2}", True),
        ("0.5", r"\frac{1}{2}", True),
        ("1/2", r"\frac{1}{2}", True),
        (r"\frac{\sqrt2}{2}", r"\frac{1}{\sqrt{2}}", True),
        (r"\dfrac{\pi}{2}", r"\frac{\pi}{2}", True),
        (r"(3, \pi/2)", r"\left( 3, \frac{\pi}{2} \right)", True),
        ("10-7x+x^2", "x^2-7x+10", True),
        ("2, 1", r"\{1,2\}", True),
        ("Evelyn", r"\text{Evelyn}", True),
        (r"\text{(C)}", "C", True),
        ("90", r"90^\circ", True),
        ("32348", r"\$32,\!348", True),
        ("x = 3", "3", True),
        ("3 metres", "3", True),
        ("6-5i", "6 - 5i", True),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", True),
        ("y = 2x+3", "y=3+2x", True),
        (r"AB\parallel CD", r"AB \parallel CD", True),  # which nothing can parse
        (r"(1,\infty)", "x > 1", True),  # an interval answers an inequality; math-verify is not symmetric there
        ("q-p", "p-q", False),
        ("(2,1)", "(1,2)", False),
        ("(2,5)", "[2,5)", False),
        ("1, -2, 3", "1,-2", False),
        ("0.333", r"\frac13", False),
        ("Briony", r"\text{Evelyn}", False),
        ("6", r"\text{even}", False),
        (r"\frac{1}{", r"\frac{1}{2}", False),
    ],
)
def test_answers_in_latex_are_compared_by_what_they_mean(answer: str, gold: str, same: bool) -> None:
    pytest.importorskip("math_verify", reason="needs `pip install 'offbook[math]'`")
    assert latex.equal(answer, gold) is same


def test_answers_are_compared_outside_the_main_thread_too() -> None:
    pytest.importorskip("math_verify", reason="needs `pip install 'offbook[math]'`")
    verdicts: list[bool] = []
    thread = threading.Thread(target=lambda: verdicts.extend([latex.equal("0.5", r"\frac12"), latex.equal("0.5", "2")]))
    thread.start()
    thread.join()
    assert verdicts == [True, False]


def test_a_formula_too_long_to_parse_is_compared_as_it_reads() -> None:
    assert latex.equal("9" * 5000, "9" * 5000)
    assert not latex.equal("9" * 5000, "9")


def test_math500_scores_a_solution() -> None:
    pytest.importorskip("math_verify", reason="needs `pip install 'offbook[math]'`")
    gold = r"\frac{x+1}{2}"
    assert score(math500, gold, r"Half of $x+1$ is $\frac{x+1}{2}$.") == 1.0
    assert score(math500, gold, "The answer is (1+x)/2.") == 1.0
    assert score(math500, gold, r"The answer is $\frac{x-1}{2}$.") == 0.0
    assert score(math500, gold, "") == 0.0


def test_without_math_verify_math500_is_refused_before_anything_is_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "math_verify", None)
    with pytest.raises(SuiteUnavailableError, match=r"MATH500: expected the library math-verify.*offbook\[math\]"):
        math500.load()
