"""The gates' own rules: `--update-gates`, and a session fails where the gates that ran are not those of baselines.json.

The names are compared only where the whole folder was asked for: not under `-k`, a single test or `--lf`. Under xdist
no process sees all gates run; there `test_comparer.py` compares the names as they are written down.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gates.comparer import compare_counts, compare_names, counts, load_baselines, save_baselines

HERE = Path(__file__).parent
RAN = pytest.StashKey[dict]()
PARTIAL = pytest.StashKey[bool]()
COMPLAINTS = pytest.StashKey[list]()


def pytest_addoption(parser):
    parser.addoption("--update-gates", action="store_true", help="write what the gates counted into baselines.json")


def pytest_configure(config):
    config.stash[RAN] = {}
    config.stash[COMPLAINTS] = []
    if _updating(config) and getattr(config.option, "numprocesses", None):
        msg = "--update-gates needs one process, got -n; leave it out"
        raise pytest.UsageError(msg)


def pytest_deselected(items):
    if items and any(HERE in item.path.parents for item in items):
        items[0].config.stash[PARTIAL] = True


@pytest.fixture
def gate(request, benchmark):
    """Runs a gate under the benchmark's clock, which judges nothing, and compares what it counted."""

    def check(name, run):
        ran = request.config.stash[RAN]
        ran[name] = None  # it ran, if only into an error
        ran[name] = found = counts(*benchmark.pedantic(run, rounds=3))
        benchmark.extra_info.update(found)
        if not _updating(request.config):
            assert compare_counts(name, found, load_baselines()) == []

    return check


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session) -> Iterator[None]:
    config = session.config
    ran, complaints = config.stash[RAN], config.stash[COMPLAINTS]
    if _updating(config):
        if None in ran.values() or not ran:
            complaints.append("baselines.json is left as it was: a gate failed, or none ran")
        else:
            save_baselines(ran if _whole(config) else load_baselines() | ran)
    elif _whole(config) and not (session.shouldstop or session.shouldfail):
        complaints += compare_names(ran, load_baselines())
    if complaints and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return (yield)


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[COMPLAINTS]:
        terminalreporter.section("gates", red=True)
        for complaint in config.stash[COMPLAINTS]:
            terminalreporter.line(complaint, red=True)


def _updating(config) -> bool:
    return config.getoption("--update-gates", default=False)  # unknown where this file was not loaded at the start


def _whole(config) -> bool:
    """Whether every gate was asked for, and this process would see it run."""
    spread = hasattr(config, "workerinput") or getattr(config.option, "numprocesses", None)
    if spread or config.option.collectonly or config.getoption("lf", default=False):
        return False
    asked = [config.invocation_params.dir / argument for argument in config.args if "::" not in argument]
    return not config.stash.get(PARTIAL, False) and any(p.resolve() in (HERE, *HERE.parents) for p in asked)
