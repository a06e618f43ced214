"""A heat with other arms than the one that a folder holds on the same documents, refused before anything is loaded.

Both would measure the same cells, the baseline's above all, and a store has one record a cell: the later heat would
take them from the earlier, whose other arms then stand without a baseline. A heat with fewer arms finds its records.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from offbook.engine.quoting import shortened
from offbook.harness.matrix.graph import PLAN, Graph, Stage
from offbook.harness.records.ledger import Ledger

LONGEST = 300  # characters of the arms that are told


def check_arms(graph: Graph, done: set[str], folder: Path) -> None:
    """Refuses the first heat that would take records from another.

    Args:
        graph: what is to be run.
        done: keys of its stages that are done.
        folder: of the run, with the plan of what was run there.

    Raises:
        ValueError: see above; or a plan or a ledger in the folder that cannot be read.
    """
    heats = graph.of_kind("heat")
    if all(heat.key in done for heat in heats):
        return
    held = defaultdict[str, list[Stage]](list)
    for heat in _run_there(folder):
        held[_asks(heat)].append(heat)
    for heat in heats:
        others = held[_asks(heat)]
        for other in others if heat.key not in done else ():
            if other.key != heat.key and (more := _arms(heat).keys() - _arms(other).keys()):
                raise ValueError(_refusal(heat, other, more, folder))
        others.append(heat)


def _run_there(folder: Path) -> list[Stage]:
    """Heats of which a folder holds records."""
    if not (folder / PLAN).is_file():
        return []
    ledger = Ledger(folder)
    return [heat for heat in Graph.read(folder).of_kind("heat") if ledger.behind(heat.key)]


def _asks(heat: Stage) -> str:
    """Everything that decides a heat's cells but for its arms."""
    spec = {name: value for name, value in heat.spec.items() if name != "arms"}
    suite = {name: value for name, value in spec["suite"].items() if name != "asked_as"}
    return json.dumps(spec | {"suite": suite}, sort_keys=True)


def _arms(heat: Stage) -> dict[str, dict[str, Any]]:
    return {json.dumps(arm, sort_keys=True): arm for arm in heat.spec["arms"]}


def _refusal(heat: Stage, other: Stage, more: Iterable[str], folder: Path) -> str:
    new, old = _arms(heat), _arms(other)
    added, gone = [new[name] for name in sorted(more)], [old[name] for name in sorted(old.keys() - new.keys())]
    instead = f"in place of {_told(gone, added)}" if gone else "too"
    return (
        f"{folder}: {heat.title}: expected the decoders of the heat that was run there, got {_told(added, gone)} "
        f"{instead}; speeds compare inside of one heat only: choose another --output (artifacts/ may be copied into it)"
    )


def _told(arms: Iterable[dict[str, Any]], others: Iterable[dict[str, Any]]) -> str:
    """Decoders by name, with their options where the others have one of that name."""
    named = {arm["decoder"] for arm in others}
    texts = [
        f"{arm['decoder']} {json.dumps(arm['options'], sort_keys=True)}" if arm["decoder"] in named else arm["decoder"]
        for arm in arms
    ]
    return shortened(", ".join(texts), LONGEST)
