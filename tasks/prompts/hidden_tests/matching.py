"""When a value is what was expected: equal and of the same plain type, or what a matcher lets through.

Values come from a stranger (`offbook.tasks.prompts.sandbox.values`), so every comparison is between plain types and
none of theirs takes part in it.
"""

import math
from collections.abc import Callable
from typing import Any

from offbook.tasks.prompts.sandbox.values import Raised

Matcher = Callable[[Any], bool]
Expected = Any  # a plain value, or a Matcher
Case = tuple[str, Expected]  # a call, and what it must give


def equal(expected: Expected, given: Any) -> bool:
    """Whether a value is the expected one.

    Whole numbers and fractions of the same size are equal, within rounding; True is no number. A list is no tuple.
    """
    if callable(expected):
        try:
            return bool(expected(given))
        except (TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError):
            return False  # a matcher may take for granted what it looks at
    if _is_number(expected):
        return _is_number(given) and _close(expected, given)
    if type(expected) is not type(given):
        return False
    if isinstance(expected, list | tuple):
        return len(expected) == len(given) and all(map(equal, expected, given))
    if isinstance(expected, dict):
        return expected.keys() == given.keys() and all(equal(value, given[key]) for key, value in expected.items())
    return bool(expected == given)


def either(*expected: Expected) -> Matcher:
    """One of several values, where the question leaves it open."""
    return lambda given: any(equal(value, given) for value in expected)


def sequence(*items: Expected) -> Matcher:
    """These items in this order, in a list or a tuple."""
    return lambda given: isinstance(given, list | tuple) and equal(list(items), list(given))


def any_order(*items: Expected) -> Matcher:
    """These items in whatever order, in a list, tuple or set."""

    def matches(given: Any) -> bool:
        if not isinstance(given, list | tuple | set | frozenset) or len(given) != len(items):
            return False
        left = list(given)
        for item in items:
            found = next((number for number, value in enumerate(left) if equal(item, value)), None)
            if found is None:
                return False
            del left[found]
        return True

    return matches


def raises(kind: str) -> Matcher:
    """A call that raises an exception of this class, or of one below it."""
    return lambda given: isinstance(given, Raised) and kind in given.kinds


def near(expected: float, within: float) -> Matcher:
    """A number that is not further off than this."""
    return lambda given: _is_number(given) and abs(given - expected) <= within


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _close(a: float, b: float) -> bool:
    try:
        return a == b or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
    except OverflowError:
        return False
