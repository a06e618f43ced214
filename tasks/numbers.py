r"""The numbers of a plain text (`offbook.tasks.typesetting.plain`): where they stand and what they are worth.

    12   1,200   1 000 000   1'000   1_000   1,00,000   1.000.000   1.000,50     grouped digits
    3.5   .5   -4   minus 5   negative 3   $12   12%   12kg                        signs, currencies, units
    3/4   3 1/2   3-1/2   3 and a half   10^3   (1/2)^2   4 squared   1.5e3          fractions and powers
    €5,50   5,50 €   EUR 5,50                                                       prices with a decimal comma
    3 million   2.5 thousand   2 dozen   half a million   12k   $1.5M               sizes (`number_worth.py`)

Every run of digits is read once, from left to right, so the time is linear in the length of the text; and no number is
too long: one of more than `LONGEST` digits is equal to itself only.
"""

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from offbook.tasks.number_worth import LONGEST, behind, is_zero, value

TOLERANCE = Fraction(1, 10**6)  # a difference; of numbers below 1 a share of the larger

_DIGITS = re.compile(r"[0-9]+")
_FRACTION = re.compile(r" ?/ ?(?=[0-9])")
_MIXED = re.compile(r"(?: (?:and )?|-)(?=[0-9])")
_CALCULATED_BEFORE = re.compile(r"(?:[=+*×·÷/^<>≈]|[0-9)] ?-) ?\(?$")  # of which 5-1/2 is a difference, not 5 1/2
_CALCULATED_BEHIND = re.compile(r"\)? ?(?:[=+*×·÷/^<>≈]|- ?[0-9(])")
_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b")
_CODE = re.compile(r"(?<!\w)(?:Rs\.?|USD|EUR|GBP|INR|US|HK|NZ|[ACS])$")
_PRICED_BEFORE = re.compile(r"(?:[$€£¥₹]|(?<!\w)(?:Rs\.?|USD|EUR|GBP|INR|CHF)) ?-?$")
_PRICED_BEHIND = re.compile(r" ?(?:[€£¥₹]|(?:USD|EUR|GBP|INR|CHF|euros?)\b)", re.IGNORECASE)
_NEGATIVE = re.compile(r"\bnegative $", re.IGNORECASE)
_MINUS = re.compile(
    r"(?:^|[=:(,'\"]|\b(?:is|are|was|be|by|to|or|and|equals|gives|get|becomes)) ?minus $", re.IGNORECASE
)
_EQUALS = re.compile(r"= ?- $")

_BASED = re.compile(r"0[xX][0-9A-Fa-f]+\b|0[bBoO][0-7]+\b")  # 0x10

_CURRENCY = "$€£¥₹"
_SPACING = " '’_"  # may group digits by three, all of them or none


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number in a text: where its digits start, where it ends with its size, and how it reads.

    `digits` is ``-12.50``, ``3/4`` or ``2 dozen``: sign and digits without groups, with a dot for decimals; a power or
    size is worked out, unless it has more than `LONGEST` digits.
    """

    start: int
    end: int
    digits: str


def find_numbers(text: str) -> list[Number]:
    """The numbers of a plain text that stand for themselves, in order; not those of ``x2``, ``3rd`` or ``m^2``.

    A minus is a sign only where it touches the number and no word or number stands before it, so ``10-12`` ends in 12
    and ``x = -4`` in -4, while the list item ``- 12 apples`` ends in 12. The hyphen of ``3-1/2 cups`` makes a mixed
    number, unless it stands beside another sign of a calculation: ``5-1/2 = 4.5``. Chains such as ``1.2.3`` or
    ``5/12/2021`` are no numbers.
    """
    return list(_Reader(text).numbers())


def same(one: str, other: str) -> bool:
    """Whether two of `Number.digits` are worth the same; ``2 dozen`` is 24 and, where a question counts dozens, 2."""
    if one == other:
        return True
    values = [[value(n), value(n.removesuffix(" dozen"))] for n in (one, other)]
    return any(a is not None and b is not None and _close(a, b) for a in values[0] for b in values[1])


def _close(a: Fraction, b: Fraction) -> bool:
    return abs(a - b) <= TOLERANCE * min(max(abs(a), abs(b)), Fraction(1))


class _Reader:
    """Reads runs of digits ("chunks") and what joins them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.chunks = [match.span() for match in _DIGITS.finditer(text)]
        self.ungrouped = 0  # chunks before this one are known to be in no group

    def numbers(self) -> Iterator[Number]:
        at = 0
        while at < len(self.chunks):
            at, start, end, digits = self._magnitude(at)
            if digits and self._stands_alone(start, end):
                start -= digits.startswith(".")
                sign = self._sign(start)
                yield Number(start=start, end=end, digits=digits[1:] if sign and digits[0] == "-" else sign + digits)

    def _magnitude(self, at: int) -> tuple[int, int, int, str]:
        """The next chunk, the start, the end, and the digits ("" for no number) of the number that begins with one."""
        start = self.chunks[at][0]
        if based := _BASED.match(self.text, start):
            return bisect.bisect_left(self.chunks, (based.end(), 0)), start, based.end(), ""
        at, end, digits = self._decimal(at)
        if not digits:
            return at, start, end, ""
        if start and self.text[start - 1] == "." and not self.text[max(start - 2, 0) : start - 1].isalnum():
            digits = "." + digits if "." not in digits else digits
        worth: Fraction | None = None
        if (found := _FRACTION.match(self.text, end)) and at < len(self.chunks):
            after, until, below = self._decimal(at)
            tight = found[0] == "/" == self.text[until : until + 1] and self.text[until + 1 : until + 2].isdigit()
            if tight:
                at, end, digits = self._past(until, "/")
                return at, start, end, digits
            if below and not is_zero(below):
                at, end, digits = after, until, f"{digits}/{below}"
        elif (
            (mixed := _MIXED.match(self.text, end))
            and digits.isdecimal()
            and (part := self._proper(at, mixed.end()))
            and (mixed[0] != "-" or self._hyphenated(start, part))
        ):
            at, end, above, below = part
            if len(digits) + len(below) < LONGEST:
                worth = Fraction(digits) + Fraction(int(above), int(below))
        start, end, digits = behind(self.text, start, end, digits, worth)
        while at < len(self.chunks) and self.chunks[at][0] < end:
            at += 1
        return at, start, end, digits

    def _decimal(self, at: int) -> tuple[int, int, str]:
        """The next chunk, the end, and the digits ("" for no number) of grouped digits with decimals."""
        first, last = at, self._grouped(at)
        digits = self._digits(first, last)
        if self._priced(first, last):
            return last + 2, self.chunks[last + 1][1], f"{digits}.{self._digits(last + 1, last + 1)}"  # €5,50
        if self._joint(last) != "." or (last > first and self._joint(first) == "."):
            if last == first and digits == "0" and self._joint(first) == "," != self._joint(first + 1):
                return first + 2, self.chunks[first + 1][1], f"0.{self._digits(first + 1, first + 1)}"  # 0,5
            if last > first and self._joint(first) == "." and self._joint(last) == ",":
                return last + 2, self.chunks[last + 1][1], f"{digits}.{self._digits(last + 1, last + 1)}"  # 1.000,50
            return last + 1, self.chunks[last][1], digits
        if self._joint(last + 1) == ".":
            return self._past(self.chunks[last + 1][1], ".")
        return last + 2, self.chunks[last + 1][1], f"{digits}.{self._digits(last + 1, last + 1)}"

    def _grouped(self, first: int) -> int:
        """The last chunk of the group that begins with this one."""
        joint = self._joint(first)
        if first < self.ungrouped or not joint or self._width(first) > 3:
            return first
        last = first
        if joint == "," or joint in _SPACING or joint == ".":
            while self._joint(last) == joint and self._width(last + 1) == 3:
                last += 1
        if joint == ",":
            return last if last > first else self._indian(first)
        whole = self._joint(last) != joint or self._joint(last + 1) == "/"  # 1 000 1/2
        if joint == ".":  # 1.000 is 1, 1.000.000 a million, 1.000,50 a thousand and a half
            decimals = self._joint(last) == "," and self._width(last + 1) in (1, 2) and not self._joint(last + 1)
            return last if whole and (last > first + 1 or (last > first and decimals)) else first
        if last > first and not (whole and self.text[self.chunks[first][0]] != "0"):
            self.ungrouped = last + 1
            return first
        return last

    def _indian(self, first: int) -> int:
        """The last chunk of an Indian group, ``1,00,000``."""
        last = first
        while self._joint(last) == "," and self._width(last + 1) == 2:
            last += 1
        if last > first and self._width(first) < 3 and self._joint(last) == "," and self._width(last + 1) == 3:
            return last + 1
        self.ungrouped = max(self.ungrouped, last)
        return first

    def _past(self, end: int, joint: str) -> tuple[int, int, str]:
        """Past a chain of digits and joints, which is a date, a version or a loop, and no number."""
        while self.text[end : end + 1] == joint and (found := _DIGITS.match(self.text, end + 1)):
            end = found.end()
        return bisect.bisect_left(self.chunks, (end, end)), end, ""

    def _proper(self, at: int, begin: int) -> tuple[int, int, str, str] | None:
        """The proper fraction of a mixed number: ``1/2``, of which no other chain of slashes goes on."""
        if at + 1 >= len(self.chunks) or self.chunks[at][0] != begin or self._joint(at) != "/":
            return None
        above, below = self._digits(at, at), self._digits(at + 1, at + 1)
        if self._joint(at + 1) in ("/", ".") or not len(above) <= len(below) < LONGEST or int(above) >= int(below):
            return None
        return at + 2, self.chunks[at + 1][1], above, below

    def _hyphenated(self, start: int, part: tuple[int, int, str, str]) -> bool:
        """Whether a hyphen before a proper fraction joins it to the whole number: no calculation, no date."""
        _, end, _, below = part
        before, behind = self.text[max(start - 4, 0) : start], self.text[end : end + 4]
        return len(below) < 3 and not (_CALCULATED_BEFORE.search(before) or _CALCULATED_BEHIND.match(behind))

    def _priced(self, first: int, last: int) -> bool:
        """Whether a comma and two digits behind these chunks are the cents of a price: a currency touches it."""
        if self._joint(last) != "," or self._width(last + 1) != 2 or self._joint(last + 1) in (",", "."):
            return False
        if last > first and self._joint(first) == ",":
            return False
        start, end = self.chunks[first][0], self.chunks[last + 1][1]
        before, behind = self.text[max(start - 8, 0) : start], self.text[end : end + 7]
        if before.endswith("$") and behind.startswith("$"):  # LaTeX
            return False
        return bool(_PRICED_BEFORE.search(before) or _PRICED_BEHIND.match(behind))

    def _joint(self, at: int) -> str:
        """The one character between a chunk and the next; "" where there are more or none."""
        if at + 1 >= len(self.chunks) or self.chunks[at + 1][0] != self.chunks[at][1] + 1:
            return ""
        return self.text[self.chunks[at][1]]

    def _width(self, at: int) -> int:
        return self.chunks[at][1] - self.chunks[at][0]

    def _digits(self, first: int, last: int) -> str:
        return "".join(self.text[start:end] for start, end in self.chunks[first : last + 1])

    def _stands_alone(self, start: int, end: int) -> bool:
        before = self.text[max(start - 2, 0) : start]
        if before.endswith("^") or _ORDINAL.match(self.text, end):
            return False
        if before[-1:].isalpha() or (before[-1:] == "_" and before[:1].isalpha()):
            return _CODE.search(self.text[max(start - 5, 0) : start]) is not None
        return True

    def _sign(self, start: int) -> str:
        before = self.text[max(start - 24, 0) : start].rstrip(_CURRENCY)
        if before.endswith("-"):
            word = before[:-1].rstrip()
            touching = before[-2:-1]
            return "" if word[-1:].isdigit() or word[-1:] == ")" or touching.isalnum() or touching == "_" else "-"
        return "-" if _NEGATIVE.search(before) or _MINUS.search(before) or _EQUALS.search(before) else ""
