"""The comparer of the gates: it lets nothing pass but equality."""

import pytest

from tests.gates.comparer import compare_counts, compare_names, load_baselines, save_baselines
from tests.gates.frozen import GATES, LEFT_OUT

COUNTS = {"target_forwards": 7, "accepted": 3, "tokens_sha256": "ab"}
BASELINES = {"fast": COUNTS, "slow": COUNTS}


def test_equal_counts_pass():
    assert compare_counts("fast", dict(COUNTS), BASELINES) == []


@pytest.mark.parametrize(
    ("key", "value"), [("target_forwards", 6), ("target_forwards", 8), ("accepted", 4), ("tokens_sha256", "cd")]
)
def test_a_changed_count_fails_whether_higher_or_lower(key, value):
    (complaint,) = compare_counts("fast", COUNTS | {key: value}, BASELINES)
    assert f"fast: expected {key} {COUNTS[key]}, got {value}" in complaint


def test_a_count_that_is_missing_or_new_fails():
    (complaint,) = compare_counts("fast", {k: v for k, v in COUNTS.items() if k != "accepted"}, BASELINES)
    assert "expected accepted 3, got nothing" in complaint
    (complaint,) = compare_counts("fast", COUNTS | {"drafted": 0}, BASELINES)
    assert "drafted" in complaint


def test_a_gate_without_a_baseline_fails():
    (complaint,) = compare_counts("new", COUNTS, BASELINES)
    assert "new: a gate without a baseline" in complaint


def test_the_same_gates_pass():
    assert compare_names(["slow", "fast"], BASELINES) == []


def test_a_missing_gate_fails():
    (complaint,) = compare_names(["fast"], BASELINES)
    assert "slow: has a baseline but did not run" in complaint


def test_an_extra_gate_fails():
    (complaint,) = compare_names(["fast", "slow", "new"], BASELINES)
    assert "new: ran but has no baseline" in complaint


def test_a_renamed_gate_fails_on_both_names():
    missing, extra = compare_names(["fast", "slower"], BASELINES)
    assert missing.startswith("slow:")
    assert extra.startswith("slower:")


def test_baselines_are_read_back_as_they_were_written(tmp_path):
    save_baselines(BASELINES, tmp_path / "baselines.json")
    assert load_baselines(tmp_path / "baselines.json") == BASELINES


def test_no_file_is_no_baseline(tmp_path):
    assert load_baselines(tmp_path / "baselines.json") == {}


def test_every_gate_has_a_baseline_and_every_baseline_a_gate(request):
    """As written down; what ran is compared at the end of a session that runs the whole folder."""
    if request.config.getoption("--update-gates", default=False):
        pytest.skip("the baselines are being written")
    assert compare_names(GATES, load_baselines().keys() - LEFT_OUT) == []
