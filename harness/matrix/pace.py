"""What a run does just now, how fast, how long the rest may take, and how to go on: the live half of `offbook status`.

A stage that counts tells its own rate; of one that does not, and of those that nobody has begun, earlier stages tell
(`estimates.py`). What nothing tells is counted as unknown, and is in no sum.
"""

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from offbook.harness.matrix.claims import Claim
from offbook.harness.matrix.estimates import COMMITTED, Estimates
from offbook.harness.matrix.folders import is_finished, profile_of
from offbook.harness.matrix.graph import Graph, Stage
from offbook.harness.records.locks import worker


@dataclass(frozen=True, kw_only=True)
class Running:
    """A stage under way.

    Attributes:
        stage: which.
        claim: who does it, and how far it was at the last heartbeat.
        expected_s: how long it should take in all; None where nothing tells.
        now: seconds since 1970.
    """

    stage: Stage
    claim: Claim
    expected_s: float | None
    now: float

    @property
    def elapsed_s(self) -> float | None:
        """Since it was begun."""
        return max(0.0, self.now - self.claim.since) if self.claim.since else None

    @property
    def per_s(self) -> float | None:
        """How many of what it counts it does a second; None where it has counted nothing yet."""
        seconds = self.claim.heartbeat - self.claim.began
        return self.claim.done / seconds if self.claim.done and seconds > 0 else None

    @property
    def left_s(self) -> float | None:
        """What it still takes, by its own rate, or else by what it should take."""
        if self.per_s is not None:
            left = (self.claim.total - self.claim.done) / self.per_s - (self.now - self.claim.heartbeat)
            return max(0.0, left)
        if self.expected_s is None or self.elapsed_s is None:
            return None
        return max(0.0, self.expected_s - self.elapsed_s)

    def told(self) -> str:
        """For people."""
        parts = [f"{self.claim.holder()} does it"]
        if self.elapsed_s is not None:
            parts.append(f"for {spell(self.elapsed_s)}")
        if self.claim.total:
            rate = "" if self.per_s is None else f", {60 * self.per_s:.3g} a minute"
            parts.append(f"{self.claim.done} of {self.claim.total}{rate}")
        if self.left_s is not None:
            parts.append(f"about {spell(self.left_s)} left")
        return ", ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """See the module.

    Attributes:
        running: stages under way.
        waiting: how many others are to be done.
        unknown: of all that are not done, those of which nothing tells how long they take.
        left_s: what the rest takes, with as many side by side as now; None where nothing of it is known.
        at_work: the process that has the run, for people; "" where there is none.
        go_on: the command that goes on; "" where all is done.
    """

    running: tuple[Running, ...]
    waiting: int
    unknown: int
    left_s: float | None
    at_work: str
    go_on: str

    def lines(self) -> list[str]:
        """For people: what is left, who is at work, and how to go on."""
        found = []
        if self.left_s is not None:
            beside = max(1, len(self.running))
            at_once = f" with {beside} side by side" if beside > 1 else ""
            lost = f", without {self.unknown} of which nothing tells" if self.unknown else ""
            found.append(f"about {spell(self.left_s)} left{at_once}{lost}, by what stages took before")
        elif self.unknown:
            found.append(f"nothing tells how long the {self.unknown} that are left will take")
        if self.at_work:
            found.append(f"at work: {self.at_work}")
        elif self.running:
            found.append("at work: workers of another machine or of `offbook work`")
        elif self.go_on:
            found.append(f"nobody is at work; go on with: {self.go_on}")
        return found


def pace(
    graph: Graph,
    folder: Path,
    finished: set[str],
    claims: Mapping[str, Claim],
    failed: set[str],
    *,
    now: float | None = None,
) -> Pace:
    """Of a plan whose state is known.

    Args:
        graph: the plan.
        folder: of the run.
        finished: keys of the stages that are done.
        claims: who does what, by key.
        failed: keys of the stages whose last attempt failed, which the next run tries again.
        now: seconds since 1970; the clock's by default.
    """
    rates, now = Estimates(folder, COMMITTED), time.time() if now is None else now
    undone = [stage for stage in graph.stages if stage.key not in finished]
    expected = {stage.key: _expected(rates, stage) for stage in undone}
    running = tuple(
        Running(stage=stage, claim=claims[stage.key], expected_s=expected[stage.key], now=now)
        for stage in undone
        if stage.key in claims
    )
    waiting = [stage for stage in undone if stage.key not in claims]
    lengths = [*(each.left_s for each in running), *(expected[stage.key] for stage in waiting)]
    return Pace(
        running=running,
        waiting=len(waiting),
        unknown=sum(length is None for length in lengths),
        left_s=_left(running, waiting, expected),
        at_work=worker(folder) or "",
        go_on=go_on(folder) if undone or failed else "",
    )


def go_on(folder: Path) -> str:
    """The command that goes on with a run, from the plan in its folder."""
    profile = profile_of(folder)
    if profile and not is_finished(folder):
        return shlex.join(["offbook", "reproduce", "--profile", profile, "--output", str(folder)])
    return shlex.join(["offbook", "run", str(folder)])


def spell(seconds: float) -> str:
    """Such as 40 s, 12 min, 3 h 20 min, 2 d 4 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def _expected(rates: Estimates, stage: Stage) -> float | None:
    try:
        return rates.of(stage).seconds
    except (KeyError, TypeError):  # a stage of somebody else's kind of plan
        return None


def _left(running: Sequence[Running], waiting: Sequence[Stage], expected: Mapping[str, float | None]) -> float | None:
    """The sum of what is known over as many as work side by side; what must be alone on its machine counts whole."""
    beside = max(1, len(running))
    now = [each.left_s for each in running if each.left_s is not None]
    later = [(stage, length) for stage in waiting if (length := expected[stage.key]) is not None]
    if not (now or later):
        return None
    alone = sum(length for stage, length in later if stage.alone)
    shared = sum(length for stage, length in later if not stage.alone)
    return max(now, default=0.0) + alone + shared / beside
