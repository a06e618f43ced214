"""How long the rest of a run takes, by what is done of it."""

import pytest

from offbook.engine.progress import Silent
from offbook.harness.matrix.announcer import Announcer
from offbook.harness.matrix.graph import Graph, Kind, Stage


class Heard(Silent):
    """What a run says."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


class Clock:
    """Stands still until it is moved on."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("offbook.harness.matrix.announcer.time", clock)
    return clock


def stage(name: str, kind: Kind, expected_s: float = 0.0) -> Stage:
    return Stage(key=name * 64, kind=kind, title=f"stage {name}", spec={}, expected_s=expected_s)


def test_a_stage_of_which_nothing_was_expected_does_not_slow_those_of_which_something_was(clock: Clock) -> None:
    drafter, first, second = stage("a", "drafter"), stage("b", "heat", 60.0), stage("c", "heat", 600.0)
    heard = Heard()
    announcer = Announcer(Graph(stages=(drafter, first, second)), (), heard, one_by_one=True)
    for each, took_s in ((drafter, 1200.0), (first, 120.0)):
        announcer.begins(each)
        clock.now += took_s
        announcer.ends(each)
    announcer.begins(second)
    assert heard.lines[-1] == "[3/3] stage c (about 20 min left)"


def test_stages_that_run_at_once_share_the_time_that_passes(clock: Clock) -> None:
    stages = [stage(name, "student", 600.0) for name in "abcd"]
    heard = Heard()
    announcer = Announcer(Graph(stages=tuple(stages)), (), heard, one_by_one=False)
    for each in stages[:2]:
        announcer.begins(each)
    clock.now += 600.0
    for each in stages[:2]:
        announcer.ends(each)
    assert heard.lines[-1] == "[2/4] stage b done (about 10 min left)"


def test_a_stage_of_a_kind_that_was_seen_takes_as_long_and_one_of_another_is_left_out(clock: Clock) -> None:
    first, second, exam = stage("a", "drafter"), stage("b", "drafter"), stage("c", "exam")
    heard = Heard()
    announcer = Announcer(Graph(stages=(first, second, exam)), (), heard, one_by_one=True)
    announcer.begins(first)
    clock.now += 300.0
    announcer.ends(first)
    announcer.begins(second)
    assert heard.lines == ["[1/3] stage a", "[2/3] stage b (at least 5 min left)"]
