"""Choices by name: what is added to a table later leaves all other cases as they were.

Every alternative has a number of its own in every case, a hash of the case and of its name, and the smallest is chosen.
So one that is added wins its share of the cases, and no other case changes; numbers of cases that were found once still
mean the same.
"""

import hashlib
from collections.abc import Iterable, Sequence

SHOWN = 200  # characters of a name that count, with its length


def share(*key: object) -> float:
    """A number in [0, 1) of a case."""
    told = "\0".join(f"{len(text)} {text[:SHOWN]}" for text in map(str, key))
    digest = hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=7).digest()
    return int.from_bytes(digest) / 2**56


def pick(case: str, values: Sequence[str]) -> str:
    """One of these; of one that stands there several times the chances add up."""
    return min(_numbered(values), key=lambda one: share(case, *one))[0]


def some(case: str, names: Iterable[str], count: int) -> list[str]:
    """So many of these names, in an order of the case's own."""
    return sorted(names, key=lambda name: share(case, name))[:count]


def _numbered(values: Sequence[str]) -> list[tuple[str, int]]:
    """Each with how often it stood there before."""
    seen: dict[str, int] = {}
    found = []
    for value in values:
        seen[value] = seen.get(value, -1) + 1
        found.append((value, seen[value]))
    return found
