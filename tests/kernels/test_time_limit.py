"""Tests within a time: which are run, which are named as left, and which are not run again."""

from types import SimpleNamespace

import pytest

from tests.time_limit import TimeLimit


def named(name):
    return SimpleNamespace(nodeid=name)


def report(name, when, *, passed=True):
    return SimpleNamespace(nodeid=name, when=when, passed=passed)


def collected(limit, *names):
    """Those that are run, and those that are not run again."""
    again, items = [], [named(name) for name in names]
    config = SimpleNamespace(hook=SimpleNamespace(pytest_deselected=lambda items: again.extend(items)))
    limit.pytest_collection_modifyitems(config, items)
    return [item.nodeid for item in items], [item.nodeid for item in again]


def test_what_has_passed_with_all_that_belongs_to_it_is_not_run_again():
    kept = []
    limit = TimeLimit(1.0, {"old"}, kept.append)
    for name, called, ended in (("good", True, True), ("bad", False, True), ("left a mess", True, False)):
        limit.pytest_runtest_logreport(report(name, "setup"))
        limit.pytest_runtest_logreport(report(name, "call", passed=called))
        limit.pytest_runtest_logreport(report(name, "teardown", passed=ended))
    assert kept == [["good", "old"]]
    again = TimeLimit(1.0, set(kept[-1]), kept.append)
    assert collected(again, "old", "good", "bad", "left a mess") == (["bad", "left a mess"], ["old", "good"])


def test_when_time_is_over_no_test_begins_and_those_left_are_named():
    TimeLimit(1.0, set(), print).pytest_runtest_setup(named("in time"))
    limit, told = TimeLimit(0.0, set(), print), []
    with pytest.raises(pytest.skip.Exception, match="time is over; the same command goes on"):
        limit.pytest_runtest_setup(named("late"))
    limit.pytest_terminal_summary(SimpleNamespace(write_line=told.append))
    assert told == ["time is over, 1 tests are left; the same command goes on with", "  late"]


def test_a_run_in_which_nothing_was_left_to_do_is_right():
    none = pytest.ExitCode.NO_TESTS_COLLECTED
    for passed, expected in (({"old"}, pytest.ExitCode.OK), (set(), none)):
        limit, session = TimeLimit(1.0, passed, print), SimpleNamespace(exitstatus=none)
        collected(limit, "old")
        limit.pytest_sessionfinish(session, none)
        assert session.exitstatus == expected
