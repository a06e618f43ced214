"""What a log says of a method's parts, and where it stands in the records of exams."""

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.harness.artifacts.activity import activity
from offbook.harness.artifacts.students import cost

LOG = [
    {"gradient_tokens": 10, "loss": 3.0, "visits": 0.5, "kept": 2.0, "read_tokens": 7.0, "meta_loss": 9.0},
    {"gradient_tokens": 20, "loss": 2.0, "visits": 1.0, "kept": 4.0, "read_tokens": 5.0, "meta_loss": 0.2},
]
COUNTS = ("gradient_tokens", "kept_tokens", "distinct_sequences", "steps", "wall_s", "peak_bytes")


def told(folder: Path, **more: Any) -> Any:
    (folder / "distillation.json").write_text(json.dumps(dict.fromkeys(COUNTS, 7) | {"evaluations": []} | more))
    return cost(folder)


def test_the_last_of_what_grows_the_mean_of_what_varies_the_sum_of_what_is_spent() -> None:
    assert activity(LOG) == {"visits": 1.0, "kept": 3.0, "read_tokens": 12.0, "meta_loss": 0.2}


def test_watched_rates_are_told_of_the_second_half() -> None:
    log = [{"meta_loss/0.001": value} for value in (9.0, 9.0, 0.1, 0.3)]
    assert activity(log) == {"meta_loss/0.001": pytest.approx(0.2)}


def test_a_method_that_logs_nothing_of_it_has_none() -> None:
    assert activity([]) == activity([{"gradient_tokens": 10, "loss": 3.0}]) == {}


def test_a_log_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="log: expected numbers as kept"):
        activity([{"kept": float("nan")}])


def test_records_of_exams_carry_it_and_those_without_keep_their_hashes(tmp_path: Path) -> None:
    assert told(tmp_path, log=LOG).activity["visits"] == 1.0
    assert told(tmp_path, identity={"model": "m", "perspective": "planning"}).perspective == "planning"
    assert not {"activity", "perspective"} & told(tmp_path).model_dump().keys()
