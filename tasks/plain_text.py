"""What a text says, apart from case, quotes, spaces and the ways to write a date; phrases in it as whole words.

`tidy` keeps the case, `fold` and `tidy` keep places: a place in a tidy text is the same place in the folded one.
"""

import re
import unicodedata

_DASHES = str.maketrans({"−": "-", "–": "-"})
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "*": None, "`": None})
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_DATES = (
    (re.compile(rf"\b({_MONTHS}) (\d\d?)(?:st|nd|rd|th)?\b,?(?! ?\d\d?\b)", re.IGNORECASE), r"\2 \1"),
    (re.compile(rf"\b(\d\d?)(?:st|nd|rd|th)?(?: of)? ({_MONTHS})\b,?", re.IGNORECASE), r"\1 \2"),
)


def normalise(text: str) -> str:
    """A text without case, markup and typographic signs, its words one space apart."""
    return _one_space(text).casefold()


def tidy(text: str) -> str:
    """A text without markup and typographic signs, its words one space apart, its dates as ``6 May 2021``."""
    text = _one_space(text)
    for pattern, replacement in _DATES:
        text = pattern.sub(replacement, text)
    return text


def fold(text: str) -> str:
    """A text without case, letter by letter, so that places stay (``ß`` stays too)."""
    if text.isascii():
        return text.lower()
    return "".join(folded if len(folded := letter.casefold()) == 1 else letter for letter in text)


def bare(text: str) -> str:
    """A tidy text without case, quotes and marks: what two answers in words must share."""
    return " ".join(re.sub(r"[\"']+(?!\w)|(?<!\w)[\"']+|[.,;:!?](?=\s|$)", "", fold(tidy(text))).split())


def whole_words(phrase: str) -> re.Pattern[str]:
    """Matches a folded phrase as whole words: not ``six`` in ``twenty-six``, nor ``13`` in ``13.5``."""
    return re.compile(rf"(?<!\w)(?<!\w-)(?<!\d[.,]){re.escape(phrase)}(?!\w|[.,]\d)")


def _one_space(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).translate(_DASHES).translate(_QUOTES).split())
