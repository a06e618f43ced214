"""JSON at rest is read without the silent last-key-wins of the library."""

from collections.abc import Sequence
from typing import Any

from offbook.engine.quoting import quoted


def no_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON (`json.loads(..., object_pairs_hook=no_duplicates)`).

    Raises:
        ValueError: a name twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        msg = f"expected each name once, got {quoted(next(n for n in names if names.count(n) > 1))} twice"
        raise ValueError(msg)
    return found
