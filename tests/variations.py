"""A specification with each of its fields changed once, enumerated from its schema."""

from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel


def alternatives(annotation: Any, value: Any) -> Any:
    """Another value of a field's type."""
    if isinstance(value, bool):
        return not value
    choices = [kind for kind in (annotation, *get_args(annotation)) if get_origin(kind) is Literal]
    if isinstance(value, str) and choices:
        return next((other for other in get_args(choices[0]) if other != value), None)
    if isinstance(value, int | float):
        return value / 2 if isinstance(value, float) and value == 1 else value + 1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, tuple) and value:
        return (*value, value[-1] + value[-1])
    if isinstance(value, dict):
        return value | {"another": "1"}
    for kind in get_args(annotation) if get_origin(annotation) in (Union, UnionType) else [annotation]:
        if kind in (int, str, bool):
            return {int: 3, str: "another", bool: True}[kind]
        if get_args(kind) and get_args(kind)[0] is int:
            return 3
    return None


def variations(spec: BaseModel, path: str = "") -> list[tuple[str, Any]]:
    """Every field of a specification and of what it holds, each changed once, as (path, specification)."""
    found = []
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        inner = value[-1] if isinstance(value, tuple) else value
        if isinstance(inner, BaseModel):
            for where, changed in variations(inner, f"{path}{name}."):
                whole = (*value[:-1], changed) if isinstance(value, tuple) else changed
                found.append((where, spec.model_copy(update={name: whole})))
            continue
        other = alternatives(field.annotation, value)
        if other is not None:
            found.append((f"{path}{name}", spec.model_copy(update={name: other})))
    return found
