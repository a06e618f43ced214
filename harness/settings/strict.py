"""Settings as they must come: of the type that is asked for, never of another that could be turned into it.

`seed: true` is no seed, `limit: "3"` no limit and `decoders: []` no decoders. Data is checked as JSON would be,
so that a list still fills a tuple and a whole number a float.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from offbook.engine.quoting import quoted

Model = TypeVar("Model", bound=BaseModel)


def _text(text: str) -> str:
    if not text.strip():
        msg = "expected text, got none; leave the key out"
        raise ValueError(msg)
    if not text.isprintable():
        msg = f"expected a name of printable characters, got {quoted(text)}"
        raise ValueError(msg)
    return text


Name = Annotated[str, AfterValidator(_text)]  # of a model, a suite, a file: one line
Names = Annotated[tuple[Name, ...], Field(min_length=1)]
Version = Annotated[int, Field(ge=1, le=1)]


class Strict(BaseModel):
    """Settings; unknown ones are errors, and none is coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, protected_namespaces=())


def validated(model: type[Model], data: Any) -> Model:
    """Plain data as settings.

    Raises:
        pydantic.ValidationError: the data does not fit.
    """
    return model.model_validate_json(json.dumps(data, default=_plain), strict=True)


def _plain(value: Any) -> Any:
    """What JSON does not know: read-only mappings, paths."""
    return dict(value) if isinstance(value, Mapping) else str(value)
