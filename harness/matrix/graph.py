"""The graph of a run: its stages, what each needs, and their order; a file, `plan.json`, that any process can read.

    {"schema_version", "sha256" of the text behind "stages":, "stages": [...]}

A stage is data. Its key says what it makes, so a stage of the same key in another plan makes the same thing, and a
process that holds the folder and the key can do it. Nothing heavy is imported here: a worker reads this first.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from offbook.engine.files import atomic_write_bytes
from offbook.engine.quoting import quoted
from offbook.engine.text import parse_json, read_text
from offbook.harness.settings.plain import read_plain

PLAN = "plan.json"
SCHEMA_VERSION = 4  # one of 3 says nothing of averaging or replay: its students would get the defaults
REMEDY = "name the folder of a run, or plan one with `offbook run`"
ANEW = "delete it, and plan it again with `offbook run`"

Kind = Literal["answers", "drafter", "student", "tuning", "heat", "exam"]
KINDS: tuple[Kind, ...] = get_args(Kind)
TRIALS: tuple[Kind, ...] = ("heat", "exam")  # leave records; the others leave a folder of files

_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One thing to make or to measure.

    Attributes:
        key: SHA-256 of everything that decides what comes out.
        kind: what it is.
        title: one line for people.
        spec: its specification, JSON that whoever runs this kind understands.
        needs: keys of the stages that must be done before.
        expected_s: how long it should take.
        expected_bytes: of memory at its peak.
        alone: whether nothing else may run on the machine meanwhile, as where speed is measured.
    """

    key: str
    kind: Kind
    title: str
    spec: dict[str, Any]
    needs: tuple[str, ...] = ()
    expected_s: float = 0.0
    expected_bytes: int = 0
    alone: bool = False

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            msg = f"{quoted(self.title)}: expected a SHA-256 of 64 digits as its key, got {quoted(self.key)}"
            raise ValueError(msg)


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Stages in an order in which they can be done: the order given, but for what must come earlier.

    Attributes:
        stages: ordered so.
    """

    stages: tuple[Stage, ...]
    _by_key: Mapping[str, Stage] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", _ordered(self.stages))
        object.__setattr__(self, "_by_key", {stage.key: stage for stage in self.stages})

    def __len__(self) -> int:
        return len(self.stages)

    def stage(self, key: str) -> Stage:
        """The stage of a key, or of the beginning of one (twelve characters or more).

        Raises:
            ValueError: there is none.
        """
        if key in self._by_key:
            return self._by_key[key]
        found = [stage for stage in self.stages if len(key) >= 12 and stage.key.startswith(key)]
        if not found:
            msg = f"expected the key of one of {len(self)} stages, got {quoted(key)}; `offbook status` lists them"
            raise ValueError(msg)
        return found[0]

    def of_kind(self, *kinds: Kind) -> list[Stage]:
        """The stages of these kinds, in order."""
        return [stage for stage in self.stages if stage.kind in kinds]

    def needed_by(self, keys: Iterable[str]) -> set[str]:
        """These keys and those of everything that they need, directly or not."""
        wanted, waiting = set[str](), list(keys)
        while waiting:
            key = waiting.pop()
            if key not in wanted:
                wanted.add(key)
                waiting += self.stage(key).needs
        return wanted

    def write(self, folder: Path) -> Path:
        """Writes the plan into a run's folder."""
        path, names = folder / PLAN, [each.name for each in fields(Stage)]
        lines = (json.dumps({name: getattr(stage, name) for name in names}, allow_nan=False) for stage in self.stages)
        stages = "[\n" + ",\n".join(lines) + "\n]"
        head = f'{{"schema_version": {SCHEMA_VERSION}, "sha256": "{_sha256(stages)}", "stages": '
        atomic_write_bytes(path, f"{head}{stages}}}\n".encode())
        return path

    @classmethod
    def read(cls, folder: Path) -> "Graph":
        """The plan of a run's folder.

        Raises:
            ValueError: there is none, one of another version, or one that was changed after it was written.
        """
        path = folder / PLAN
        if not path.is_file():
            msg = f"{path}: expected the plan of a run, found none; {REMEDY}"
            raise ValueError(msg)
        text = read_text(path, what="the plan of a run", remedy=ANEW)
        content = parse_json(text, source=str(path), remedy=ANEW)
        version = content.get("schema_version") if isinstance(content, dict) else None
        if version != SCHEMA_VERSION or not isinstance(content.get("stages"), list):
            msg = f"{path}: expected stages of schema_version {SCHEMA_VERSION}, got {quoted(version)}; {ANEW}"
            raise ValueError(msg)
        stages = text.partition('"stages": ')[2].removesuffix("}\n")
        if content.keys() != {"schema_version", "sha256", "stages"} or content["sha256"] != _sha256(stages):
            msg = f"{path}: expected a plan as it was written, got one that was changed since; {ANEW}"
            raise ValueError(msg)
        return cls(
            stages=tuple(
                read_plain(Stage, stage, source=f"{path}, stage {number}", remedy=ANEW)
                for number, stage in enumerate(content["stages"], start=1)
            )
        )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _ordered(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """Depth first, so that a stage stands right behind what it alone needs; without recursion, for plans may be deep.

    Raises:
        ValueError: a key twice, a need that is no stage, a circle.
    """
    by_key = {stage.key: stage for stage in stages}
    _check_names(stages, by_key)
    order: dict[str, Stage] = {}
    for first in stages:
        path: dict[str, Iterator[str]] = {} if first.key in order else {first.key: iter(first.needs)}
        while path:
            key = next(reversed(path))
            need = next((need for need in path[key] if need not in order), None)
            if need is None:
                order[key] = by_key[key]
                del path[key]
            elif need in path:
                circle = [*list(path)[list(path).index(need) :], need]
                told = " -> ".join(quoted(by_key[key].title) for key in circle)
                msg = f"expected stages that can be done one after the other, got a circle: {told}; cut it"
                raise ValueError(msg)
            else:
                path[need] = iter(by_key[need].needs)
    return tuple(order.values())


def _check_names(stages: Sequence[Stage], by_key: dict[str, Stage]) -> None:
    seen: dict[str, Stage] = {}
    for stage in stages:
        if (other := seen.setdefault(stage.key[:12], stage)) is not stage:
            msg = (
                f"expected a key for each stage, got {stage.key[:12]} for {quoted(other.title)} and "
                f"{quoted(stage.title)}; leave one out"
            )
            raise ValueError(msg)
        missing = next((need for need in stage.needs if need not in by_key), None)
        if missing is not None:
            msg = (
                f"expected everything that {quoted(stage.title)} needs among the stages, found no stage "
                f"{missing[:12]}; add it"
            )
            raise ValueError(msg)
