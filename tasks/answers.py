r"""Finds the final answer in a generated rationale, and compares it with the reference.

A rationale is asked to close with ``The answer is X.`` (`ANSWER_LINE` in `offbook.engine.training.corpus`). Models also
write ``answer: X``, ``#### X`` or ``\boxed{X}``, in bold or in LaTeX, or no such line at all. Of several answer
statements the last complete one counts; where there is none, the last thing of the wanted kind that the text mentions:

| kind | an answer is | without an answer statement |
| --- | --- | --- |
| ``number`` | ``12``, ``1,200``, ``$3.50``, ``3/4`` | the last number |
| ``letter`` | the letter of a labelled choice: ``B``, ``(B)``, ``option B``, or that choice's own text | the last one |
| ``option`` | one of the choices, by its text; no letters | the last one |
| ``yes_no`` | ``yes`` or ``no``; ``true`` and ``false`` count | the last one |
| ``text`` | a word, a name, a date | the last line, if it is short |
"""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import zip_longest

from offbook.tasks.plain_text import find_numbers, whole_words, with_dates, without_markup

KINDS = ("number", "letter", "option", "yes_no", "text")
TOLERANCE = 1e-6

_STATEMENT = re.compile(
    r"(?:\banswer(?:\s+(?:to|for)\s[^.:\n]{1,60}?)?(?:\s*\([^()\n]*\))?|\b(?:correct|right|best) (?:choice|option))"
    r"(?:\s*(?:\b(?:is|was|would be|must be|should be)\b|[:=]))+|####",
    re.IGNORECASE,
)
_NO_ANSWER = re.compile(
    r"(?:not|never|n't|correct|incorrect|right|wrong|found|obtained|calculated|the same)\b", re.IGNORECASE
)
_CORRECTION = re.compile(r"\b(?:but|rather|instead|it is|it's)\b:?", re.IGNORECASE)
_CONCLUSION = re.compile(r"\W*(?:therefore|thus|hence|so|consequently|in total|in conclusion)\b", re.IGNORECASE)
_COPULA = re.compile(r"\b(?:is|are|was|were|be)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bMrs)[.!?](?=\s|$)|\n")
_YES_NO = re.compile(r"\b(?:(not\s+)?(true|correct)|(yes)|(false|incorrect)|(no)(?!\s+\w))\b", re.IGNORECASE)

_LETTER = re.compile(r"\((\w)\)|\b(?:[Oo]ption|[Cc]hoice|[Ll]etter) \(?(\w)\b|(?<![\w'.])([A-Z])(?:[).:](?!\w)|\s*$)")
_SHORT_LINE = 4  # words


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
    plain = without_markup(text)
    for stated in _statements(plain):
        answer = _stated(stated, kind, choices)
        if answer is not None:
            return answer
    return _mentioned(plain, kind, choices)


def equal(answer: str, gold: str, kind: str, choices: Sequence[str] = ()) -> bool:
    """Whether two answers are the same: as numbers (12.0, 1,200, 3/4), or as text without case, quotes and marks.

    A reference of kind ``letter`` may be the letter or the choice's text.
    """
    if kind == "number":
        ours, theirs = _value(answer), _value(gold)
        return ours is not None and theirs is not None and abs(ours - theirs) < TOLERANCE
    if kind == "yes_no":
        gold = {"true": "yes", "false": "no"}.get(_bare(gold), gold)
    if kind == "letter" and _bare(gold) in (texts := [_bare(choice) for choice in choices]):
        gold = _letter(texts.index(_bare(gold)))
    return _bare(answer) == _bare(gold)


def _statements(text: str) -> Iterator[str]:
    """What follows each ``the answer is``, to the end of its sentence; the last first, denials left out."""
    for match in reversed(list(_STATEMENT.finditer(text))):
        line, _, rest = text[match.end() :].lstrip(" \t").partition("\n")
        if not line.strip(" \t.:$"):
            line = next((row for row in rest.splitlines() if row.strip()), "")
            if len(line.split()) > _SHORT_LINE or _STATEMENT.search(line):
                continue
        stated = _sentence(line.lstrip(" \t:"))
        if _NO_ANSWER.match(stated):
            _, *corrected = _CORRECTION.split(stated)
            stated = corrected[-1].strip() if corrected else ""
        if stated.strip(" .,:;$"):
            yield stated


def _sentence(text: str) -> str:
    end = _SENTENCE_END.search(text)
    return text[: end.start()] if end else text


def _stated(stated: str, kind: str, choices: Sequence[str]) -> str | None:
    """The answer in what an answer statement says."""
    if kind == "number":
        return _first(_fractions(re.split(r"=|\bequals\b", stated)[-1]))
    if kind == "letter":
        return _leading_letter(stated, choices) or _first(_letters(stated, choices))
    if kind == "option":
        return _first(_options(stated, choices))
    if kind == "yes_no":
        return _first(_yes_no(stated))
    return stated.strip().strip("\"'“”‘’.,;:!?$ ") or None


def _mentioned(text: str, kind: str, choices: Sequence[str]) -> str | None:
    """The answer of a text without an answer statement."""
    if kind == "number":
        return _concluding_number(text)
    if kind == "letter":
        return _opening_letter(text, choices) or _last(_letters(text, choices))
    if kind == "option":
        return _last(_options(text, choices))
    if kind == "yes_no":
        return _last(_yes_no(text))
    *_, line = text.strip().splitlines() or [""]
    return (line.strip().strip("\"'“”‘’.,;:!?$ ") or None) if len(line.split()) <= _SHORT_LINE else None


def _concluding_number(text: str) -> str | None:
    """The last number; in ``Therefore, the price is 12 dollars for 3`` the one behind the verb."""
    sentences = [text[start:end] for start, end in _sentences(text) if _fractions(text[start:end])]
    if not sentences:
        return None
    last = sentences[-1]
    if _CONCLUSION.match(last) and "=" not in last:
        said = _fractions(_COPULA.split(last)[-1])
        if said and len(_COPULA.split(last)) > 1:
            return said[0]
    return _fractions(last)[-1]


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for end in _SENTENCE_END.finditer(text):
        yield start, end.start()
        start = end.end()
    yield start, len(text)


def _fractions(text: str) -> list[str]:
    """Numbers that stand for themselves (not in ``x2`` or ``3rd``); ``3/4`` is one."""
    numbers = [
        n
        for n in find_numbers(text)
        if not re.search(r"[^\W\d]_?$", text[: n.start]) and not re.match(r"(?:st|nd|rd|th)\b", text[n.end :])
    ]
    found: list[str] = []
    joined = 0
    for number, after in zip_longest(numbers, numbers[1:]):
        if number.end <= joined:
            continue
        if after is not None and re.fullmatch(r" ?/ ?", text[number.end : after.start]) and float(after.digits):
            found.append(f"{number.digits}/{after.digits}")
            joined = after.end
        else:
            found.append(number.digits)
    return found


def _value(text: str) -> Fraction | None:
    found = _fractions(text)
    if not found:
        return None
    above, _, below = found[0].partition("/")
    return Fraction(above) / Fraction(below or 1)


def _leading_letter(stated: str, choices: Sequence[str]) -> str | None:
    """The letter with which an answer begins: ``B``, ``b``, ``(b)``, ``B: text``, but not the article in ``A dog``."""
    match = re.match(r"\W*(?:(?:option|choice|letter)\s+)?\(?([A-Za-z])(?!\w|')(\W*)(.*)", stated, re.DOTALL)
    if match is None or _index(match[1]) >= len(choices):
        return None
    letter, between, rest = match.groups()
    bare = not between.strip() and rest  # nothing but a space between the letter and the next word
    lower = letter.islower() and not stated.lstrip().startswith(("(", "option", "choice", "Option", "Choice"))
    article = letter in "AaIi" and not whole_words(_bare(choices[_index(letter)])).match(with_dates(rest))
    if bare and (lower or article):
        return None
    return letter.upper()


def _opening_letter(text: str, choices: Sequence[str]) -> str | None:
    """The letter of a text that opens with it and names no other letter, as ``B. It purrs, a dog barks`` does."""
    line, *_ = text.strip().splitlines() or [""]
    letter = _leading_letter(line, choices)
    others = {m[1] or m[2] or m[3] for m in _LETTER.finditer(text)} - {letter}
    return None if others else letter


def _letters(text: str, choices: Sequence[str]) -> list[str]:
    """Letters marked as such, and choices by their texts, in the order of the text."""
    found = []
    for match in _LETTER.finditer(text):
        letter = match[1] or match[2] or match[3]
        if letter.isascii() and letter.isalpha() and _index(letter) < len(choices):
            found.append((len(with_dates(text[: match.start()])), letter.upper()))
    texts = [_bare(choice) for choice in choices]
    found += [(start, _letter(texts.index(phrase))) for start, phrase in _phrases(text, texts)]
    return [letter for _, letter in sorted(found, key=lambda item: item[0])]


def _options(text: str, choices: Sequence[str]) -> list[str]:
    texts = {_bare(choice): choice for choice in choices}
    return [texts[phrase] for _, phrase in _phrases(text, list(texts))]


def _phrases(text: str, phrases: Sequence[str]) -> list[tuple[int, str]]:
    """Where the phrases stand, in order; one that lies inside another (``red`` in ``dark red``) is left out."""
    text = with_dates(text)
    found = sorted((m.start(), -m.end(), phrase) for phrase in phrases for m in whole_words(phrase).finditer(text))
    kept: list[tuple[int, str]] = []
    covered = 0
    for start, end, phrase in found:
        if -end > covered:
            kept.append((start, phrase))
            covered = -end
    return kept


def _yes_no(text: str) -> list[str]:
    said = []
    for match in _YES_NO.finditer(text):
        denied, true, yes, _, _ = match.groups()
        said.append("yes" if yes or (true and not denied) else "no")
    return said


def _bare(text: str) -> str:
    return " ".join(re.sub(r"[\"']+(?!\w)|(?<!\w)[\"']+|[.,;:!?](?=\s|$)", "", with_dates(text)).split())


def _index(letter: str) -> int:
    return ord(letter.upper()) - ord("A")


def _letter(index: int) -> str:
    return chr(ord("A") + index)


def _first(found: Sequence[str]) -> str | None:
    return found[0] if found else None


def _last(found: Sequence[str]) -> str | None:
    return found[-1] if found else None
