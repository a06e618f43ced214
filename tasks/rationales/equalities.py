"""Finds the arithmetic that a text states, so that it can be checked: equalities, chains of them, comparisons.

Only digits count. "4 x 3 = 12", "20 - 4 * 3 = 20 - 12 = 8" and "$5 + $7 = $12" are found; "twice six is twelve" is not.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

_NUMBER = r"-?\$?\d+(?:\.\d+)?"
_TERM = rf"\(*{_NUMBER}\)*"
_SUM = rf"{_TERM}(?: ?[-+*/x×÷] ?{_TERM})*"
_EQUALITY = re.compile(rf"(?<![\w.$]){_SUM}(?: ?= ?{_SUM})+")
_REFUTED = re.compile(rf"= ?({_NUMBER}),? not ({_NUMBER})")
_COMPARED = re.compile(rf"({_NUMBER}) is (?:already )?(less|more) than ({_NUMBER})")


@dataclass(frozen=True, kw_only=True)
class Equality:
    """A stated equality: its text and the values of its sides; None where a side cannot be read."""

    text: str
    sides: tuple[Fraction | None, ...]

    @property
    def result(self) -> Fraction | None:
        """The value of the last side."""
        return self.sides[-1]

    @property
    def holds(self) -> bool:
        """Whether all sides can be read and are equal."""
        return None not in self.sides and len(set(self.sides)) == 1

    @property
    def numbers(self) -> tuple[int, ...]:
        """The whole numbers of its first side."""
        return tuple(int(number) for number in re.findall(r"\d+", self.text.split("=")[0]))


@lru_cache(maxsize=64)
def equalities(text: str) -> tuple[Equality, ...]:
    """The equalities of a text, in order; several rules ask for those of one text."""
    return tuple(
        Equality(text=match[0], sides=tuple(_side(side) for side in match[0].split("=")))
        for match in _EQUALITY.finditer(text)
    )


def false_statements(text: str) -> Iterator[str]:
    """The equalities and comparisons of a text that do not hold."""
    for equality in equalities(text):
        if not equality.holds:
            yield equality.text
    for match in _REFUTED.finditer(text):
        if value(match[1]) == value(match[2]):
            yield match[0]
    for match in _COMPARED.finditer(text):
        left, right = value(match[1]), value(match[3])
        assert left is not None
        assert right is not None
        if not (left < right if match[2] == "less" else left > right):
            yield match[0]


def refutations(text: str) -> list[str]:
    """The comparisons by which a text shows that something cannot be right: "= 6, not 8", "5 is less than 9"."""
    return [match[0] for pattern in (_REFUTED, _COMPARED) for match in pattern.finditer(text)]


def value(expression: str, letters: Mapping[str, int] | None = None) -> Fraction | None:
    """The value of an expression in numbers, + - * / and brackets, or of one with letters; None if it is none."""
    plain = re.sub(r"(?<![a-z])x(?![a-z])", "*", expression) if letters is None else expression
    plain = plain.replace("×", "*").replace("÷", "/").replace("$", "").strip()
    try:
        return _value(ast.parse(plain, mode="eval").body, letters or {})
    except (SyntaxError, ZeroDivisionError, KeyError, ValueError):
        return None


@lru_cache(maxsize=4096)
def _side(expression: str) -> Fraction | None:
    """The value of one in numbers; many texts have the same."""
    return value(expression)


def _value(node: ast.expr, letters: Mapping[str, int]) -> Fraction:
    match node:
        case ast.Constant(value=int() | float() as number):
            return Fraction(str(number))
        case ast.Name(id=letter):
            return Fraction(letters[letter])
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, letters)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _value(left, letters), _value(right, letters)
            match op:
                case ast.Add():
                    return a + b
                case ast.Sub():
                    return a - b
                case ast.Mult():
                    return a * b
                case ast.Div():
                    return a / b
    msg = f"expected numbers and + - * /, got {ast.dump(node)}"
    raise ValueError(msg)
