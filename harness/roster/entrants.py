"""Tables of who takes part: what entry points of other distributions add to one, and how one of it is asked for."""

import difflib
import importlib.metadata
from collections.abc import Mapping
from typing import Protocol, TypeVar

from offbook.engine.quoting import quoted


class Named(Protocol):
    """Whoever is asked for by name."""

    @property
    def name(self) -> str:
        """Unique in its table."""
        ...


Entrant = TypeVar("Entrant", bound=Named)


def with_added(own: Mapping[str, Entrant], kind: type[Entrant], group: str) -> Mapping[str, Entrant]:
    """A table of this repository, and what the entry points of a group add to it.

    Raises:
        ValueError: an entry point that names nothing of this kind, or takes a name that is taken.
    """
    merged = dict(own)
    for point in importlib.metadata.entry_points(group=group):
        try:
            entrant = point.load()
        except Exception as error:  # somebody else's module raises what it likes
            msg = (
                f"entry point {quoted(point.name)} of {group} ({point.value}): expected it to load, got "
                f"{type(error).__name__}: {' '.join(str(error).split())}; fix or uninstall that distribution"
            )
            raise ValueError(msg) from error
        if not isinstance(entrant, kind):
            msg = (
                f"entry point {quoted(point.name)} of {group} ({point.value}): expected a {kind.__name__}, got "
                f"{type(entrant).__name__}; fix or uninstall that distribution"
            )
            raise ValueError(msg)
        if entrant.name in merged:
            msg = (
                f"entry point {quoted(point.name)} of {group} ({point.value}): the name {quoted(entrant.name)} is "
                "taken; rename the contender or uninstall that distribution"
            )
            raise ValueError(msg)
        merged[entrant.name] = entrant
    return merged


def by_name(name: str, known: Mapping[str, Entrant], kind: str) -> Entrant:
    """One entrant of a table.

    Raises:
        ValueError: there is none; the nearest name is suggested.
    """
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f" (did you mean {near[0]}?)" if near else ""
        msg = f"no {kind} {quoted(name)}{hint}: expected one of {', '.join(known)}"
        raise ValueError(msg)
    return known[name]
