"""What goes when a heat takes cells from one that a store holds on the same documents, or why it may not."""

from collections.abc import Mapping
from typing import Any

from offbook.harness.records.cell import CellSpec
from offbook.harness.records.consistency import arms_of
from offbook.harness.records.store import Store


def replaced(cells: Mapping[str, CellSpec], store: Store) -> list[str]:
    """The keys of what goes with the heats that these cells are taken from: those of earlier code of their contenders.

    Args:
        cells: the specifications of a heat, by arm.
        store: where the others are.

    Raises:
        ValueError: another arm would go.
    """
    specs = {spec.key(): spec for spec in cells.values()}
    there = [key for key in specs if store.has(key)]
    others = {other for key in there for other in store.heat_of(key)} - specs.keys()
    codeless = {_without_code(spec) for spec in specs.values()}
    for other in sorted(others):
        record = store.record(other)
        if record.kind != "cell" or _without_code(record.spec) not in codeless:
            msg = (
                f"{store.root.name}: expected a heat with the arms of the one that the store has on the same documents "
                f"({', '.join(arms_of(record.manifest)) or 'others'}), got one of {', '.join(cells)}, some with "
                "other settings or none; speeds compare inside one heat only, so choose another --output"
            )
            raise ValueError(msg)
    return sorted(others)


def _without_code(spec: CellSpec) -> str:
    """The key that a cell would have whatever the code of its contender.

    What this code has led to is left out: the weights of the drafter that it has trained, and the tuning that was
    measured with it, with the settings which that has chosen.
    """
    if spec.made_by is None:
        return spec.key()
    changes: dict[str, Any] = {"made_by": None}
    if spec.drafter is not None:
        changes["drafter"] = spec.drafter.model_copy(update={"sha256": ""})
    if spec.tuning is not None:
        changes |= {"tuning": "", "decoder_config": {}}
    return spec.model_copy(update=changes).key()
