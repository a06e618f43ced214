"""Resampling of real runs of the gates tells what is known to hold."""

import numpy as np
import pytest

from tests.gates.calibration import lower_bounds, report, resampled
from tests.gates.paired_times import CLOCKS, compare


def made(n, *, sd=0.005, bias=0.0, slowdown=1.0, load=1.0, seed=0):
    """Runs of two gates whose clusters vary by `sd`, around a bias that each run has for itself."""
    rng = np.random.default_rng(seed)
    runs = []
    for _ in range(n):
        logs = {g: {c: rng.normal(rng.normal(0, bias), sd, size=24).tolist() for c in CLOCKS} for g in ("a", "b")}
        facts = {"machine": "m", "commit": "c" * 40, "load": [load, load], "seconds": 90.0, "slowdown": slowdown}
        runs.append({**facts, "log_ratios": logs})
    return runs


def test_many_bounds_at_once_are_those_of_the_gate():
    logs = np.random.default_rng(0).normal(0.02, 0.01, size=(5, 24))
    assert np.exp(lower_bounds(logs)) == pytest.approx([compare(row.tolist()).low for row in logs])


def test_runs_without_much_noise_raise_no_alarm_and_show_five_percent():
    runs = made(20)
    assert resampled(runs, draws=2000)["any"] == 0
    assert min(resampled(runs, ratio=1.05, draws=2000).values()) > 0.99


def test_runs_with_much_noise_hide_five_percent():
    assert resampled(made(20, sd=0.1), ratio=1.05, draws=2000)["a"] < 0.5


def test_more_clusters_find_what_fewer_miss():
    runs = made(20, sd=0.03)
    few, many = (resampled(runs, ratio=1.05, draws=2000, clusters=clusters)["a"] for clusters in (12, 96))
    assert few < 0.7 < 0.9 < many


def test_what_two_sides_of_a_run_differ_in_for_good_stays_in_it():
    """With sides of one run 4 % apart, most runs would fail, half of them in favour of the other side."""
    runs = made(20, sd=0.001, bias=0.06)
    assert resampled(runs, draws=2000)["any"] > 0.3


def test_the_page_tells_both_rates_and_the_true_slowdown():
    page = report([*made(30), *made(2, load=4.0, seed=1), *made(1, slowdown=1.05, seed=2)])
    assert "32 real runs of the 200 wanted" in page
    assert "| all, any gate | 32 | 0 (below" in page
    assert "| load below 1.5, any gate | 30 | 0 (below" in page
    assert "| 1.05 | 1.0 | 0 of 2 gates |" in page
    assert "- m: 33 runs of 90 to 90 s, load 1.0 to 4.0, commits cccccccccccc" in page


def test_a_page_without_quiet_runs_says_so():
    assert "| load below 1.5 | 0 | nothing measured |" in report(made(2, load=3.0))
