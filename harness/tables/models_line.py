"""Of which models a board tells, how large they are, and how many answers were decoded at once: its first line."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from offbook.harness.tables.markdown import escape

SIZE_IN_NAME = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)([mb])(?![a-z0-9])", re.IGNORECASE)
BATCH = 1  # of heats whose manifest does not tell, which all decoded document by document


def models_line(table: pd.DataFrame, manifests: Mapping[str, Mapping[str, Any]] | None) -> str:
    """One sentence, as in: One 135M model (smollm2-135m-instruct), batch 1.

    A model's size is what its heats counted, or else what its name says; its students are of its size.

    Args:
        table: rows of the leaderboard.
        manifests: of its heats, by id.
    """
    sizes: dict[str, str] = {}
    batches: set[int] = set()
    for model, heat_ids in zip(table["model"], table["heat_id"], strict=True):
        for heat_id in str(heat_ids).split():
            heat = (manifests or {}).get(heat_id, {}).get("heat")
            told = heat if isinstance(heat, dict) else {}
            batches.add(int(told.get("batch", BATCH)))
            sizes[model] = _size(told.get("parameters"), model) or sizes.get(model, "")
    batch = f"batch {', '.join(str(batch) for batch in sorted(batches))}"
    if len(sizes) == 1:
        ((model, size),) = sizes.items()
        return f"One {size} model ({escape(model)}), {batch}.".replace("  ", " ")
    named = ", ".join(f"{escape(model)}{f' of {size}' if size else ''}" for model, size in sorted(sizes.items()))
    return f"{len(sizes)} models ({named}), {batch}."


def _size(parameters: object, name: str) -> str:
    """Parameters as people say them; "" where nobody knows."""
    if isinstance(parameters, int):
        return f"{parameters / 1e6:.0f}M" if parameters < 1e9 else f"{parameters / 1e9:.1f}B"
    found = SIZE_IN_NAME.search(name.replace("_", "-"))
    return f"{found[1]}{found[2].upper()}" if found else ""
