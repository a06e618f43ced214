"""Rows of a frame as JSON: every digit, and null for what is not known."""

import datetime
import json

import numpy as np
import pandas as pd

from offbook.harness.tables.json_rows import json_rows


def test_what_json_cannot_say_is_null_and_all_else_is_as_it_was() -> None:
    utc = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    frame = pd.DataFrame(
        {
            "share": [0.1 + 0.2, float("nan")],
            "count": [3, 2**53],
            "ratio": [float("inf"), np.float64(0.5)],
            "name": ["mind", None],
            "is_exact": [True, False],
            "utc": [utc, pd.NaT],
        }
    )
    found = json_rows(frame)
    assert found[0] == {
        **{"share": 0.1 + 0.2, "count": 3, "ratio": None, "name": "mind", "is_exact": True},
        "utc": "2026-01-02T03:04:05+00:00",
    }
    assert found[1] == {
        **{"share": None, "count": 2**53, "ratio": 0.5, "name": None, "is_exact": False, "utc": None},
    }
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_no_rows_are_an_empty_list() -> None:
    assert json_rows(pd.DataFrame(columns=["a"])) == []
