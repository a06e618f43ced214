"""Threads are settled before torch is loaded, once, and never against what the user has set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from offbook.engine.threads import WAITING, run_settled, settle_threads, usable_cores
from offbook.harness.trials import threads_benchmark
from tests.tiny import save_tiny

NO_QUOTA = Path("no/such/file")


def settled(environ: dict[str, str], quota: Path = NO_QUOTA) -> dict[str, str]:
    settle_threads(environ, loaded=(), quota=quota)
    return environ


def test_waiting_threads_sleep_unless_the_user_says_otherwise() -> None:
    assert settled({}) == {"OMP_WAIT_POLICY": "PASSIVE"}
    for name, value in (("OMP_WAIT_POLICY", "ACTIVE"), ("GOMP_SPINCOUNT", "7"), ("KMP_BLOCKTIME", "0")):
        assert settled({name: value}) == {name: value}


def test_nothing_is_set_once_torch_is_loaded() -> None:
    environ: dict[str, str] = {}
    settle_threads(environ, loaded=("torch",))
    assert environ == {}


def test_a_containers_quota_bounds_the_threads_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    cores = usable_cores(NO_QUOTA) or 1
    quota.write_text("50000 100000\n")
    expected = {"OMP_NUM_THREADS": "1"} if cores > 1 else {}
    assert settled({}, quota) == {"OMP_WAIT_POLICY": "PASSIVE"} | expected
    given = {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "3"}
    assert settled(dict(given), quota) == given
    quota.write_text(f"{cores * 100_000} 100000\n")
    assert settled({}, quota) == {"OMP_WAIT_POLICY": "PASSIVE"}


@pytest.mark.parametrize(
    ("text", "fewer"), [("max 100000\n", None), ("100000 100000\n", 1), ("1000 100000\n", 1), ("odd", None), ("", None)]
)
def test_usable_cores_are_those_of_the_quota_where_it_is_less(tmp_path: Path, text: str, fewer: int | None) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert usable_cores(tmp_path / "cpu.max") == fewer or usable_cores(NO_QUOTA)


@pytest.mark.parametrize(("given", "expected"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
def test_the_command_line_settles_them_before_torch_is_there(given: dict[str, str], expected: str) -> None:
    code = (
        "import os, sys\n"
        "from offbook.harness.cli import main as cli\n"
        "def look(*_, **__):\n    print('torch' in sys.modules, os.environ['OMP_WAIT_POLICY'])\n"
        "cli.app = look\n"
        "cli.main(['ls'])\n"
    )
    environ = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | given
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", expected]


def test_the_benchmark_decodes_as_many_tokens_every_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = 2 * len(threads_benchmark.WAYS)
    speeds = iter([4.0] * places + [8.0] * places)
    seen = []

    def child(model: str, tokens: int, way: str, threads: int) -> dict[str, float]:
        seen.append((way, threads))
        return {"tokens_per_s": next(speeds), "threads": threads}

    monkeypatch.setattr(threads_benchmark, "child", child)
    table = threads_benchmark.lines("m", tokens=2, repeats=2, threads=[1, 2], beside=[0])
    assert len(table) == places
    assert sorted(seen[:places]) == sorted(seen[places:]), "every round has all of them"
    assert seen[0] != seen[places], "and another order"
    assert {line["tokens_per_s"] for line in table} == {"6.00"}, "of both rounds"
    assert {line["ratio_to_spin"] for line in table if line["waiting"] == "spin"} == {"1.000"}
    assert threads_benchmark.decode(str(save_tiny(tmp_path / "tiny")), tokens=3)["tokens_per_s"] > 0


def test_what_loads_torch_at_once_is_started_again_with_settled_threads(monkeypatch):
    started = []
    monkeypatch.setattr(os, "execve", lambda program, arguments, environ: started.append((arguments, environ)))
    monkeypatch.setattr(sys, "argv", ["benchmark.py", "--rounds", "3"])
    for name in WAITING:
        monkeypatch.delenv(name, raising=False)
    run_settled("some.benchmark")
    arguments, environ = started.pop()
    assert arguments == [sys.executable, "-m", "some.benchmark", "--rounds", "3"]
    assert environ["OMP_WAIT_POLICY"] == "PASSIVE"
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    run_settled("some.benchmark")
    assert started == []
