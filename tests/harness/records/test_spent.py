"""What a run's time was spent on: activities do not overlap, lines are read back, and what is left is the harness's."""

import json
from pathlib import Path

import pytest

from offbook.harness.records.spent import FILE, Clock, Spent, note, read, told


class Hand:
    """A clock whose hand is turned by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_inner_of_two_activities_has_its_seconds_alone():
    hand = Hand()
    clock = Clock(hand)
    with clock.on("training"):
        hand.now = 2.0
        with clock.on("forwards"):
            hand.now = 7.0
        hand.now = 8.0
        assert clock.totals() == {"training": 3.0, "forwards": 5.0}
    hand.now = 100.0
    assert clock.totals() == {"training": 3.0, "forwards": 5.0}


def test_an_activity_that_fails_is_counted_and_closed():
    hand = Hand()
    clock = Clock(hand)

    def fail() -> None:
        with clock.on("lm-eval"):
            hand.now = 1.5
            msg = "no"
            raise ValueError(msg)

    with pytest.raises(ValueError, match="no"):
        fail()
    hand.now = 9.0
    assert clock.totals() == {"lm-eval": 1.5}


def test_lines_are_read_back_and_torn_ones_left_out(tmp_path: Path):
    stage = Spent(key="a" * 64, kind="drafter", name="eagle2", units=12, wall_s=8.0, seconds={"training": 6.0})
    between = Spent(key="", kind="run", wall_s=2.0, seconds={"loading": 0.5})
    note(tmp_path, stage)
    note(tmp_path, between)
    with (tmp_path / FILE).open("a") as file:
        file.write(json.dumps({"key": "b", "kind": "heat", "wall_s": "much"}) + "\n" + '{"key": "torn')
    assert read(tmp_path) == [stage, between]


def test_what_is_left_over_is_the_harness_and_loading_is_part_of_it(tmp_path: Path):
    found = [
        Spent(key="a", kind="heat", wall_s=90.0, seconds={"forwards": 80.0, "lm-eval": 8.0, "loading": 1.0}),
        Spent(key="", kind="run", wall_s=10.0, seconds={"imports": 9.0}),
    ]
    (line,) = told(found)
    assert line.startswith("100 s spent in 1 stages and between them: forwards 80.0 %, training 0.0 %, lm-eval 8.0 %")
    assert line.endswith("the harness 3.00 %, loading models included, which is 1.00 %")
    assert told([]) == []


def test_a_line_that_finds_no_room_costs_nothing_else(tmp_path: Path):
    note(tmp_path / "gone", Spent(key="", kind="run", wall_s=1.0))
    assert read(tmp_path / "gone") == []
