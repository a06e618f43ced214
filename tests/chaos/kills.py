"""Several workers race for many tiny stages while processes are killed at random; then the run goes on.

    python -m tests.chaos.kills [--stages 4000] [--workers 6] [--kills 3000] [--seed 0]

A racer is a fork that goes through the plan in an order of its own, over and over, until all is done.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from offbook.engine.progress import Silent
from offbook.harness.matrix.graph import Graph, Stage
from offbook.harness.matrix.state import done, is_done
from offbook.harness.matrix.worker import attempt
from tests.chaos.judge import faults, resume
from tests.chaos.tiny import TINY, notes, planned, stage


def kills(folder: Path, *, stages: int, workers: int, deaths: int, seed: int) -> tuple[int, int, list[str]]:
    """Lets workers race, and kills one of them whenever it has had some milliseconds.

    Returns:
        How many were killed; how many attempts more than stages there were; what was wrong in the end.
    """
    graph = planned(folder, [stage(i, *([i - i % 10] if i % 10 else [])) for i in range(stages)])
    chance = random.Random(seed)
    racers = {race(graph, folder, chance.random()) for _ in range(workers)}
    killed = 0
    while racers:
        if killed < deaths:
            time.sleep(chance.expovariate(50))
            victim = chance.choice(sorted(racers))
            os.kill(victim, signal.SIGKILL)
        victim, status = os.wait()
        racers.remove(victim)
        if os.WIFSIGNALED(status):
            killed += 1
            racers.add(race(graph, folder, chance.random()))
        elif status:
            return killed, 0, [f"a worker ended with {os.waitstatus_to_exitcode(status)}"]
    found = [] if len(done(graph, folder)) == stages else ["not everything is done"]
    resume(folder)
    began = notes(folder, "began")
    expected = {one.title: f"{one.title}({', '.join(needs(graph, one))})" for one in graph.stages}
    found += faults(folder, expected)
    return killed, len(began) - stages, found


def race(graph: Graph, folder: Path, seed: float) -> int:
    """A worker; returns its process."""
    if child := os.fork():
        return child
    status = 1
    try:
        order = list(graph.stages)
        random.Random(seed).shuffle(order)
        while any(not is_done(one, folder) for one in order):
            for one in order:
                for each in (*map(graph.stage, one.needs), one):
                    attempt(graph, each, folder, progress=Silent(), device="cpu", attempts=9, runners=TINY)
        status = 0
    finally:
        os._exit(status)


def needs(graph: Graph, stage: Stage) -> list[str]:
    """What those that a stage needs have written, which themselves need nothing."""
    return [f"{graph.stage(key).title}()" for key in stage.needs]


def main() -> int:
    """See the module; 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stages", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=6)
    parser.add_argument("--kills", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        killed, extra, found = kills(
            Path(place) / "run", stages=chosen.stages, workers=chosen.workers, deaths=chosen.kills, seed=chosen.seed
        )
    print(f"{killed} kills, {extra} attempts more than stages, {len(found)} faults", *found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
