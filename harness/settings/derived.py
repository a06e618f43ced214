"""Settings of a file, and options of a command line, from the one dataclass in which they stand.

What a file leaves out keeps the dataclass's default, so every field of the derived settings may be None.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, get_type_hints

from pydantic import Field, create_model

from offbook.engine.docstrings import attributes
from offbook.harness.settings.strict import Strict


def partial_of(kind: type, *, name: str, base: type[Strict] = Strict, leave_out: Sequence[str] = ()) -> Any:
    """Settings with the fields of a dataclass, each of its type and within its bounds, or None.

    Args:
        kind: the dataclass; its docstring describes each field under "Attributes:".
        name: of the class.
        base: with more fields.
        leave_out: fields that are set elsewhere.
    """
    hints, told = get_type_hints(kind, include_extras=True), attributes(kind)
    wanted: dict[str, Any] = {
        field.name: (hints[field.name] | None, Field(default=None, description=told[field.name]))
        for field in fields(kind)
        if field.name not in leave_out
    }
    return create_model(name, __base__=base, __module__=base.__module__, __doc__=base.__doc__, **wanted)
