"""Counts of a gate against its baseline, tolerance 0, and the gates that ran against the gates that have one."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.tree import Tree

BASELINES = Path(__file__).with_name("baselines.json")
UPDATE = "if it is meant, `pytest tests/gates --update-gates` writes it down"
Counts = Mapping[str, int | str]


def counts(generations: Sequence[Generation], trees: Sequence[Tree]) -> dict[str, int | str]:
    """What a gate counts, summed over its prompts, and the hashes of all trees proposed and of the token ids."""
    rounds = [r for g in generations for r in g.rounds]
    return {
        "target_forwards": sum(g.target_forwards for g in generations),
        "draft_forwards": sum(g.draft_forwards for g in generations),
        "drafted": sum(r.drafted for r in rounds),
        "offered": sum(r.offered for r in rounds),
        "accepted": sum(r.accepted for r in rounds),
        "committed": sum(r.committed for r in rounds),
        "trees_sha256": _digest([[tree.tokens, tree.parents] for tree in trees]),
        "tokens_sha256": _digest([g.tokens for g in generations]),
    }


def compare_counts(name: str, found: Counts, baselines: Mapping[str, Counts]) -> list[str]:
    """One line a difference; fewer counts as much as more."""
    if name not in baselines:
        return [f"{name}: a gate without a baseline; {UPDATE}"]
    expected = baselines[name]
    keys = [*expected, *(key for key in found if key not in expected)]
    return [
        f"{name}: expected {key} {expected.get(key, 'not to be counted')}, got {found.get(key, 'nothing')}; {UPDATE}"
        for key in keys
        if expected.get(key) != found.get(key)
    ]


def compare_names(ran: Iterable[str], baselines: Iterable[str]) -> list[str]:
    """One line for each gate that did not run and for each that no baseline knows; a renamed gate is both."""
    ran, known = set(ran), set(baselines)
    return [
        *(f"{name}: has a baseline but did not run; {UPDATE}" for name in sorted(known - ran)),
        *(f"{name}: ran but has no baseline; {UPDATE}" for name in sorted(ran - known)),
    ]


def load_baselines(path: Path = BASELINES) -> dict[str, dict[str, int | str]]:
    """All baselines by gate; none where the file is missing."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def save_baselines(baselines: Mapping[str, Counts], path: Path = BASELINES) -> None:
    """Writes them all, in order of name."""
    path.write_text(json.dumps(dict(sorted(baselines.items())), indent=2) + "\n", encoding="utf-8")


def _digest(what: object) -> str:
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]
