"""Data from a file or a command line as settings; the first complaint is one line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

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
        known = sorted(model.model_fields)
        keys = f"known keys are {', '.join(known)}" if known else "there is nothing to set"
        msg = f"{source}: {found.told('the whole')}{f'; {keys}' if found.unknown_key else ''}"
        raise ValueError(msg) from None
