r"""Finds the final answer in a generated rationale, and compares it with the reference.

A rationale is asked to close with ``The answer is X.`` (`ANSWER_LINE` in `offbook.engine.students.corpus`). Models also
write ``answer: X``, ``#### X`` or ``\boxed{X}``, in bold, in tags or in LaTeX, or no such line at all. The last
statement of an answer decides: where it names nothing of the wanted kind, or several different things, there is no
answer. Only a text without any is searched, for the last thing of the kind that it mentions. `tasks/README.md` has the
whole grammar.

| kind | an answer is | without an answer statement |
| --- | --- | --- |
| ``number`` | ``12``, ``1,200``, ``$3.50``, ``3 1/2``, ``10^3``, ``twelve`` | the last number in digits |
| ``letter`` | the letter of a labelled choice: ``B``, ``(B)``, ``option B``, or that choice's own text | the last one |
| ``option`` | one of the choices, by its text; no letters | the last one |
| ``yes_no`` | ``yes`` or ``no``; ``true`` and ``false`` count | the last one |
| ``text`` | a word, a name, a date | the last line, if it is short |
"""

import re
from collections.abc import Sequence

from offbook.tasks.choices import begins_with_choice, letter_of, mentioned_choice, stated_choice
from offbook.tasks.number_words import in_digits
from offbook.tasks.numbers import Number, find_numbers, same
from offbook.tasks.plain_text import bare
from offbook.tasks.statements import SHORT_LINE, Statement, sentence_ends, statements
from offbook.tasks.typesetting import plain

KINDS = ("number", "letter", "option", "yes_no", "text")

_SPACES = re.compile(r"[ \t\r\f\v]+")
_CONCLUSION = re.compile(r"\W*(?:therefore|thus|hence|so|consequently|in total|in conclusion)\b", re.IGNORECASE)
_COPULA = re.compile(r"\b(?:is|are|was|were|be)\b", re.IGNORECASE)
_SIDES = re.compile(r"=|\bequals\b")
_REASON = re.compile(r"\b(?:because|since|where|when|if|given)\b|\bfor (?=[^\W\d]\w* ?=)|\((?=[^()=]{0,200}=)", re.I)
_EQUATIONS = re.compile(r"(?:,|;|\b(?:or|and)\b) ?(?=[^\W\d][\w ]{0,30}=)")
_EQUATION = re.compile(r"\W*[^\W\d][\w ]*=[^=]*")  # a name and its value
_APART = re.compile(r"\A ?- (?=[0-9.$€£])")  # the minus of "x = - 4"
_HYPHEN = re.compile(r"(?<=[0-9])-(?=[0-9]+/[0-9])")  # of 3-1/2; in an equation a minus
_CALCULATED = re.compile(  # behind the first number of a calculation in words
    r"(?: (?!(?:and|or|is|are|was|were|which|that|not|no|as|because)\b)[^\W\d]+){0,2} "
    r"(?:(?!(?:rath|oth)er\b)(?:more|less|fewer|[^\W\d]+er) than|times as [^\W\d]+ as|times (?:more|less|fewer) than"
    r"|(?:divided|multiplied|increased|decreased|reduced) by|(?:added|raised) to(?: the power of)?|subtracted from) "
    r"(?:the )?[$€£¥₹]?",
    re.IGNORECASE,
)
_MULTIPLIED = re.compile(
    r"\W*(?:(?:twice|thrice|double|triple)\b(?! (?:digits?|figures?)\b)|(?:the )?(?:square|cube) root of\b)", re.I
)
_TO_THE_POWER = re.compile(r" (?:raised )?to the (?:power\b|\w+ power\b)", re.IGNORECASE)
_UNSAID = re.compile(
    r"[\W_]*(?:(?:the|a|an|that|about|approximately|exactly|option|choice|letter|either)\b[\W_]*)*", re.I
)
_MARKS = "\"'“”‘’.,;:!?$ "

_SIGN = r"(?: ?[-+(\[$€£¥₹])*"
_NEXT = re.compile(  # between two numbers of which neither is the answer: a list, a range, a calculation
    rf" ?(?:[,;/:&|+×x*·÷^-]|(?:,? ?(?:to|or|and|through|versus|vs\.?|plus|minus|times)\b)){_SIGN} ?"
    rf"(?:(?:about|maybe|perhaps|possibly|even|also)\b)?{_SIGN} ?"
    rf"|[%°]?(?: ?[^\W\d]+){{1,2}},? (?:or|and){_SIGN} ?"
)


def score(text: str, gold: str, kind: str, choices: Sequence[str] = ()) -> float:
    """1 where the final answer of a text equals the reference, else 0. Arguments and errors as in `extract`."""
    answer = extract(text, kind, choices)
    return float(answer is not None and equal(answer, gold, kind, choices))


def extract(text: str, kind: str, choices: Sequence[str] = ()) -> str | None:
    """The final answer of a text, or None.

    Args:
        text: a generated rationale.
        kind: one of `KINDS`.
        choices: the texts of the options, for ``option`` and ``letter``; the first is A.

    Raises:
        ValueError: an unknown kind, or choices missing where the kind needs them.
    """
    if kind not in KINDS:
        msg = f"expected a kind of answer among {', '.join(KINDS)}, got {kind!r}; pass one of these"
        raise ValueError(msg)
    if kind in ("letter", "option") and not choices:
        msg = f"expected the choices of a question of kind {kind!r}, got none; pass their texts"
        raise ValueError(msg)
    text = _SPACES.sub(" ", plain(text))
    denied: list[str | None] = []
    for stated in reversed(statements(text)):
        if stated.talk and not begins_with_choice(stated.text, choices):
            continue
        answer = _stated(stated.text, kind, choices)
        if stated.denies:
            denied.append(answer)
        elif answer is not None or not (_names_nothing(stated, kind, choices) or _UNSAID.fullmatch(stated.text)):
            return None if answer is not None and any(_is(answer, d, kind) for d in denied) else answer
    return None if denied else _mentioned(text, kind, choices)


def equal(answer: str, gold: str, kind: str, choices: Sequence[str] = ()) -> bool:
    """Whether two answers are the same: as numbers (12.0, 1,200, 3/4), or as text without case, quotes and marks.

    A reference of kind ``letter`` may be the letter or the choice's text.
    """
    if kind == "number":
        ours, theirs = (find_numbers(plain(side)) for side in (answer, gold))
        return bool(ours and theirs) and same(ours[0].digits, theirs[0].digits)
    if kind == "yes_no":
        gold = {"true": "yes", "false": "no"}.get(bare(gold), gold)
    if kind == "letter":
        gold = letter_of(gold, choices) or gold
    return bare(answer) == bare(gold)


def _is(answer: str, denied: str | None, kind: str) -> bool:
    return denied is not None and equal(answer, denied, kind)


def _names_nothing(stated: Statement, kind: str, choices: Sequence[str]) -> bool:
    """Whether what stands before ``is the answer`` names nothing of the kind, as ``That is the answer`` does."""
    if not stated.backward:
        return False
    if kind == "number":
        return not find_numbers(stated.text)
    return kind == "text" or mentioned_choice(stated.text, kind, choices) is None


def _stated(stated: str, kind: str, choices: Sequence[str]) -> str | None:
    """The one answer in what a statement says."""
    if kind == "number":
        return _stated_number(stated)
    if kind == "text":
        return stated.strip(_MARKS) or None
    return stated_choice(stated, kind, choices)


def _stated_number(stated: str) -> str | None:
    """The one number of a statement; of an equation, that of the last side which is no calculation.

    Equations in a reason (``7 because x = 3``) do not count; of several (``x = 3 or x = 4``) all must say the same.
    """
    reason = _REASON.search(stated)
    if reason and find_numbers(in_digits(before := stated[: reason.start()])):
        stated = before
    equations = _EQUATIONS.split(stated)
    if len(equations) > 1 and all(map(_EQUATION.fullmatch, equations)):
        first, *others = [_stated_number(equation) for equation in equations]
        return first if first is not None and all(o is not None and same(o, first) for o in others) else None
    sides = _SIDES.split(stated)
    for side in reversed(sides):
        if len(sides) > 1:
            side = _HYPHEN.sub(" - ", side)
        written = in_digits(_APART.sub("-", side))
        numbers = find_numbers(written)
        if numbers and not _several(written, numbers) and not _calculated(written, numbers[0]):
            return numbers[0].digits
    return None


def _several(text: str, numbers: Sequence[Number]) -> bool:
    """Whether a statement names another number beside its first: ``12 or 15``, ``12, 15``, ``10-12``, ``4 * 3``."""
    if len(numbers) < 2 or same(numbers[0].digits, numbers[1].digits):
        return False
    between = text[numbers[0].end : numbers[1].start]
    return len(between) < 60 and _NEXT.fullmatch(between) is not None


def _calculated(text: str, first: Number) -> bool:
    """Whether a statement calculates in words: ``12 more than 5``, ``3 times as many as four``, ``twice 6``."""
    if _MULTIPLIED.match(text) or _TO_THE_POWER.match(text, first.end):
        return True
    found = _CALCULATED.match(text, first.end)
    if found is None:
        return False
    rest = text[found.end() : found.end() + 40]
    return rest[:1].isdigit() or in_digits(rest) != rest


def _mentioned(text: str, kind: str, choices: Sequence[str]) -> str | None:
    """The answer of a text without an answer statement."""
    if kind == "number":
        return _concluding_number(text)
    if kind != "text":
        return mentioned_choice(text, kind, choices)
    *_, line = text.strip().splitlines() or [""]
    return (line.strip(_MARKS) or None) if len(line.split()) <= SHORT_LINE else None


def _concluding_number(text: str) -> str | None:
    """The last number; in ``Therefore, the price is 12 dollars for 3`` the one behind the verb."""
    numbers = find_numbers(text)
    if not numbers:
        return None
    begin = max((after for end, after in sentence_ends(text) if after <= numbers[-1].start), default=0)
    end = next((end for end, _ in sentence_ends(text) if end >= numbers[-1].end), len(text))
    last = text[begin:end]
    verbs = list(_COPULA.finditer(last)) if _CONCLUSION.match(last) and "=" not in last else []
    said = find_numbers(last[verbs[-1].end() :]) if verbs else []
    return said[0].digits if said else numbers[-1].digits
