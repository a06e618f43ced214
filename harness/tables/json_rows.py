"""A table's rows as JSON has them: a name for every field, every digit, and null for what is not known."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from pydantic import JsonValue


def json_rows(frame: pd.DataFrame) -> list[dict[str, JsonValue]]:
    """The rows of a frame, in its order."""
    columns = {str(name): frame[name].to_numpy(dtype=object).tolist() for name in frame.columns}
    return [{name: _value(values[place]) for name, values in columns.items()} for place in range(len(frame))]


def _value(value: Any) -> JsonValue:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT or value != value or value in (float("inf"), -float("inf")):
        return None
    if isinstance(value, date):  # and what has a time of day
        return value.isoformat()
    return value if isinstance(value, str | int | float) else str(value)
