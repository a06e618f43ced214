r"""Final answers in LaTeX: finds the one in a solution, and decides whether two are the same.

What is found is the last thing that is boxed or stated (``The answer is $\frac{1}{2}$.``), else the last formula, else
the last number. Two answers are the same if they read the same, spaces and forms of typesetting apart, or if
math-verify, which parses LaTeX into SymPy, finds them equal: ``\frac12`` and ``0.5``, ``x+1`` and ``1+x``. It is an
extra (``pip install 'offbook[math]'``), and nothing stands in for it: two rules would give two accuracies.
"""

import re
import threading
from types import ModuleType
from typing import Any

from offbook.tasks import answers
from offbook.tasks.source import SuiteUnavailableError

LONGEST = 1000  # characters of a formula; nothing parses longer ones, and no reference is as long
TIMEOUT_S = 5  # for one formula; SymPy may think about a wrong answer for ever

_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_ANSWER_TAG = re.compile(r"<(/?)(?:final[_-]?)?answer ?>", re.IGNORECASE)
_BRACE = re.compile(r"[{}]")
_BOXES = 64  # boxes that are looked at, the last ones; they may lie in each other
_STATEMENT = re.compile(
    r"\banswer(?:\s+(?:to|for)\s[^.:\n]{1,60}?)?\s*(?:\bis\b|[:=])[\s*:]*|####[ \t]*", re.IGNORECASE
)
_SPAN = r"(?:\$\$[^$]+\$\$|\$[^$]+\$|\\\((?:(?!\\\().)+?\\\)|\\\[(?:(?!\\\[).)+?\\\])"
_FORMULA = re.compile(_SPAN, re.DOTALL)
_FORMULAS = re.compile(
    rf"{_SPAN}(?:\s*(?:,|;|\band\b|\bor\b)\s*{_SPAN})*", re.DOTALL
)  # $1$, $2$ and $3$ are one answer
_SENTENCE_END = re.compile(r"[.!?]\**(?=\s|\Z)|(?<!\*)\**(?=\n|\Z)")
_SAID = re.compile(r"\w")  # the dots of "The answer is ..." say nothing
_DELIMITERS = re.compile(r"(?<!\\)\$|\\[()\[\]](?![\d.]*(?:pt|em|ex))")
_TYPESETTING = (
    (re.compile(r"\\(?:left|right|bigl?|bigr?|displaystyle|,|;|:|!| )(?![A-Za-z])|~|\\\$"), ""),
    (re.compile(r"\\[dt]frac(?![A-Za-z])"), r"\\frac"),
    (re.compile(r"\\(?:text|mathrm|mbox|textbf|mathbf)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\s+"), ""),
)


def math_verify() -> ModuleType:
    """The library that compares.

    Raises:
        SuiteUnavailableError: it is not installed.
    """
    try:
        import math_verify
    except ImportError as error:
        msg = "MATH500: expected the library math-verify, got none; run `pip install 'offbook[math]'`"
        raise SuiteUnavailableError(msg) from error
    library: ModuleType = math_verify
    return library


def extract(text: str) -> str | None:
    """The final answer of a solution, without dollar signs, or None."""
    text = _ANSWER_TAG.sub(lambda tag: "\n" if tag[1] else "\nanswer: ", text)
    found = [(start, answer) for start, answer in [*_boxed(text), *_stated(text)] if _SAID.search(answer)]
    if found:
        return max(found, key=lambda item: item[0])[1]
    formulas = _FORMULA.findall(text)
    return _bare(formulas[-1]) if formulas else answers.extract(text, "number")


def equal(answer: str, gold: str) -> bool:
    """Whether two answers in LaTeX are the same.

    Raises:
        SuiteUnavailableError: math-verify is not installed.
    """
    if _plain(answer) == _plain(gold):
        return True
    if len(answer) > LONGEST:
        return False
    library = math_verify()
    timeout_s = TIMEOUT_S if threading.current_thread() is threading.main_thread() else None  # it uses signals
    parsed: list[Any] = [library.parse(f"${_bare(side)}$", parsing_timeout=timeout_s) for side in (gold, answer)]
    return bool(library.verify(*parsed, timeout_seconds=timeout_s))


def _boxed(text: str) -> list[tuple[int, str]]:
    """What stands in boxes, with its place; a box that is never closed is left out."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for match in _BRACE.finditer(text):
        if match[0] == "{":
            opened.append(match.start())
        elif opened:
            ends[opened.pop()] = match.start()
    boxes = [(match.start(), match.end()) for match in _BOX.finditer(text) if match.end() - 1 in ends]
    return [(start, _bare(text[inside : ends[inside - 1]])) for start, inside in boxes[-_BOXES:]]


def _stated(text: str) -> list[tuple[int, str]]:
    """What follows an answer statement, with its place: the formulas it begins with, else the rest of the sentence."""
    found = []
    matches = list(_STATEMENT.finditer(text))
    for match, limit in zip(matches, [*(after.start() for after in matches[1:]), len(text)], strict=False):
        formulas = _FORMULAS.match(text, match.end(), limit)
        sentence = _SENTENCE_END.search(text, match.end(), limit)
        said = text[match.end() : sentence.start() if sentence else limit]
        answer = ", ".join(_FORMULA.findall(formulas[0])) if formulas else said
        if not _BOX.search(answer):  # a box speaks for itself
            found.append((match.start(), _bare(answer)))
    return found


def _bare(answer: str) -> str:
    return _DELIMITERS.sub("", answer).strip().strip("*").strip()


def _plain(answer: str) -> str:
    answer = _bare(answer)
    for pattern, replacement in _TYPESETTING:
        answer = pattern.sub(replacement, answer)
    return answer.removesuffix(".").casefold()
