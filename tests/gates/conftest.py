"""The gates' own rules: `--update-gates`, and a session fails where the gates that ran are not those of baselines.json.

The names are compared only where the whole folder was asked for: not under `-k`, a single test or `--lf`. Under xdist
no process sees all gates run; there `test_comparer.py` compares the names as they are written down.

`--time-gates` adds those of `test_time_gates.py`; the status of the session then also tells an error from a gate that
fails, and from nothing measured (`outcome.py`).
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gates.base_revision import VARIABLE, NothingMeasuredError, base_revision, lay_out
from tests.gates.comparer import compare_counts, compare_names, counts, load_baselines, save_baselines
from tests.gates.frozen import LEFT_OUT
from tests.gates.outcome import Outcome
from tests.gates.paired_run import complaints_about, listed, run

HERE = Path(__file__).parent
TIMED = "test_time_gates.py"
OUTCOME = pytest.StashKey[Outcome]()
RAN = pytest.StashKey[dict]()
PARTIAL = pytest.StashKey[bool]()
COMPLAINTS = pytest.StashKey[list]()


def pytest_addoption(parser):
    parser.addoption("--update-gates", action="store_true", help="write what the gates counted into baselines.json")
    parser.addoption("--time-gates", action="store_true", help="compare times with the base revision, too")
    parser.addoption("--base", default=os.environ.get(VARIABLE), help="the base revision, instead of that of main")


def pytest_configure(config):
    config.stash[RAN] = {}
    config.stash[COMPLAINTS] = []
    config.stash[OUTCOME] = Outcome()
    if _updating(config) and getattr(config.option, "numprocesses", None):
        msg = "--update-gates needs one process, got -n; leave it out"
        raise pytest.UsageError(msg)


def pytest_deselected(items):
    if items and any(HERE in item.path.parents for item in items):
        items[0].config.stash[PARTIAL] = True


def pytest_ignore_collect(collection_path, config):
    if collection_path.name == TIMED and not config.getoption("--time-gates", default=False):
        return True
    return None


@pytest.fixture(scope="session")
def paired(request):
    """The base revision's commit, and this tree compared with it."""
    commit = base_revision(named=request.config.getoption("--base"))
    with tempfile.TemporaryDirectory(prefix="offbook-base-") as folder:
        lay_out(commit, Path(folder))
        found = run(Path(folder), listed())
    request.config.stash[COMPLAINTS] += complaints_about(*found.sizes)
    return commit, found


@pytest.fixture
def outcome(request):
    """What the gates of this session came to so far."""
    return request.config.stash[OUTCOME]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """What has nothing to be compared with is skipped and told below; of what fails, errors are told apart."""
    report, outcome = (yield), item.config.stash[OUTCOME]
    if call.excinfo is not None and call.excinfo.errisinstance(NothingMeasuredError):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1], f"nothing measured: {call.excinfo.value}")
        outcome.unmeasured.append(f"{item.name}: {call.excinfo.value}")
    elif report.failed and call.excinfo.errisinstance(AssertionError):
        outcome.failed += 1
    elif report.failed:
        outcome.errors += 1
    return report


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
            known = load_baselines()
            kept = {name: known[name] for name in known.keys() & LEFT_OUT} if _whole(config) else known
            save_baselines(kept | ran)
    elif _whole(config) and not (session.shouldstop or session.shouldfail):
        complaints += compare_names(ran, load_baselines().keys() - LEFT_OUT)
    if complaints and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if config.getoption("--time-gates", default=False):
        config.stash[OUTCOME].failed += len(complaints)
        session.exitstatus = config.stash[OUTCOME].status(int(session.exitstatus))
    return (yield)


def pytest_terminal_summary(terminalreporter, config):
    outcome = config.stash[OUTCOME]
    if outcome.measured or outcome.unmeasured:
        terminalreporter.section("time gates: this tree over the base revision, 99 % interval")
        for line in outcome.measured:
            terminalreporter.line(line)
        for line in outcome.unmeasured:
            terminalreporter.line(f"nothing measured: {line}", yellow=True)
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
