"""Numbers in words at the beginning of an answer: ``twenty-five``, ``a hundred and two``, ``two thirds``."""

import re
from fractions import Fraction

_SMALL = {
    **{"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9},
    **{"ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16},
    **{"seventeen": 17, "eighteen": 18, "nineteen": 19},
}
_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PARTS = {"half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4}
_SMALLER = ("fifth", "sixth", "seventh", "eighth", "ninth", "tenth")  # alone, these are places in an order
_PARTS |= {word: parts for parts, one in enumerate(_SMALLER, start=5) for word in (one, f"{one}s")}

_WORD = re.compile(r"[ -]?([A-Za-z]+)(?!\w)")
_LEAD = re.compile(
    r"\W*(?:(?:the number|about|approximately|exactly|around|roughly|nearly|almost|only|just|a total of)\b ?)*", re.I
)
_SIGN = re.compile(r"(?:minus|negative) ", re.IGNORECASE)
_NEXT = re.compile(r" ?(?:,|/|-|\bor\b|\band\b|\bto\b) ?", re.IGNORECASE)
_PRONOUN = re.compile(r" (?:of|that|which|who|whose|in|on|with|at|from|where|more|another)\b", re.IGNORECASE)
_PART = re.compile(rf"[ -](?:(an?|{'|'.join(_SMALL)})[ -])?([A-Za-z]+)\b", re.IGNORECASE)
_MOST = 24  # words; nobody spells out more


def in_digits(stated: str) -> str:
    """An answer with the numbers in words that it begins with, one or a list of them, in digits; else as it is.

    ``one of them`` is no number, and a word further inside (``for one person``) stays.
    """
    lead = _LEAD.match(stated)
    at = begin = lead.end() if lead else 0
    written: list[str] = []
    for _ in range(_MOST):
        sign = _SIGN.match(stated, at)
        found = _read(stated, sign.end() if sign else at)
        if found is None:
            break
        worth, end = found
        written.append(f"{'-' if sign else ''}{worth}")
        between = _NEXT.match(stated, end)
        if between is None or _read(stated, between.end()) is None:
            at = end
            break
        written.append(between[0])
        at = between.end()
    if at == begin or not written:
        return stated
    return "".join([stated[:begin], *written, stated[at:]])


def part_at(text: str, begin: int) -> tuple[Fraction, int] | None:
    """A part of one and where it ends, where a text goes on with one: `` a half``, ``-three-quarters``, `` half``."""
    match = _PART.match(text, begin)
    if match is None or match[2].lower() not in _PARTS:
        return None
    counted = (match[1] or "").lower()
    if not counted and match[2].lower().startswith(("third", "fourth", *_SMALLER)):
        return None  # 3 and fifth: a place in an order
    return Fraction(_SMALL.get(counted, 1), _PARTS[match[2].lower()]), match.end()


def _read(text: str, begin: int) -> tuple[Fraction, int] | None:
    """The number in words that begins here, and where it ends."""
    total, group, end, words = 0, 0, begin, 0
    article = tens = False
    for _ in range(_MOST):
        match = _WORD.match(text, end)
        word = match[1].lower() if match and (words or match[0] == match[1]) else ""
        if match is None or not word:
            break
        if word in ("a", "an") and not words:
            article, group = True, 1
        elif word == "and" and words and not article:
            after = _WORD.match(text, match.end())
            if after is None or (part := part_at(text, match.end())):
                if after is not None and part:
                    return Fraction(total + group) + part[0], part[1]
                break
            following = after[1].lower()
            if (following not in _SMALL and following not in _TENS) or (group % 100 or not total + group):
                break
            end = match.end()
            continue
        elif (
            word in _SMALL
            and not article
            and (group % 100 == 0 or (tens and 0 < _SMALL[word] < 10))
            and not (words and not group and not total)
        ):
            group, tens = group + _SMALL[word], False
        elif word in _TENS and not article and group % 100 == 0:
            group, tens = group + _TENS[word], True
        elif word == "hundred" and 0 < group < 100:
            group, article, tens = 100 * group, False, False
        elif word in _LARGE and group:
            total, group, article, tens = total + group * _LARGE[word], 0, False, False
        elif word == "dozen" and group and not total:
            return Fraction(group), end  # "2 dozen", as find_numbers reads it
        elif word in _PARTS and tens:
            return None  # twenty-third
        elif word in _PARTS and not total and (group or not (words or word in _SMALLER)):
            return Fraction(group or 1, _PARTS[word]), match.end()
        else:
            break
        end, words = match.end(), words + 1
    if not words or article or (words == 1 and group == 1 and _PRONOUN.match(text, end)):
        return None
    return Fraction(total + group), end
