"""What comes out of the sandbox, made values again: plain types only, whatever the child claims.

The bytes are the answer's own, so they are read as data from a stranger: bounded, checked, never evaluated.
"""

import json
from dataclasses import dataclass
from typing import Any

Value = Any  # None, bool, int, float, str, list, tuple, set, frozenset, dict or Other


@dataclass(frozen=True)
class Raised:
    """A call that raised; `kinds` are the names of the exception's class and its bases."""

    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Other:
    """An object of another type than the plain ones; equal to nothing that is expected."""

    kind: str


def received(data: bytes, calls: int) -> list[Value | Raised] | None:
    """The result of each call; None where the bytes are not one line with a result for each."""
    try:
        entries = json.loads(data.decode("utf-8"))
        if data.count(b"\n") != 1 or not isinstance(entries, list) or len(entries) != calls:
            return None
        return [_result(entry) for entry in entries]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _result(entry: dict[str, Any]) -> Value | Raised:
    if "raised" in entry:
        return Raised(tuple(map(str, entry["raised"])))
    return _value(entry["value"])


def _value(sent: list[Any]) -> Value:
    kind, content = sent
    if kind in ("NoneType", "bool", "int", "float", "str"):
        if type(content).__name__ != kind:
            raise TypeError(kind)
        return content
    if kind in _MADE_OF:
        return _MADE_OF[kind](map(_value, content))
    if kind == "dict":
        return {_value(key): _value(item) for key, item in content}
    return Other(str(content))


_MADE_OF: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
