"""A folder that one process works in is not worked in by another, which waits and says for whom."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from offbook.harness.records.locks import HOLDER, holder, locked

HOLD = """
import sys, time
from pathlib import Path
from offbook.harness.records.locks import locked
with locked(Path(sys.argv[1]), "training of eagle2", print):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path: Path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "drafter")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_waits_says_for_whom_and_goes_on_when_the_first_is_gone(other, tmp_path: Path):
    told: list[str] = []

    def say(line: str) -> None:
        told.append(line)
        other.send_signal(signal.SIGKILL)  # a killed process holds nothing

    start = time.monotonic()
    with locked(tmp_path / "drafter", "training of jakiro", say):
        assert time.monotonic() - start < 30
        assert "training of jakiro" in holder(tmp_path / "drafter")
    (line,) = told
    assert f"waiting for process {other.pid} on " in line
    assert "training of eagle2" in line
    assert not (tmp_path / "drafter" / HOLDER).exists()


def test_a_free_folder_is_held_at_once_and_again(tmp_path: Path):
    for _ in range(2):
        with locked(tmp_path / "new" / "run", "run", pytest.fail):
            assert f"process {os.getpid()} " in holder(tmp_path / "new" / "run")


def test_a_holder_that_cannot_be_read_is_another_process(tmp_path: Path):
    assert holder(tmp_path) == "another process"
    (tmp_path / HOLDER).write_text("{}")
    assert holder(tmp_path) == "another process"
