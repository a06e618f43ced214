"""Dataclasses read from JSON as strictly as pydantic reads, for what a worker reads first.

Loading pydantic takes as long as everything else that a worker needs before it has taken a stage.
"""

from collections.abc import Hashable
from dataclasses import MISSING, fields
from functools import cache
from math import isfinite
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from offbook.engine.quoting import quoted

Kind = TypeVar("Kind")


def read_plain(kind: type[Kind], content: Any, *, source: str, remedy: str) -> Kind:
    """A dataclass of texts, numbers, truth values, dictionaries, tuples of texts and literals.

    Args:
        kind: the dataclass.
        content: what JSON held.
        source: where it stood, for complaints.
        remedy: what to do then.

    Raises:
        ValueError: a field that is missing, unknown or of another type.
    """
    if not isinstance(content, dict):
        msg = f"{source}: expected fields by name, got {quoted(content)}; {remedy}"
        raise ValueError(msg)
    hints = _hints_of(cast("Hashable", kind))
    if unknown := sorted(content.keys() - hints.keys()):
        msg = f"{source}: expected the fields {', '.join(hints)}, got {quoted(unknown[0])} as well; {remedy}"
        raise ValueError(msg)
    values = {}
    for field in fields(kind):  # type: ignore[arg-type] # dataclasses have no type of their own
        if field.name in content:
            values[field.name] = _value(hints[field.name], content[field.name])
        if values.get(field.name, field.default) in (_WRONG, MISSING):
            found = quoted(content[field.name]) if field.name in content else "nothing"
            msg = f"{source}: {field.name}: expected {_told(hints[field.name])}, got {found}; {remedy}"
            raise ValueError(msg)
    return kind(**values)


_WRONG = object()


@cache
def _hints_of(kind: Hashable) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(hint: Any, value: Any) -> Any:
    """The value as its type has it, or `_WRONG`."""
    origin = get_origin(hint)
    if origin is tuple:
        is_right = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
        return tuple(value) if is_right else _WRONG
    if origin is dict:
        return value if isinstance(value, dict) else _WRONG
    if origin is not None:  # a literal
        return value if type(value) is str and value in get_args(hint) else _WRONG
    if hint is float:
        is_right = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= 0
        return float(value) if is_right else _WRONG
    if hint is int:
        return value if type(value) is int and value >= 0 else _WRONG
    return value if type(value) is hint else _WRONG


def _told(hint: Any) -> str:
    names = {str: "text", int: "a whole number from 0 on", float: "a number from 0 on", bool: "true or false"}
    if get_origin(hint) is tuple:
        return "a list of texts"
    return names.get(hint) or ("an object" if get_origin(hint) is dict else f"one of {', '.join(get_args(hint))}")
