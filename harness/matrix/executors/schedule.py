"""The order of a run, whoever does its stages: each when what it needs is done, again where it failed, within bounds.

What a pool tells is a hint: after every stage the folder is asked. So a run may begin on one pool and end on another,
and two may work on one folder at the same time.
"""

import heapq
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from offbook.engine.progress import Progress
from offbook.harness.matrix.announcer import Announcer
from offbook.harness.matrix.claims import holders, sweep
from offbook.harness.matrix.failures import FINAL, Failure, fail, failures, failures_of
from offbook.harness.matrix.graph import Graph, Stage
from offbook.harness.matrix.state import done, is_done
from offbook.harness.matrix.worker import ATTEMPTS, Outcome

PAUSE_S = 1.0  # before a second attempt; twice as long before each further one
POLL_S = 2.0  # between two looks at a stage that somebody else does


@dataclass(frozen=True, kw_only=True)
class End:
    """How a stage ended on a pool.

    Attributes:
        key: of the stage.
        status: of its process; below 0 the signal that ended it, None where the process is lost.
        reason: what is known of why.
    """

    key: str
    status: int | None
    reason: str = ""


class Pool(Protocol):
    """Somewhere to run workers.

    Attributes:
        one_by_one: whether a stage begins when another ends.
    """

    one_by_one: bool

    def admits(self, stage: Stage, running: Sequence[Stage]) -> bool:
        """Whether a stage may start beside these; the first always may."""
        ...

    def start(self, stages: Sequence[Stage], attempts: dict[str, int]) -> None:
        """Starts workers: one a stage, each with the number of failures at which it gives up."""
        ...

    def ended(self, timeout_s: float) -> list[End]:
        """Who ended; waits so long for the first."""
        ...

    def stop(self) -> None:
        """Ends whoever still runs, and waits for it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What became of a plan: every stage is in exactly one of the three."""

    done: int
    failed: dict[str, Failure]
    pending: int


def run_graph(
    graph: Graph,
    folder: Path,
    pool: Pool,
    *,
    progress: Progress,
    attempts: int = ATTEMPTS,
    pause_s: float = PAUSE_S,
    poll_s: float = POLL_S,
    then: Callable[[Stage], None] | None = None,
) -> Tally:
    """Does what of a plan is not done.

    Args:
        graph: the plan, which stands in the folder too.
        folder: of the run.
        pool: who works.
        progress: where it is told.
        attempts: of each stage in this run; failures of earlier runs do not count.
        pause_s: before a second attempt.
        poll_s: between two looks at a stage that another process does.
        then: called behind every stage that was done or has failed.
    """
    run = _Run(
        graph=graph,
        folder=folder,
        progress=progress,
        attempts=attempts,
        pause_s=pause_s,
        poll_s=poll_s,
        one_by_one=pool.one_by_one,
    )
    try:
        while run.start(pool):
            for end in pool.ended(run.patience()):
                stage = run.end(end)
                if then is not None and (stage.key in run.done or stage.key in run.failed):
                    then(stage)
    finally:
        pool.stop()
        sweep(folder)
    return Tally(done=len(run.done), failed=run.failed, pending=len(graph) - len(run.done) - len(run.failed))


@dataclass(kw_only=True)
class _Run:
    graph: Graph
    folder: Path
    progress: Progress
    attempts: int
    pause_s: float
    poll_s: float
    one_by_one: bool
    done: set[str] = field(init=False)
    failed: dict[str, Failure] = field(default_factory=dict)
    running: dict[str, Stage] = field(default_factory=dict)
    _told: dict[str, int] = field(default_factory=dict)  # failures in this run

    def __post_init__(self) -> None:
        sweep(self.folder)
        self.done = done(self.graph, self.folder)
        self._announcer = Announcer(self.graph, self.done, self.progress, one_by_one=self.one_by_one)
        before = failures(self.folder)
        self._limits = {stage.key: self.attempts + len(before.get(stage.key, ())) for stage in self.graph.stages}
        self._place = {stage.key: place for place, stage in enumerate(self.graph.stages)}
        self._needed_by = defaultdict[str, list[str]](list)
        self._missing = dict[str, set[str]]()
        self._ready: list[tuple[int, str]] = []  # a heap, in the order of the plan
        self._resting = dict[str, float]()  # until when
        self._waited_for = set[str]()
        for stage in self.graph.stages:
            for need in stage.needs:
                self._needed_by[need].append(stage.key)
        for stage in self.graph.stages:
            if stage.key not in self.done:
                self._line_up(stage.key)

    def start(self, pool: Pool) -> bool:
        """Starts what can be started; returns whether there is anything to wait for."""
        now = time.monotonic()
        for key in [key for key, until in self._resting.items() if until <= now]:
            del self._resting[key]
            self._line_up(key)
        held = {} if not self._ready else holders(self.folder)
        later, starting = [], list[Stage]()
        while self._ready:
            place, key = heapq.heappop(self._ready)
            stage = self.graph.stage(key)
            if key in held:
                self._wait_for(stage, held[key].holder())
            elif pool.admits(stage, [*self.running.values(), *starting]):
                starting.append(stage)
            else:
                later.append((place, key))
        self._ready = later
        for stage in starting:
            self.running[stage.key] = stage
            self._announcer.begins(stage)
        if starting:
            pool.start(starting, self._limits)
        return bool(self.running or self._ready or self._resting)

    def patience(self) -> float:
        """How long to wait for news: until the first rest is over."""
        now = time.monotonic()
        return max(0.0, min((until - now for until in self._resting.values()), default=3600.0))

    def end(self, end: End) -> Stage:
        """Settles a stage by what the folder holds, and returns it."""
        stage = self.running.pop(end.key)
        if is_done(stage, self.folder):
            self._count(stage)
        elif end.status == Outcome.LATER.value:
            self._find_out(stage)
        else:
            self._failed(stage, end)
        return stage

    def _line_up(self, key: str) -> None:
        """Puts a stage among those that are ready, or leaves it to what it needs."""
        missing = {need for need in self.graph.stage(key).needs if need not in self.done}
        self._missing[key] = missing
        if not missing:
            heapq.heappush(self._ready, (self._place[key], key))

    def _count(self, stage: Stage) -> None:
        self.done.add(stage.key)
        self._announcer.ends(stage)
        for key in self._needed_by[stage.key]:
            missing = self._missing.get(key, set())
            if stage.key in missing:
                missing.remove(stage.key)
                if not missing:
                    heapq.heappush(self._ready, (self._place[key], key))

    def _find_out(self, stage: Stage) -> None:
        """The worker would not begin: what the stage needs is damaged since, or somebody else does it."""
        lost = [need for need in stage.needs if need in self.done and not is_done(self.graph.stage(need), self.folder)]
        for need in lost:
            self.progress.say(f"{self.graph.stage(need).title}: damaged or gone; made again")
            self.done.discard(need)
            self._announcer.returns(self.graph.stage(need))
            self._line_up(need)
        if lost:
            self._line_up(stage.key)
        else:
            self._wait_for(stage, "another process")

    def _wait_for(self, stage: Stage, holder: str) -> None:
        if is_done(stage, self.folder):
            self._count(stage)
            return
        if stage.key not in self._waited_for:
            self._waited_for.add(stage.key)
            self.progress.say(f"{stage.title}: {holder} does it; this one waits")
        self._resting[stage.key] = time.monotonic() + self.poll_s

    def _failed(self, stage: Stage, end: End) -> None:
        recorded = failures_of(self.folder, stage.key)
        before = self._limits[stage.key] - self.attempts
        if len(recorded) <= before + self._told.get(stage.key, 0):  # the process had no time to say so itself
            recorded.append(fail(self.folder, stage.key, *_what_ended(end)))
        self._told[stage.key] = len(recorded) - before
        last = recorded[-1]
        self.progress.say(f"{stage.title}: failed ({last.error}: {last.reason})")
        if len(recorded) >= self._limits[stage.key] or last.error in FINAL:
            self.failed[stage.key] = last
        else:
            self._resting[stage.key] = time.monotonic() + self.pause_s * 2 ** (self._told[stage.key] - 1)


def _what_ended(end: End) -> tuple[str, str]:
    if end.status is None:
        return "Lost", end.reason or "its machine is gone"
    if end.status < 0:
        return "Killed", end.reason or f"by signal {-end.status}"
    return "Ended", end.reason or f"with status {end.status} and no result"
