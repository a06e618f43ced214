"""What a number in digits is worth, with all that stands behind it and around it: powers, halves, sizes.

    10^3   1.5e3   1.5 × 10^3   (1/2)^2   (-2)^2   4 squared   2 cubed               powers
    3 and a half   12 and three quarters   3 hours and a half                        parts in words
    3 million   2 dozen   1/2 a dozen   3/4 of a million                             sizes in words
    12k   12K   1.5M   3bn   $5m   $3B                                               sizes in letters that touch it

Of letters, `k`, `K`, `M` and `bn` are sizes behind every number; `m`, `mn`, `B`, `b`, `T` and `tn` only beside a
currency, for `5m` is five metres or minutes. What has a space before it (`3 M`, `12 k`), goes on as a word (`12km`) or
is typeset as mathematics (`$12k$`) is a unit or a variable.

What cannot be worked out (`2^n`, `2π`, `√16`) is kept as it is written, and is equal to itself only.
"""

import re
from fractions import Fraction

from offbook.tasks.number_words import part_at

LONGEST = 1000  # digits; Python itself refuses to convert more than 4,300

_SCIENTIFIC = re.compile(r"[eE]([-+]?[0-9]{1,9})(?![\w.][\w])")
_TIMES_TEN = re.compile(r" ?[x×*·⋅] ?10 ?\^ ?\(?([-+]?[0-9]{1,9})\)?(?![\w])")
_POWER = re.compile(r" ?\^ ?(?:\(([-+]?[0-9]{1,9})\)|([-+]?[0-9]{1,9}))(?!\w|[./][0-9]| ?\^)")
_SQUARED = re.compile(
    r"[ -](?:(squared)|cubed)\b"
    r"(?! (?:[kcdm]?m|ft|in|yd|(?:[a-z]{4,5})?met(?:er|re)s?|units?|feet|foot|inch(?:es)?|yards?|miles?)\b)",
    re.IGNORECASE,
)
_UNREAD_BEHIND = re.compile(
    r" ?\^ ?\(?[-+]?(?:[0-9][\w.]*|[a-zA-Z]\b)(?:[/^][\w.]+)?\)?| ?(?:√|\\?sqrt\b|\\?pi\b|π)\w*"
)
_UNREAD_BEFORE = re.compile(r"(?:√|\b(?:sqrt|log|ln|sin|cos|tan)\b) ?\(?$", re.IGNORECASE)
_OPENED = re.compile(r"\((-?) ?$")
_CLOSED = re.compile(r" ?\)(?= ?\^)")
_AND = re.compile(r"(?: and|-and)(?=[ -])", re.IGNORECASE)
_UNIT_AND_A_HALF = re.compile(
    r" (?!(?:and|or|plus|minus|times|to|hundred)\b)([^\W\d]+) and a half\b(?![ -]\w)", re.IGNORECASE
)
_WORDS = "thousand|million|billion|trillion"
_SIZE = re.compile(rf"[ -]?(?:(hundred)(?:[ -]({_WORDS}))?|({_WORDS}))s?\b", re.IGNORECASE)
_SIZE_OF_ONE = re.compile(rf" (?:of )?an? (?:(hundred)(?:[ -]({_WORDS}))?|({_WORDS}))\b", re.IGNORECASE)
_LETTER = re.compile(r"(k|K|M|bn)(?![\w$])(?! ?\^)")
_LETTER_OF_MONEY = re.compile(r"(k|K|M|bn|mn|m|[bB]|T|tn)(?![\w$])(?! ?\^)")
_MONEY = re.compile(r"(?:[$€£¥₹]|(?<!\w)(?:Rs\.?|USD|EUR|GBP|INR|CHF)) ?-?$")
_DOZEN = re.compile(r"[ -]dozens?\b", re.IGNORECASE)
_DOZEN_OF_ONE = re.compile(r" (?:of )?a dozen\b", re.IGNORECASE)
_TENS = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_TENS |= {"k": 3, "m": 6, "mn": 6, "b": 9, "bn": 9, "t": 12, "tn": 12}
_READ = re.compile(r"-?(?:[0-9]*\.)?[0-9]+(?:/(?:[0-9]*\.)?[0-9]+)?(?: dozen)?")


def value(number: str) -> Fraction | None:
    """What `Number.digits` is worth, a dozen as 12; None for what is no such number, or a longer one than `LONGEST`."""
    if len(number) > LONGEST + 10 or not _READ.fullmatch(number):
        return None
    above, _, below = number.removesuffix(" dozen").partition("/")
    if below and is_zero(below):
        return None
    return Fraction(above) / Fraction(below or 1) * (12 if number.endswith("dozen") else 1)


def is_zero(digits: str) -> bool:
    """Whether digits with or without a decimal point are worth nothing."""
    return digits.strip("0.") == ""


def behind(text: str, start: int, end: int, digits: str, worth: Fraction | None) -> tuple[int, int, str]:
    """Start, end and digits of a number with all that belongs to it.

    Args:
        text: a plain text.
        start: of the number in digits there.
        end: of it.
        digits: what was read so far, without a sign.
        worth: what a mixed number is worth; None where the digits say it.
    """
    fraction = worth is None and "/" in digits
    if worth is None and (part := _part(text, end)) and (exact := value(digits)) is not None:
        worth, end = exact + part[0], part[1]
    start, end, digits, worth = _powers(text, start, end, digits, worth)
    if (found := _UNREAD_BEHIND.match(text, end)) or (
        operator := _UNREAD_BEFORE.search(text[max(start - 8, 0) : start])
    ):
        if found:
            return start, found.end(), _written(digits, worth) + found[0].replace(" ", "")
        return start, end, operator[0].strip(" (").lower() + _written(digits, worth) if operator else digits
    if (found := _UNIT_AND_A_HALF.match(text, end)) and (exact := _exact(digits, worth)) is not None and not fraction:
        unit, end = found[1].lower(), found.end()
        worth = (exact + Fraction(1, 2)) * 10 ** _TENS.get(unit if len(unit) > 2 else "", 0)
        if unit in ("dozen", "dozens"):
            return start, end, f"{_written(digits, worth)} dozen"
        return start, end, _written(digits, worth)
    size = _SIZE.match(text, end) or (_SIZE_OF_ONE.match(text, end) if fraction else None) or _letter(text, start, end)
    if size:
        end = size.end()
        exact = _exact(digits, worth)
        if exact is not None:
            worth = exact * 10 ** sum(_TENS[word.lower()] for word in size.groups() if word)
    dozen = _DOZEN.match(text, end) or (_DOZEN_OF_ONE.match(text, end) if fraction else None)
    digits = _written(digits, worth)
    return (start, end, digits) if dozen is None else (start, dozen.end(), f"{digits} dozen")


def _exact(digits: str, worth: Fraction | None) -> Fraction | None:
    return value(digits) if worth is None else worth


def _written(digits: str, worth: Fraction | None) -> str:
    if worth is None:
        return digits
    return f"{worth.numerator}/{worth.denominator}" if worth.denominator > 1 else str(worth.numerator)


def _part(text: str, end: int) -> tuple[Fraction, int] | None:
    """`` and a half``: a part of one and where it ends; not of ``3 and half of them``."""
    joined = _AND.match(text, end)
    part = part_at(text, joined.end()) if joined else None
    if joined is None or part is None:
        return None
    alone = text[joined.end() + 1 : part[1]].isalpha()
    return None if alone and text.startswith(" of", part[1]) else part


def _powers(
    text: str, start: int, end: int, digits: str, worth: Fraction | None
) -> tuple[int, int, str, Fraction | None]:
    """Of the arguments of `behind`, what they are with a power that follows; a bracket's belongs to all in it."""
    opened = _OPENED.search(text[max(start - 3, 0) : start])
    closed = _CLOSED.match(text, end)
    if opened and closed:
        digits, worth = opened[1] + _written(digits, worth), None
        power = _POWER.match(text, closed.end())
        start -= len(opened[0])
        if power is None:
            return start, closed.end(), f"({digits})", None
        worth, digits = _raised(digits, int(power[1] or power[2]), power=True)
        return start, power.end(), digits, worth
    if worth is not None:
        return start, end, digits, worth
    for pattern in (_SCIENTIFIC, _TIMES_TEN, _POWER):
        if found := pattern.match(text, end):
            worth, digits = _raised(digits, int(found[1] or found[2]), power=pattern is _POWER)
            return start, found.end(), digits, worth
    if found := _SQUARED.match(text, end):
        worth, digits = _raised(digits, 2 if found[1] else 3, power=True)
        return start, found.end(), digits, worth
    return start, end, digits, worth


def _letter(text: str, start: int, end: int) -> re.Match[str] | None:
    money = _MONEY.search(text[max(start - 8, 0) : start])
    return (_LETTER_OF_MONEY if money else _LETTER).match(text, end)


def _raised(digits: str, exponent: int, *, power: bool) -> tuple[Fraction | None, str]:
    """Digits x 10^exponent, or to that power; as it was written where that would have too many digits."""
    written = f"{digits}^{exponent}" if power else f"{digits}e{exponent}"
    base = value(digits)
    if base is None or (power and not base and exponent < 0):
        return None, written
    if power:
        if abs(exponent) * len(digits) > LONGEST:
            return None, written
        return base**exponent, digits
    return (None, written) if abs(exponent) + len(digits) > LONGEST else (base * Fraction(10) ** exponent, digits)
