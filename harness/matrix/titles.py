"""Titles of stages, told apart: where two are alike, each says in what it differs."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from offbook.harness.matrix.graph import Stage

# Where a specification says it, and how a title does.
PARTS = (
    ("model.name", "of {}"),
    ("answers.model.name", "of {}"),
    ("base", "of {}"),
    ("seed", "with seed {}"),
    ("sampling.top_k", "top-k {}"),
    ("sampling.top_p", "top-p {}"),
    ("limit", "documents: {}"),
    ("max_new_tokens", "at most {} tokens"),
    ("batch_size", "in batches of {}"),
)


def told_apart(stages: Sequence[Stage]) -> list[Stage]:
    """The same stages; one whose title another has too ends with what differs, or else with its key."""
    alike = defaultdict[str, list[Stage]](list)
    for stage in stages:
        alike[stage.title].append(stage)
    told = {stage.key: stage for group in alike.values() if len(group) > 1 for stage in _told(group)}
    return [told.get(stage.key, stage) for stage in stages]


def _told(alike: Sequence[Stage]) -> Iterator[Stage]:
    values = [tuple(_at(stage.spec, path) for path, _ in PARTS) for stage in alike]
    differing = [place for place, found in enumerate(zip(*values, strict=True)) if len({*map(str, found)}) > 1]
    same = Counter(map(str, values))
    for stage, found in zip(alike, values, strict=True):
        said = [PARTS[place][1].format("all" if found[place] is None else found[place]) for place in differing]
        key = [stage.key[:8]] if same[str(found)] > 1 else []
        yield replace(stage, title=", ".join([stage.title, *said, *key]))


def _at(spec: Any, path: str) -> Any:
    for name in path.split("."):
        spec = spec.get(name) if isinstance(spec, Mapping) else None
    return spec
