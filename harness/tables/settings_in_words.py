"""Settings as people write them: without the marks of JSON where they can do without."""

import json
from collections.abc import Mapping


def in_words(settings: Mapping[str, object]) -> str:
    """Each setting's name before its value, in their order: "nodes 15, coupled false, rule greedy"."""
    return ", ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in settings.items()
    )


def cell_in_words(cell: str) -> str:
    """The same of a table's cell, which has them as JSON; the cell as it is where it has something else."""
    settings = settings_of(cell)
    return cell if settings is None else in_words(settings)


def settings_of(cell: str) -> dict[str, object] | None:
    """The settings of a cell, none where it is empty; None where it has something else."""
    try:
        found = json.loads(cell or "{}")
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, dict) else None
