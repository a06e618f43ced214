"""A fast part of `nox -s chaos`: every so many lines, operations and kills."""

import os
import re
import shlex
import subprocess
import sys

import pytest

from offbook.harness.cli.main import COMMANDS as COMMAND_LINE
from tests.chaos.command_scenes import COMMANDS
from tests.chaos.tiny import ROOT


@pytest.mark.parametrize(
    "chaos",
    [
        "crash_points --step 61",
        "disk_faults --step 23",
        "kills --stages 60 --workers 3 --kills 25",
        "store_points --step 401 --only 'a commit' recovery",
        pytest.param("store_points --step 401", marks=pytest.mark.slow),
        pytest.param("commands --rounds 1 --only upgrade", marks=pytest.mark.slow),
    ],
)
def test_after_the_run_goes_on_nothing_is_lost_doubled_or_torn(chaos: str) -> None:
    name, *options = shlex.split(chaos)
    done = subprocess.run(
        [sys.executable, "-m", f"tests.chaos.{name}", *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=False,
    )
    assert re.fullmatch(r"[1-9]\d* .*\b0 faults\n", done.stdout), done.stdout + done.stderr
    assert done.returncode == 0


def test_every_command_is_put_to_faults_of_its_surroundings() -> None:
    assert sorted(command.name for command in COMMANDS) == sorted([*COMMAND_LINE, "lm-eval", "work"])
