"""Every command under every fault of its surroundings: then it is given again, and ends as if nothing had been.

    python -m tests.chaos.commands [--rounds 2] [--seed 0] [--only report]

A full disk, a folder that only may be read, one that is removed meanwhile, a second process on it, SIGTERM and SIGINT
at a random moment. Each command is a fork of this process, which has loaded what commands load. It must end with a
status that commands have, with a line where it was not done, and leave nothing that stops the same command later.
"""

import argparse
import ctypes
import importlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from offbook.harness.cli.main import main as offbook
from offbook.harness.matrix.worker import Outcome
from tests.chaos.command_scenes import COMMANDS, Command, Place, prepared

LOADED = (
    *("torch", "transformers", "lm_eval"),
    *(f"offbook.harness.{name}" for name in ("matrix.running", "matrix.tune", "matrix.certify", "latent.analysis")),
)
SIZES = (0, 100, 1_000, 4_000, 20_000, 60_000)  # bytes that a file may have on a full disk
WORDS = {signal.SIGTERM: "terminated", signal.SIGINT: "interrupted"}


@dataclass(frozen=True, kw_only=True)
class End:
    """How a command ended: its status, and all that it said."""

    status: int
    said: str


class Child:
    """A command in a fork of this process.

    Args:
        arguments: of the command line.
        before: called in the fork.
    """

    def __init__(self, arguments: list[str], before: Callable[[], object] = lambda: None) -> None:
        end, ours = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(end)
            _be(arguments, ours, before)
        os.close(ours)
        self._said = list[bytes]()
        self._reader = threading.Thread(target=self._read, args=(end,))
        self._reader.start()

    def _read(self, end: int) -> None:
        with os.fdopen(end, "rb") as pipe:
            self._said.append(pipe.read())

    def end(self) -> End:
        """Waits for it."""
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self._reader.join()
        return End(status=status, said=self._said[0].decode(errors="replace"))


def _be(arguments: list[str], ours: int, before: Callable[[], object]) -> None:
    status: object = 70
    try:
        os.dup2(ours, 1)
        os.dup2(ours, 2)
        os.setpgid(0, 0)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        before()
        offbook(arguments)
    except SystemExit as end:
        status = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(str(status or 0)))


def full_disk(command: Command, place: Place, draw: random.Random, wall_s: float) -> list[End]:
    """No file may grow beyond some bytes."""
    size = draw.choice(SIZES)

    def before() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    return [Child(command.line(place), before).end()]


def read_only(command: Command, place: Place, draw: random.Random, wall_s: float) -> list[End]:
    """Nobody may write there."""
    paths = [place.room, *place.room.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        return [Child(command.line(place), _without_privileges).end()]
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)


def removed(command: Command, place: Place, draw: random.Random, wall_s: float) -> list[End]:
    """The folder goes away at some moment."""
    child = Child(command.line(place))
    time.sleep(draw.uniform(0, wall_s))
    shutil.rmtree(place.folder, ignore_errors=True)
    return [child.end()]


def two(command: Command, place: Place, draw: random.Random, wall_s: float) -> list[End]:
    """The same command at the same time."""
    children = [Child(command.line(place)), Child(command.line(place))]
    return [child.end() for child in children]


def signalled(number: signal.Signals) -> Callable[[Command, Place, random.Random, float], list[End]]:
    """It is told to stop at some moment."""

    def fault(command: Command, place: Place, draw: random.Random, wall_s: float) -> list[End]:
        child = Child(command.line(place))
        time.sleep(0.02 + draw.uniform(0, wall_s))
        os.kill(child.pid, number)  # it is not waited for yet, so the number is still its own
        return [child.end()]

    return fault


FAULTS: dict[str, Callable[[Command, Place, random.Random, float], list[End]]] = {
    "full disk": full_disk,
    "read-only": read_only,
    "folder removed": removed,
    "two processes": two,
    "SIGTERM": signalled(signal.SIGTERM),
    "SIGINT": signalled(signal.SIGINT),
}


def commands(
    place: Path, rounds: int, *, seed: int = 0, only: list[str] | None = None, faults: list[str] | None = None
) -> tuple[int, list[str]]:
    """Every command under every fault, so often.

    Returns:
        How many faults there were, and what was wrong.
    """
    draw, number, found = random.Random(seed), 0, list[str]()
    chosen = [command for command in COMMANDS if not only or command.name in only]
    scene = prepared(place / "scene", chosen)
    for name in LOADED if any(command.loads for command in chosen) else ():
        importlib.import_module(name)
    for command in chosen:
        fresh = command.fresh(scene, place / f"{command.name}-true")
        start = time.monotonic()
        true = Child(command.line(fresh)).end()
        wall_s, result = time.monotonic() - start, command.result(fresh)
        if true.status != command.status:
            found.append(f"{command.name}: expected status {command.status}, got {true.status}: {true.said[-500:]}")
            continue
        for name, fault in FAULTS.items():
            if (faults and name not in faults) or not (command.writes or name.startswith("SIG")):
                continue
            for attempt in range(rounds):
                where = command.fresh(scene, place / f"{command.name}-{name.replace(' ', '-')}-{attempt}")
                ends = fault(command, where, draw, wall_s)
                number += 1
                told = [*_ill(command, name, ends)]
                told += _afterwards(command, scene, where, result, gone=name == "folder removed")
                found += [f"{command.name}, {name} {attempt}: {line}" for line in told]
                for line in told:
                    print(f"{command.name}, {name} {attempt}: {line}", file=sys.stderr, flush=True)
                shutil.rmtree(where.room)
    return number, found


def _ill(command: Command, fault: str, ends: list[End]) -> Iterator[str]:
    """A status that no command has, a traceback, no line or several."""
    for end in ends:
        number = signal.Signals[fault] if fault.startswith("SIG") else None
        allowed = {command.status} | ({128 + number} if number else {1, 2})
        allowed |= {Outcome.LATER.value} if command.name == "work" and fault == "two processes" else set()
        lines = [line for line in end.said.splitlines() if line.startswith("offbook: ")]
        if end.status not in allowed or "Traceback" in end.said:
            yield f"status {end.status}: {end.said[-600:]}"
        elif end.status == 2 and len(lines) != 1 and "failed: " not in end.said:
            yield f"expected a line, got {len(lines)}: {end.said[-600:]}"
        elif number and end.status == 128 + number and [WORDS[number] in line for line in lines] != [True]:
            yield f"expected a line on how to go on, got {end.said[-600:]}"


def _afterwards(command: Command, scene: Path, where: Place, result: object, *, gone: bool) -> Iterator[str]:
    """What is wrong after the same command without the fault."""
    end = Child(command.line(where)).end()
    if gone:  # what is left is a part: it is refused, or done without what was removed
        if end.status not in (command.status, 1, 2) or "Traceback" in end.said:
            yield f"afterwards status {end.status}: {end.said[-600:]}"
        where = command.fresh(scene, where.room.with_name(f"{where.room.name}-again"))
        end = Child(command.line(where)).end()
    if end.status != command.status:
        yield f"afterwards status {end.status}: {end.said[-600:]}"
    elif (found := command.result(where)) != result:
        yield f"afterwards {str(found)[:300]} for {str(result)[:300]}"
    yield from (f"left over: {path.name}" for path in where.room.rglob(".*.tmp"))


def _without_privileges() -> None:
    """Even root may only do what the bits of a file allow."""
    if os.geteuid():
        return
    head = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3 of this process
    sets = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capget(head, sets) or libc.capset(
        head, (ctypes.c_uint32 * 6)(*(0 if i < 3 else s for i, s in enumerate(sets)))
    ):
        raise OSError(ctypes.get_errno(), "no capabilities can be given up")


def main() -> int:
    """See the module; 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=[command.name for command in COMMANDS])
    parser.add_argument("--faults", nargs="*", choices=list(FAULTS))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        number, found = commands(Path(place), chosen.rounds, seed=chosen.seed, only=chosen.only, faults=chosen.faults)
    told = len(chosen.only or COMMANDS)
    print(f"{number} faults of the surroundings of {told} commands, {len(found)} faults", *found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
