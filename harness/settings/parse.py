"""Data from a file or a command line as settings; the first complaint is one line."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from offbook.engine.complaints import complaint
from offbook.harness.settings.overrides import overridden
from offbook.harness.settings.strict import Model, validated
from offbook.harness.settings.strict_yaml import load_yaml


def load_config(path: Path, model: type[Model], settings: Sequence[str] = ()) -> Model:
    """A YAML file as a model, with settings over its own; see `overridden`.

    Raises:
        ValueError: anything that is not plain, finite, unambiguous YAML of exactly this shape.
    """
    return parse(model, overridden(load_yaml(path), settings), source=str(path))


def parse(model: type[Model], data: Any, *, source: str) -> Model:
    """Data as a model; the first complaint in one line.

    Raises:
        ValueError: unknown keys, missing keys, wrong types.
    """
    try:
        return validated(model, data)
    except ValidationError as error:
        found = complaint(error, data)
        known = sorted(_at(model, found.place[:-1]).model_fields)
        keys = f"known keys are {', '.join(known)}" if known else "there is nothing to set"
        msg = f"{source}: {found.told('the whole')}{f'; {keys}' if found.unknown_key else ''}"
        raise ValueError(msg) from None


def _at(model: type[BaseModel], place: Sequence[str | int]) -> type[BaseModel]:
    """The settings at a place inside of others; the innermost that is known."""
    for part in place:
        field = model.model_fields.get(str(part))
        found = [] if field is None else [kind for kind in _inside(field.annotation) if isinstance(kind, type)]
        model = next((kind for kind in found if issubclass(kind, BaseModel)), model)
    return model


def _inside(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _inside(part)
