"""Settings as people write them: without the marks of JSON where they can do without."""

import json
from collections.abc import Mapping, Sequence


def in_words(settings: Mapping[str, object]) -> str:
    """Each setting's name before its value, in their order: "nodes 15, coupled false, rule greedy"."""
    return ", ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in settings.items()
    )


def cell_in_words(cell: str) -> str:
    """The same of a table's cell, which has them as JSON; the cell as it is where it has something else."""
    settings = settings_of(cell)
    return cell if settings is None else in_words(settings)


def told_apart(cell: str, among: Sequence[str]) -> str:
    """Those of a cell's settings that are not the same in all of several; the cell itself where one has none."""
    own, found = settings_of(cell), [settings_of(other) for other in among]
    others = [settings for settings in found if settings is not None]
    if own is None or len(others) < len(found):
        return cell
    return in_words({name: own[name] for name in sorted(own) if any(other.get(name) != own[name] for other in others)})


def settings_of(cell: str) -> dict[str, object] | None:
    """The settings of a cell, none where it is empty; None where it has something else."""
    try:
        found = json.loads(cell or "{}")
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, dict) else None
