"""The estimator of the time gates, on blocks whose truth is known."""

import math

import numpy as np
import pytest

from tests.gates.paired_times import CLOCKS, cluster_ratios, compare, slower


def quads(ratio, *, n, rng, noise=0.0, wave=0.0, start=0):
    """Blocks in the orders ABBA and BAAB: this tree takes `ratio` times as long; a wave slows down both, in time."""
    blocks = []
    for quad in range(n):
        for place, side in enumerate((0, 1, 1, 0) if quad % 2 else (1, 0, 0, 1)):
            now = start + 4 * quad + place
            seconds = 0.01 * (ratio if side == 0 else 1.0) * (1 + wave * math.sin(now / 40)) * rng.lognormal(0, noise)
            blocks.append((side, seconds, 2 * seconds))
    return blocks


def test_what_slows_both_down_for_a_while_is_no_difference():
    found = cluster_ratios(quads(1.0, n=50, rng=np.random.default_rng(0), wave=0.5))
    assert found == pytest.approx(dict.fromkeys(CLOCKS, 0.0), abs=2e-3)


def test_a_drift_does_not_favour_whoever_comes_first():
    blocks = [(side, 1.0 + 0.01 * i, 1.0 + 0.01 * i) for i, side in enumerate((0, 1, 1, 0) * 4)]
    assert cluster_ratios(blocks)["wall"] == pytest.approx(0.0, abs=1e-4)


def test_blocks_that_were_held_up_do_not_move_it():
    blocks = quads(1.05, n=12, rng=np.random.default_rng(0))
    held_up = [(side, cpu, wall * 5 if i % 9 == 0 else wall) for i, (side, cpu, wall) in enumerate(blocks)]
    assert cluster_ratios(held_up)["wall"] == pytest.approx(math.log(1.05), abs=1e-6)


def test_each_clock_has_its_own_ratio():
    blocks = [(0, 1.0, 3.0), (1, 1.0, 2.0)] * 4
    assert cluster_ratios(blocks) == pytest.approx({"processor": 0.0, "wall": math.log(1.5)})


def test_the_interval_holds_the_truth_in_99_of_100_experiments():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        found = compare(rng.normal(math.log(1.02), 0.02, size=24).tolist())
        held += found.low <= 1.02 <= found.high
    assert 0.983 <= held / 2000 <= 0.997  # three standard errors


def test_clusters_are_the_sample_not_pairs():
    """Where one process of two is slower for as long as it lives, more blocks in it tell nothing more."""
    rng = np.random.default_rng(0)
    false = 0
    for _ in range(100):
        clusters = [quads(rng.lognormal(0, 0.02), n=12, rng=rng, noise=0.001) for _ in range(8)]
        false += compare([cluster_ratios(blocks)["wall"] for blocks in clusters]).low > 1.0
    assert false <= 4


def test_a_gate_fails_beyond_the_margin_only():
    still = {"processor": [0.0, 0.001] * 12, "wall": [0.0, 0.001] * 12}
    assert not slower(still)
    assert not slower(dict.fromkeys(CLOCKS, [math.log(1.029), math.log(1.031)] * 12))
    assert slower(dict.fromkeys(CLOCKS, [math.log(1.05), math.log(1.051)] * 12))


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_gate_fails_by_either_clock(clock):
    found = dict.fromkeys(CLOCKS, [0.0, 0.001] * 12) | {clock: [math.log(1.05), math.log(1.051)] * 12}
    assert slower(found)


def test_a_ratio_that_is_uncertain_fails_nothing():
    assert not slower(dict.fromkeys(CLOCKS, [math.log(1.5), math.log(0.8)] * 12))
    assert str(compare([0.1])) == "1.105 [0.000, inf]"
