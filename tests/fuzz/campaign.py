"""The whole campaign, and its summary: `nox -s fuzz`.

    python -m tests.fuzz.campaign [--commands 3000] [--files 1000] [--from 0] [--summary results/fuzz.md]

Every case is named by its number, and the same number is the same case, whatever is added to the tables (`keyed.py`).
"""

import argparse
import os
import shlex
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.command_lines import COMMANDS, command_line
from tests.fuzz.files import damage
from tests.fuzz.sandbox import CPU_LIMIT_S, Outcome, World, damaged
from tests.fuzz.values import RECORD

FRESH_EVERY = 25  # cases that share a world's output


@dataclass(kw_only=True)
class Tally:
    """What came of one half of the campaign."""

    cases: int = 0
    statuses: Counter[int | None] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)

    def add(self, name: str, kind: str, outcome: Outcome) -> None:
        """Counts a case."""
        self.cases += 1
        self.statuses[outcome.status] += 1
        self.kinds[kind] += 1
        self.slowest = max(self.slowest, outcome.cpu_s)
        if outcome.faults:
            last = (outcome.said.strip().splitlines() or [""])[-1]
            self.failures.append(f"{name}: {'; '.join(outcome.faults)}: {last:.200}")


def command_cases(world: World, numbers: range) -> Iterator[tuple[str, str, Outcome]]:
    """Runs fuzzed command lines."""
    for number in numbers:
        if number % FRESH_EVERY == 0:
            world.restore()
        words = [world.record if word == RECORD else word for word in command_line(number)]
        shown = shlex.join(word if len(word) < 60 else f"{word[:20]}...({len(word)})" for word in words)
        yield f"command line {number} ({shown})", words[0] if words[0] in COMMANDS else "no command", world.run(words)


def file_cases(world: World, numbers: range) -> Iterator[tuple[str, str, Outcome]]:
    """Runs commands on fuzzed files."""
    for number in numbers:
        world.restore()
        kind, path, data, command = damage(number, world.cwd)
        damaged(path, data)
        yield f"file {number} ({kind}, {path.relative_to(world.cwd)})", kind, world.run(command.split())


def summary(halves: dict[str, Tally]) -> str:
    """The campaign as Markdown."""
    lines = [
        "# Fuzzed command lines and files",
        "",
        "Written by `nox -s fuzz`. A fault is a traceback, a status that no command has, more than "
        f"{CPU_LIMIT_S:g} s of the process's own CPU time, or a file outside the output folder.",
        "",
        "| | cases | exit 0 | exit 1 | exit 2 | slowest, CPU s | faults |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, tally in halves.items():
        counts = [str(tally.statuses[status]) for status in (0, 1, 2)]
        cells = [name, f"{tally.cases:,}", *counts, f"{tally.slowest:.1f}", str(len(tally.failures))]
        lines.append(f"| {' | '.join(cells)} |")
    for name, tally in halves.items():
        by_kind = ", ".join(f"{kind} {count}" for kind, count in sorted(tally.kinds.items()))
        lines += ["", f"{name}: {by_kind}."]
        lines += [f"- {failure}" for failure in tally.failures]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Runs the campaign; 1 where there is a fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--commands", type=int, default=3000)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--summary", type=Path, default=None)
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))  # a command would end like one that was told to stop
    halves = {"command lines": Tally(), "files": Tally()}
    place = chosen.summary.resolve() if chosen.summary else None
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "world")
        cases = {
            "command lines": command_cases(world, range(chosen.first, chosen.first + chosen.commands)),
            "files": file_cases(world, range(chosen.first, chosen.first + chosen.files)),
        }
        for half, found in cases.items():
            for name, kind, outcome in found:
                halves[half].add(name, kind, outcome)
                if outcome.faults:
                    print(halves[half].failures[-1], outcome.said[-3000:], sep="\n", flush=True)
                elif halves[half].cases % 100 == 0:
                    print(f"{halves[half].cases} {half}", flush=True)
    text = summary(halves)
    print(text)
    if place is not None:
        place.write_text(text, encoding="utf-8")
    return 1 if any(tally.failures for tally in halves.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
