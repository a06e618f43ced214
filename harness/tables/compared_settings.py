"""In what the two sides of a comparison differ: the settings of whoever is compared, and machine and code of both.

Settings are told field by field as the specification names them, once where all pairs differ alike. Of the machine and
the code, each value that occurs on a side is told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from offbook.harness.records.cell import CellSpec
from offbook.harness.records.exam import SittingSpec
from offbook.harness.tables.compared_pairs import Contender
from offbook.harness.tables.rows import Row

MACHINE = (
    *("cpu", "cpu_capability", "cpu_flags", "onednn", "bf16_in_hardware", "cores", "usable_cores", "torch_threads"),
    *("nice", "memory_gib", "gpu", "platform", "environment"),
)
CODE = ("offbook", "git", "python", "packages")
SHOWN = 12  # digits of a hash
ALL = "all"
_HASH = 64


class Differing(NamedTuple):
    """One setting of one pair, as both sides have it."""

    name: str
    a: str
    b: str


def settings_of_decoders(pairs: Sequence[tuple[Contender, Contender]]) -> list[Row]:
    """What differs between decoders, over the suites that both ran."""
    found: list[tuple[str, list[Differing]]] = []
    for a, b in pairs:
        theirs = {cell.record.spec.suite: cell.record.spec for cell in b.cells}
        both = [(cell.record.spec, theirs[name]) for cell in a.cells if (name := cell.record.spec.suite) in theirs]
        found.append((_who(a.label, b.label), _once(each for one, other in both for each in between(one, other))))
    return _told(found)


def settings_of_students(pairs: Sequence[tuple[str, str, SittingSpec, SittingSpec]]) -> list[Row]:
    """What differs between students, each under the name that it has on its side."""
    return _told([(_who(a, b), _once(between(ours, theirs))) for a, b, ours, theirs in pairs])


def between(a: CellSpec | SittingSpec, b: CellSpec | SittingSpec) -> Iterator[Differing]:
    """Fields in which two specifications differ; which suites an exam has is told by its lines."""
    ours, theirs = (dict(_flat(spec.model_dump(mode="json", exclude={"suites"}))) for spec in (a, b))
    for name in dict.fromkeys((*ours, *theirs)):
        if ours.get(name) != theirs.get(name):
            yield Differing(name, _written(ours.get(name)), _written(theirs.get(name)))


def machines(a: Iterable[Mapping[str, Any]], b: Iterable[Mapping[str, Any]]) -> list[Row]:
    """What differs between the manifests of two sides: all values of a side, with commas."""
    ours, theirs = _values(a), _values(b)
    rows: list[Row] = []
    for of, names in (("machine", MACHINE), ("code", CODE)):
        for path in sorted(path for path in {*ours, *theirs} if path.partition(".")[0] in names):
            one, other = (", ".join(sorted(side.get(path, {_written(None)}))) for side in (ours, theirs))
            if one != other:
                rows.append({"of": of, "name": path, "a": one, "b": other, "who": ALL})
    return rows


def _told(found: Sequence[tuple[str, Sequence[Differing]]]) -> list[Row]:
    """A row a difference, with those of whom it holds."""
    of: dict[Differing, list[str]] = {}
    for who, differing in found:
        for each in differing:
            of.setdefault(each, []).append(who)
    return [
        {"of": "setting", **each._asdict(), "who": ALL if len(who) == len(found) else "; ".join(who)}
        for each, who in of.items()
    ]


def _once(found: Iterable[Differing]) -> list[Differing]:
    return [*dict.fromkeys(found)]


def _who(a: str, b: str) -> str:
    return a if a == b else f"{a} against {b}"


def _values(manifests: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for manifest in manifests:
        for path, value in _flat({name: manifest[name] for name in (*MACHINE, *CODE) if name in manifest}):
            found.setdefault(path, set()).add(_written(value))
    return found


def _flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every value below, by its path; of what is empty nothing."""
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{above}{name}.")
        else:
            yield f"{above}{name}", inner


def _written(value: Any) -> str:
    """A value as a cell has it: a hash by its beginning, nothing as a hyphen."""
    if value is None:
        return "-"
    if isinstance(value, str):
        is_hash = len(value) == _HASH and all(digit in "0123456789abcdef" for digit in value)
        return value[:SHOWN] if is_hash else value
    if isinstance(value, list):
        return " ".join(map(_written, value)) or "none"
    return str(value)
