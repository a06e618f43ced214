"""Tests within a time (`pytest -m gpu --minutes 3`): after it none begins, and those that are left are named.

What has passed is in pytest's cache, by the device, the version of torch and the code, and is not run again there.
"""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from offbook.kernels.timing.rows import device_name

ROOT = Path(__file__).parents[1]
READ = ("kernels", "engine", "baselines", "tests")  # by tests for a GPU


def time_limit(config: pytest.Config, minutes: float) -> "TimeLimit":
    """With what passed here before, where pytest keeps anything."""
    device = device_name("cuda" if torch.cuda.is_available() else "cpu")
    place = f"offbook/passed on {device}, torch {torch.__version__}, {_code()}".replace(" ", "_")
    cache = getattr(config, "cache", None)  # none under `-p no:cacheprovider`
    if cache is None:
        return TimeLimit(minutes, set(), lambda passed: None)
    return TimeLimit(minutes, set(cache.get(place, [])), lambda passed: cache.set(place, passed))


def _code() -> str:
    """A hash of the code, for git may be missing where there is a GPU, and a change need not be committed."""
    found = hashlib.sha256()
    for path in sorted(path for room in READ for path in (ROOT / room).rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


class TimeLimit:
    """A plugin of pytest.

    Args:
        minutes: from now on.
        passed: tests that need not be run again.
        keep: is given all that have passed, after each.
    """

    def __init__(self, minutes: float, passed: set[str], keep: Callable[[list[str]], None]) -> None:
        self._ends = time.monotonic() + 60 * minutes
        self._passed, self._keep = passed, keep
        self._called = ""  # the test that has passed but for what comes behind it
        self._again = 0
        self._left: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        done = [item for item in items if item.nodeid in self._passed]
        self._again = len(done)
        if done:
            config.hook.pytest_deselected(items=done)
            items[:] = [item for item in items if item.nodeid not in self._passed]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if time.monotonic() >= self._ends:
            self._left.append(item.nodeid)
            pytest.skip("time is over; the same command goes on")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self._called = report.nodeid
        elif report.when == "teardown" and report.passed and report.nodeid == self._called:
            self._passed.add(report.nodeid)
            self._keep(sorted(self._passed))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._left:
            told = f"time is over, {len(self._left)} tests are left; the same command goes on with"
            terminalreporter.write_line(told)
            for name in self._left:
                terminalreporter.write_line(f"  {name}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self._again and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:  # for all have passed
            session.exitstatus = pytest.ExitCode.OK
