"""What pydantic finds wrong with somebody's data, told in the names of the data.

pydantic names places by its own machinery too: the text that `tasks` may be beside a list is at
`tasks.function-after[_text(), str]`, and each alternative complains apart. Here a place is a path through the data as
it was written, and the alternatives at one place are one complaint.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from offbook.engine.quoting import quoted, shortened

_PREFIX = re.compile(r"^(?:Value error|Assertion failed), ")
_CLASS = re.compile(r" or (?:an )?instance of \w+")  # of ours, which nobody wrote
_MACHINERY = re.compile(r"[\[(]|^(?:str|int|float|bool|none|json-or-python|dict|list|tuple|constrained-\w+)$")
_WANTED = "Input should be "
_SAID_ALREADY = ("missing", "value_error", "assertion_error")  # their messages say what came

Place = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """The first thing wrong.

    Attributes:
        where: keys and places from the outside in, such as `heats.0.limit`; "" for the whole.
        problem: what was expected there, and what came.
        unknown_key: whether that is a key of no meaning.
        place: the same as `where`, part by part.
    """

    where: str
    problem: str
    unknown_key: bool = False
    place: Place = ()

    def told(self, whole: str) -> str:
        """Place and problem as a line has them; `whole` is what to call the data."""
        return f"{self.where or whole}: {self.problem}"


def complaint(error: ValidationError, data: Any = None) -> Complaint:
    """The first complaint about `data`, the plain value that was checked; without it places are told by their form."""
    errors: list[Any] = error.errors(include_url=False, include_context=False)
    place, alternatives = _alternatives(errors, data)
    first = alternatives[0]
    unknown = first["type"] == "extra_forbidden"
    messages = ["unknown key"] if unknown else list(dict.fromkeys(map(_message, alternatives)))
    further = [message.removeprefix(_WANTED) for message in messages[1:] if message.startswith(_WANTED)]
    problem = " or ".join([messages[0], *further]) if messages[0].startswith(_WANTED) else messages[0]
    got = "" if first["type"] in _SAID_ALREADY else f", got {quoted(first['input'])}"
    where = ".".join(shortened(str(part)) for part in place)
    return Complaint(where=where, problem=problem + got, unknown_key=unknown, place=place)


def _alternatives(errors: Sequence[Any], data: Any) -> tuple[Place, list[Any]]:
    """Where the first error is, and what is wrong there with each of the things that it may be."""
    first, place = errors[0], _place(errors[0], data)
    if len(place) == len(first["loc"]):
        return place, [first]
    below = [other for other in errors if _place(other, data)[: len(place)] == place]
    place = max((_place(other, data) for other in below), key=len)
    there = [other for other in below if _place(other, data) == place]
    return place, [other for other in there if not other["type"].endswith("_type")] or there


def _message(error: Mapping[str, Any]) -> str:
    return _CLASS.sub("", _PREFIX.sub("", " ".join(str(error["msg"]).split())))


def _place(error: Mapping[str, Any], data: Any) -> Place:
    """The keys and indices of an error that lead through the data; a key that is missing comes last."""
    location: Sequence[str | int] = error["loc"]
    if data is None:
        return tuple(part for part in location if isinstance(part, int) or not _MACHINERY.search(part))
    found: list[str | int] = []
    for part in location:
        if isinstance(data, list | tuple):
            data = dict(enumerate(data))
        if isinstance(data, Mapping) and part in data:
            data = data[part]
            found.append(part)
    return (*found, location[-1]) if error["type"] == "missing" else tuple(found)
