"""All that a GPU is asked for, within one time: the tests marked `gpu`, times of operations and whole rounds, a table.

    python -m offbook.harness.trials.gpu_benchmark          (from a checkout, with PYTHONPATH=src)

Each part may use a share of what is left, and leaves to the next what it does not need. It begins nothing in the last
half minute of its time, names what it has left out, and is ended where something does not return by then, which is what
it named last; so the whole takes no longer than is said. Tests that have passed and rows that are written stay: the
same command goes on with the rest. Needs torch, triton, transformers, safetensors and pytest.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from offbook.harness.trials.benchmark_command import run

MINUTES = 8.0
GRACE_S = 30.0  # of a part: it starts in them, and ends what it has begun
TABLE_S = 30.0  # kept for the table
GONE_S = 2.0  # until a process that was killed is gone


class Part(NamedTuple):
    """What is run.

    Attributes:
        name: as it is told.
        share: of the time that is left.
        command: behind `python -m`; it takes `--minutes`, after which it begins nothing.
    """

    name: str
    share: float
    command: tuple[str, ...]


TESTS = Part("tests", 0.35, ("pytest", "-v", "-m", "gpu"))
OPERATIONS = Part("operations", 0.5, ("offbook.kernels.bench", "--device", "cuda"))
ROUNDS = Part("whole rounds", 1.0, ("offbook.harness.trials.rounds_benchmark",))
TABLE = ("offbook.kernels.bench", "--device", "cuda", "--table", "results/kernels/cuda.md")


def main(argv: Sequence[str] | None = None) -> None:
    """Run all parts, whatever became of the one before.

    Raises:
        SystemExit: with 1 where a test fails, something of offbook is wrong, or a part had to be ended.
    """
    began = time.monotonic()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"that all of it takes at most ({MINUTES:g})")
    parser.add_argument("--model", metavar="FOLDER", help="a real model for whole rounds too")
    chosen = parser.parse_args(argv)
    if not _has_a_gpu():
        parser.error("expected a CUDA device, got none; run it where there is one")
    ends = began + 60 * chosen.minutes - GONE_S
    rounds = ROUNDS if chosen.model is None else ROUNDS._replace(command=(*ROUNDS.command, "--model", chosen.model))
    right = [_played(part, ends - TABLE_S) for part in (TESTS, OPERATIONS, rounds)]
    right.append(_bounded("table", TABLE, ends - time.monotonic()))
    if not all(right):
        raise SystemExit(1)


def _has_a_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _played(part: Part, ends: float) -> bool:
    """Whether all was right of a part that may use its share of the time until `ends`."""
    left_s = (ends - time.monotonic()) * part.share
    if left_s <= GRACE_S:
        print(f"{part.name}: left out, for {max(0.0, left_s):.0f} s are too few; the same command goes on", flush=True)
        return True
    minutes = (left_s - GRACE_S) / 60
    return _bounded(part.name, (*part.command, "--minutes", f"{minutes:.3f}"), left_s)


def _bounded(name: str, command: Sequence[str], seconds: float) -> bool:
    """Whether a command ends well; where it does not end in time, it is ended with all that it has started."""
    print(f"{name}: {seconds:.0f} s at most", flush=True)
    process = subprocess.Popen([sys.executable, "-m", *command], start_new_session=True)
    try:
        return process.wait(max(0.0, seconds)) == 0
    except subprocess.TimeoutExpired:
        print(f"{name}: ended at its time, in the middle of what it named last; the same command goes on", flush=True)
        return False
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GONE_S)


if __name__ == "__main__":
    run("offbook.harness.trials.gpu_benchmark", main)
