"""What JSON can hold, for type checkers: pydantic's name for it, without pydantic where decoding runs alone."""

from typing import TYPE_CHECKING, Any

__all__ = ["JsonValue"]

if TYPE_CHECKING:
    from pydantic import JsonValue
else:
    JsonValue = Any
