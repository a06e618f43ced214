"""What a generated text says, apart from how it is written: without markup and LaTeX, its numbers, its dates."""

import re
import unicodedata
from dataclasses import dataclass

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\w)\.\d+")
_LATEX = (  # innermost braces first, until nothing changes
    (re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}"), r"\1/\2"),
    (re.compile(r"\\(?:text|mathrm|mathbf|mathit|textbf|textit|mbox|emph)\{([^{}]*)(?:\}|\Z)"), r"\1"),
    (re.compile(r"\\f?boxed\{([^{}]*)(?:\}|\Z)"), r"\nanswer: \1\n"),
    (re.compile(r"\{,\}"), ","),
)
_LATEX_SIGNS = ((re.compile(r"\\[,;:!]|\\(?:left|right)\b"), ""), (re.compile(r"\\([$%&#_])"), r"\1"))
_LATEX_BRACKETS = re.compile(r"\\[()\[\] ]|\$\$")
_MARKUP = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")
_DASHES = str.maketrans({"−": "-", "–": "-"})
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "*": None, "`": None})
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_DATES = (
    (re.compile(rf"\b({_MONTHS}) (\d\d?)(?:st|nd|rd|th)?\b,?(?! ?\d\d?\b)"), r"\2 \1"),
    (re.compile(rf"\b(\d\d?)(?:st|nd|rd|th)?(?: of)? ({_MONTHS})\b,?"), r"\1 \2"),
)


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number in a text: where it starts, where it ends, and its digits with a sign and without commas."""

    start: int
    end: int
    digits: str


def without_markup(text: str) -> str:
    r"""The text without markup and LaTeX; what is boxed becomes an answer statement of its own."""
    for pattern, sign in _LATEX_SIGNS:
        text = pattern.sub(sign, text)
    changed = ""
    while changed != text:
        changed = text
        for pattern, replacement in _LATEX:
            text = pattern.sub(replacement, text)
    text = _LATEX_BRACKETS.sub(" ", text)
    return _MARKUP.sub("", text).replace("⁄", "/").replace("\N{NO-BREAK SPACE}", " ")


def find_numbers(text: str) -> list[Number]:
    """The numbers of a text, in order.

    Currency signs, percent signs, thousands commas, markup and a full stop after the number are tolerated. A minus
    counts as a sign only where it touches the number and no word or number stands before it, so ``10-12`` ends in 12
    and ``x = -4`` in -4, while the list item ``- 12 apples`` ends in 12.
    """
    text = text.translate(_DASHES)
    numbers = []
    for match in _NUMBER.finditer(text):
        before = text[: match.start()].rstrip("$€£")
        negative = before.endswith("-") and not re.search(r"[\d)]\s*-$|\w-$", before)
        digits = ("-" if negative else "") + match.group().replace(",", "")
        numbers.append(Number(start=match.start(), end=match.end(), digits=digits))
    return numbers


def normalise(text: str) -> str:
    """A text without case, markup and typographic signs, its words one space apart."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_DASHES).translate(_QUOTES).casefold().split())


def whole_words(phrase: str) -> re.Pattern[str]:
    """Matches a normalised phrase as whole words: not ``six`` in ``twenty-six``, nor ``13`` in ``13.5``."""
    return re.compile(rf"(?<!\w)(?<!\w-)(?<!\d[.,]){re.escape(phrase)}(?!\w|[.,]\d)")


def with_dates(text: str) -> str:
    """A text normalised, with dates as ``6 may 2021``."""
    text = normalise(text)
    for pattern, replacement in _DATES:
        text = pattern.sub(replacement, text)
    return text
