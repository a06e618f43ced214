"""A heat with other arms than the one that a folder holds on the same documents.

Both measure the same cells, the baseline's above all, and a store has one record a cell, while speeds compare inside of
one heat only. So a heat with more arms, or with a contender whose code has changed, replaces the earlier as a whole;
one that would drop an arm of it is refused before anything is loaded. A heat with fewer arms finds its records.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from offbook.engine.quoting import shortened
from offbook.harness.artifacts.recipes import Recipe, without
from offbook.harness.matrix.graph import PLAN, Graph, Stage
from offbook.harness.records.ledger import Ledger
from offbook.harness.trials.spec import HeatSpec

LONGEST = 300  # characters of the arms that are told
CHANGED = "is new there, or has changed"


def replaced(graph: Graph, done: set[str], folder: Path) -> dict[str, str]:
    """The heats of a folder that are to be run again with other arms.

    Args:
        graph: what is to be run.
        done: keys of its stages that are done.
        folder: of the run, with the plan of what was run there.

    Returns:
        By the key of each, a line about it.

    Raises:
        ValueError: a heat that would drop an arm of one in the folder, or take cells of another in the plan; or a plan
            or a ledger in the folder that cannot be read.
    """
    heats, found = graph.of_kind("heat"), dict[str, str]()
    if all(heat.key in done for heat in heats):
        return found
    held, planned = defaultdict[str, list[Stage]](list), defaultdict[str, list[Stage]](list)
    for heat in _run_there(folder):
        held[_asks(heat)].append(heat)
    for heat in heats:
        new = _arms(heat)
        for other in planned[_asks(heat)] if heat.key not in done else ():
            if differing := new.keys() ^ _arms(other).keys():
                one_only = [(new | _arms(other))[name] for name in sorted(differing)]
                msg = (
                    f"{heat.title} and {other.title}: expected heats on the same documents to have the same decoders, "
                    f"got {_told(one_only, ())} in one of them only; leave one of the two out"
                )
                raise ValueError(msg)
        for other in held[_asks(heat)] if heat.key not in done else ():
            old = _arms(other)
            if other.key == heat.key or not new.keys() - old.keys():
                continue
            added, gone = [new[name] for name in sorted(new.keys() - old.keys())], old.keys() - new.keys()
            if {_without_code(old[name]) for name in gone} - {_without_code(arm) for arm in added}:
                raise ValueError(_refusal(heat, added, [old[name] for name in sorted(gone)], folder))
            found[other.key] = f"{heat.title}: is run again with all its decoders, for {_told(added, ())} {CHANGED}"
        planned[_asks(heat)].append(heat)
    return found


def _run_there(folder: Path) -> list[Stage]:
    """Heats of which a folder holds records."""
    if not (folder / PLAN).is_file():
        return []
    ledger = Ledger(folder)
    return [heat for heat in Graph.read(folder).of_kind("heat") if ledger.behind(heat.key)]


def _asks(heat: Stage) -> str:
    """Everything that decides a heat's cells but for its arms."""
    spec = without(HeatSpec.UNKEYED, {name: value for name, value in heat.spec.items() if name != "arms"})
    suite = {name: value for name, value in spec["suite"].items() if name != "asked_as"}
    return json.dumps(spec | {"suite": suite}, sort_keys=True)


def _arms(heat: Stage) -> dict[str, dict[str, Any]]:
    return {json.dumps(without(Recipe.UNKEYED, arm), sort_keys=True): arm for arm in heat.spec["arms"]}


def _without_code(arm: dict[str, Any]) -> str:
    return json.dumps(_unsigned(without(Recipe.UNKEYED, arm)), sort_keys=True)


def _unsigned(content: Any) -> Any:
    """The content of a recipe, in it and in those that it holds nobody's code; options stay as they are."""
    if not isinstance(content, dict):
        return content
    held = {name: value if name == "options" else _unsigned(value) for name, value in content.items()}
    return held | ({"made_by": None} if "made_by" in held else {})


def _refusal(heat: Stage, added: list[dict[str, Any]], gone: list[dict[str, Any]], folder: Path) -> str:
    instead = f"in place of {_told(gone, added)}" if gone else "too"
    return (
        f"{folder}: {heat.title}: expected the decoders of the heat that was run there, got {_told(added, gone)} "
        f"{instead}; speeds compare inside of one heat only: choose another --output (artifacts/ may be copied into it)"
    )


def _told(arms: Iterable[dict[str, Any]], others: Iterable[dict[str, Any]]) -> str:
    """Decoders by name; where the others have one of that name, with what it is that differs."""
    return shortened(
        ", ".join(_one(arm, [o for o in others if o["decoder"] == arm["decoder"]]) for arm in arms), LONGEST
    )


def _one(arm: dict[str, Any], others: list[dict[str, Any]]) -> str:
    if not others:
        return str(arm["decoder"])
    if all(arm["options"] != other["options"] for other in others):
        return f"{arm['decoder']} {json.dumps(arm['options'], sort_keys=True)}"
    return f"{arm['decoder']} with another drafter, or of other code"
