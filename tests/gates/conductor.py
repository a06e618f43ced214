"""Runs blocks of two trees in turn, on one core, and prints how long each took: `python -P tests/gates/conductor.py`.

It reads one line of JSON (`libraries` to import, `trees`: two folders, `names`, `clusters`, `quads`, `slowdown` of the
first tree, `seed`), and prints one: `sizes` of both trees, and `clusters`, each by name a list of [tree, seconds of the
processor, seconds of the clock] in the order in which they ran.

A *cluster* is a fresh pair of workers, one a tree, forked from this process behind the import of the libraries. What
differs between two processes of the same code (where hash seeds, addresses and pages happen to lie) can make one of
them 3 % slower for as long as it lives; so both share what can be shared, and the rest is drawn anew with each cluster.
A *quad* is four blocks in the order ABBA or BAAB, by lot; the workloads take turns, in an order drawn for each quad. Of
two workers one works while the other waits, on the same core. This file imports nothing of any tree: its own is one of
the two.
"""

import importlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORKER = "tests.gates.workloads"
WARM_UP = 2  # blocks of each workload


def main() -> None:
    """Reads what to do, does it, prints what was found."""
    asked = json.loads(sys.stdin.readline())
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no answer
    for library in asked.pop("libraries"):
        importlib.import_module(library)
    sys.dont_write_bytecode = False
    with tempfile.TemporaryDirectory(prefix="offbook-gates-") as folder:
        sys.pycache_prefix = str(Path(folder) / "pycache")
        json.dump(conduct(folder=Path(folder), **asked), answers)
    answers.write("\n")
    answers.close()


def conduct(
    *, trees: list[str], names: list[str], clusters: int, quads: int, slowdown: float, seed: int, folder: Path
) -> dict[str, Any]:
    """All clusters; see above. A tree that has no workload at all has no sizes, and then nothing is run."""
    lot = random.Random(seed)
    _stay_on_one_core(lot)
    found: list[dict[str, list[tuple[int, float, float]]]] = []
    sizes: list[Any] = []
    for _ in range(clusters):
        workers: dict[int, Worker] = {}
        for side in lot.sample((0, 1), 2):
            workers[side] = Worker(trees[side], slowdown if side == 0 else 1.0, folder)
        sizes = [workers[side].sizes for side in (0, 1)]
        common = [name for name in names if all(name in own for own in sizes) and sizes[0][name] == sizes[1][name]]
        blocks: dict[str, list[tuple[int, float, float]]] = {name: [] for name in common}
        for _ in range(quads):
            for name in lot.sample(common, len(common)):
                first = lot.randrange(2)
                for side in (first, 1 - first, 1 - first, first):
                    blocks[name].append((side, *workers[side].run(name)))
        for worker in workers.values():
            worker.end()
        if workers[0].units != workers[1].units:
            msg = f"expected equal work in both trees, got units {workers[0].units} and {workers[1].units}"
            raise RuntimeError(msg)
        found.append(blocks)
        if not common:
            break
    return {"sizes": sizes, "clusters": found}


def _stay_on_one_core(lot: random.Random) -> None:
    """All workers of a run share a core: on two, one of them may be slower for as long as a cluster lasts.

    Cores of a virtual machine are its host's, which gives them to others too, each at its own times.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {lot.choice(sorted(os.sched_getaffinity(0)))})


class Worker:
    """A forked process that holds the workloads of one tree; `sizes` is empty where the tree has none."""

    def __init__(self, tree: str, slowdown: float, folder: Path) -> None:
        (read, answer), (listen, write) = os.pipe(), os.pipe()
        self.units: dict[str, int] = {}
        self._pid = os.fork()
        if not self._pid:
            os.close(read)
            os.close(write)
            _child(tree, slowdown, folder, listen, answer)
        os.close(listen)
        os.close(answer)
        self._write, self._read = os.fdopen(write, "w"), os.fdopen(read)
        self.sizes: dict[str, Any] = self._answer()

    def run(self, name: str) -> tuple[float, float]:
        """Seconds of the processor and of the clock that one block took."""
        self._say(name)
        units, *seconds = self._answer()
        self.units[name] = self.units.get(name, 0) + units
        return seconds[0], seconds[1]

    def end(self) -> None:
        """Waits until it is gone."""
        self._say("")
        self._write.close()
        self._read.close()
        if status := os.waitpid(self._pid, 0)[1]:
            msg = f"expected a worker to end well, got status {status}"
            raise RuntimeError(msg)

    def _say(self, word: str) -> None:
        self._write.write(word + "\n")
        self._write.flush()

    def _answer(self) -> Any:
        if not (line := self._read.readline()):
            msg = "expected an answer of a worker, got its end; its error stands above"
            raise RuntimeError(msg)
        return json.loads(line)


def _child(tree: str, slowdown: float, folder: Path, listen: int, answer: int) -> None:
    """The life of a worker."""
    status = 1
    try:
        with os.fdopen(listen) as told, os.fdopen(answer, "w") as told_back:
            _serve(
                tree, slowdown, folder, told.readline, lambda what: print(json.dumps(what), file=told_back, flush=True)
            )
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _serve(tree: str, slowdown: float, folder: Path, told: Callable[[], str], answer: Callable[[object], None]) -> None:
    sys.path[:0] = [str(Path(tree) / "src"), tree]
    try:
        workloads = importlib.import_module(WORKER)
    except ModuleNotFoundError as error:
        if error.name not in (WORKER, WORKER.rpartition(".")[0], "tests"):
            raise
        answer({})
        told()
        return
    package = Path(str(sys.modules["offbook"].__file__)).resolve()
    assert package.is_relative_to(Path(tree).resolve()), f"{package} is not of {tree}"
    with tempfile.TemporaryDirectory(dir=folder) as own:
        blocks: dict[str, Callable[[], int]] = workloads.prepare_all(Path(own))
        for block in blocks.values():
            for _ in range(WARM_UP):
                block()
        answer(workloads.SIZES)
        while word := told().strip():
            answer(_timed(blocks[word], slowdown))


def _timed(block: Callable[[], int], slowdown: float) -> tuple[int, float, float]:
    """Units, seconds of the processor and of the clock; a slowdown of 1.05 adds 5 % of busy work."""
    clock, processor = time.perf_counter(), time.process_time()
    units = block()
    if slowdown > 1:
        until = processor + slowdown * (time.process_time() - processor)
        while time.process_time() < until:
            pass
    return units, time.process_time() - processor, time.perf_counter() - clock


if __name__ == "__main__":
    main()
