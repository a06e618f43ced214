"""A part of the campaign of `nox -s fuzz`, other cases than its own."""

from pathlib import Path

import pytest

from tests.fuzz.campaign import Tally, command_cases, file_cases, summary
from tests.fuzz.command_lines import command_line
from tests.fuzz.files import damage
from tests.fuzz.sandbox import HungError, Outcome, World

pytestmark = pytest.mark.timeout(1200)  # far away: for what hangs

OTHERS = 1_000_000  # beyond the campaign's numbers


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("fuzz") / "world")


def faults(outcome: Outcome) -> list[str]:
    """All but the clock, which is the campaign's business."""
    return [fault for fault in outcome.faults if not fault.endswith(" s")]


def test_fifty_command_lines_end_in_a_status_and_a_line(world: World):
    failures = [
        (name, faults(outcome), outcome.said)
        for name, _, outcome in command_cases(world, range(OTHERS, OTHERS + 50))
        if faults(outcome)
    ]
    assert not failures


def test_twenty_five_damaged_files_end_in_a_status_and_a_line(world: World):
    failures = [
        (name, faults(outcome), outcome.said)
        for name, _, outcome in file_cases(world, range(OTHERS, OTHERS + 25))
        if faults(outcome)
    ]
    assert not failures


def test_a_case_is_the_same_every_time(world: World):
    assert [command_line(7), damage(7, world.cwd)] == [command_line(7), damage(7, world.cwd)]


@pytest.mark.parametrize(
    ("raised", "found"),
    [
        (KeyError("x"), "traceback"),
        (HungError(), "traceback"),
        (SystemExit(3), "status 3"),
        (SystemExit(2), "no line"),
    ],
)
def test_a_bug_is_found(raised: BaseException, found: str, world: World, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise raised

    monkeypatch.setattr("tests.fuzz.sandbox.main", broken)
    outcome = world.run(["ls"])
    assert outcome.faults == [found]
    tally = Tally()
    tally.add("a case", "ls", outcome)
    assert f"- a case: {found}" in summary({"command lines": tally})


def test_a_file_outside_the_output_is_found(world: World, monkeypatch: pytest.MonkeyPatch):
    def stray(*_: object) -> None:
        Path("elsewhere").write_text("x")
        (world.root / "out" / "allowed").write_text("x")
        raise SystemExit(0)

    monkeypatch.setattr("tests.fuzz.sandbox.main", stray)
    assert world.run(["ls"]).faults == ["strayed to cwd/elsewhere"]
    world.restore()
