"""All that a GPU is asked for, in a made-up time: no more than was said, and what was left out is named."""

import time
from types import SimpleNamespace

import pytest

from offbook.harness.trials import gpu_benchmark


class Machine:
    """A clock that only parts move, each by as much of its time as it is told to take."""

    def __init__(self, monkeypatch, takes):
        self.now, self.takes, self.asked = 1000.0, takes, []
        monkeypatch.setattr(gpu_benchmark, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(gpu_benchmark, "_has_a_gpu", lambda: True)
        monkeypatch.setattr(gpu_benchmark, "_bounded", self.play)

    def play(self, name, command, seconds):
        self.asked.append((name, seconds, list(command)))
        self.now += min(seconds, self.takes)
        return seconds >= self.takes


def minutes_of(command):
    return float(command[command.index("--minutes") + 1])


def test_all_parts_take_no_longer_than_is_said_whatever_they_do(monkeypatch):
    machine = Machine(monkeypatch, takes=float("inf"))
    with pytest.raises(SystemExit, match="1"):
        gpu_benchmark.main([])
    assert [name for name, _, _ in machine.asked] == ["tests", "operations", "whole rounds", "table"]
    assert machine.now <= 1000 + 8 * 60
    for _, seconds, command in machine.asked[:-1]:
        assert 60 * minutes_of(command) <= seconds - gpu_benchmark.GRACE_S + 0.1, "it ends by itself before it is ended"


def test_a_part_leaves_to_the_next_what_it_does_not_need(monkeypatch):
    machine = Machine(monkeypatch, takes=1.0)
    gpu_benchmark.main(["--minutes", "4", "--model", "real"])
    tests, operations, rounds, table = (seconds for _, seconds, _ in machine.asked)
    assert tests < operations < rounds == pytest.approx(4 * 60 - 2 - gpu_benchmark.TABLE_S - 2)
    assert table == pytest.approx(4 * 60 - 2 - 3)
    assert machine.asked[2][2][1:3] == ["--model", "real"]


def test_a_part_that_has_no_time_is_left_out_by_name(monkeypatch, capsys):
    machine = Machine(monkeypatch, takes=1.0)
    gpu_benchmark.main(["--minutes", "1.3"])
    assert [name for name, _, _ in machine.asked] == ["whole rounds", "table"]
    told = capsys.readouterr().out
    assert "tests: left out, for " in told
    assert "operations: left out, for " in told


def test_what_does_not_return_is_ended(capfd):
    began = time.monotonic()
    assert not gpu_benchmark._bounded("sleep", ("timeit", "-n1", "-r1", "import time; time.sleep(60)"), 0.2)
    assert time.monotonic() - began < 30
    assert "sleep: ended at its time, in the middle of what it named last" in capfd.readouterr().out


def test_without_a_gpu_it_says_so(capsys, monkeypatch):
    monkeypatch.setattr(gpu_benchmark, "_has_a_gpu", lambda: False)
    with pytest.raises(SystemExit, match="2"):
        gpu_benchmark.main([])
    assert "expected a CUDA device, got none" in capsys.readouterr().err
