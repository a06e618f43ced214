"""No gate takes longer than in the base revision (`paired_times.py`): `pytest tests/gates --time-gates`, two minutes.

Without the option nothing here is collected: no test of the suite is judged by the clock.
"""

import itertools

import pytest

from tests.gates.base_revision import NothingMeasuredError
from tests.gates.paired_run import listed, why_not
from tests.gates.paired_times import MARGIN, compare, slower


class Replay:
    """A clock that is moved by what was measured elsewhere, so that pytest-benchmark reports it."""

    def __init__(self) -> None:
        self._now, self._left = 0.0, iter(())

    def now(self) -> float:
        self._now += 1e-9  # a clock that never moves has no precision to be found
        return self._now

    def play(self, benchmark, seconds) -> None:
        self._left = itertools.chain(seconds)
        benchmark.pedantic(self._step, rounds=len(seconds))

    def _step(self) -> None:
        self._now += next(self._left)


REPLAY = Replay()


@pytest.fixture
def measured(name, paired):
    """The base revision's commit, log ratios of a gate, and its seconds here."""
    commit, found = paired
    assert name in found.sizes[0], f"{name}: listed in time_gates.json, but workloads.py has no such workload"
    if reason := why_not(name, *found.sizes):
        raise NothingMeasuredError(reason)
    return commit, found.log_ratios[name], found.seconds[name]


@pytest.mark.benchmark(timer=REPLAY.now)
@pytest.mark.parametrize("name", listed())
def test_it_takes_no_longer_than_in_the_base_revision(name, measured, benchmark, outcome):
    commit, log_ratios, seconds = measured
    ratios = {clock: compare(logs) for clock, logs in log_ratios.items()}
    told = f"{name}: " + ", ".join(f"{ratio} ({clock})" for clock, ratio in ratios.items())
    outcome.measured.append(told)
    benchmark.extra_info.update({clock: ratio._asdict() for clock, ratio in ratios.items()})
    benchmark.extra_info.update(base=commit, log_ratios=log_ratios)
    REPLAY.play(benchmark, seconds)
    assert not slower(log_ratios), f"slower than {commit[:12]}: expected a lower bound of at most {MARGIN}, got {told}"
