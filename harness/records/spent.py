"""What a run's time was spent on: model forwards, training, lm-eval, imports, loading, and the rest: offbook itself.

    store/spent.jsonl    a line for each stage that a process did, and one for what it did between stages

Measured around what the harness calls, so that what is left over is the harness itself. A line that is torn or lost
makes a sum a little smaller; nothing else depends on it.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

FILE = "spent.jsonl"
Activity = Literal["forwards", "training", "lm-eval", "imports", "loading"]
WORK: tuple[Activity, ...] = ("forwards", "training", "lm-eval", "imports")  # loading is the harness's own choice


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Seconds of one stage, or of what a process did between stages.

    Attributes:
        key: of the stage; "" between stages.
        kind: of the stage; "run" between stages.
        name: whose: a decoder's drafter, a method's student, a suite's heat; "" where it has none.
        units: how much was done: answers, epochs times answers, gradient tokens, documents times arms; 0 if unknown.
        wall_s: from begin to end.
        seconds: of it, by activity.
    """

    key: str
    kind: str
    name: str = ""
    units: float = 0.0
    wall_s: float
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def harness_s(self) -> float:
        """What was spent on none of the work itself; loading models is a part of it."""
        return max(0.0, self.wall_s - sum(self.seconds.get(activity, 0.0) for activity in WORK))


class Clock:
    """Adds up seconds by activity; of two activities inside of each other, the inner one's are its own alone.

    Args:
        now: seconds from anywhere.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._totals = dict[str, float]()
        self._open: list[tuple[str, float]] = []  # activity and since when it is the innermost

    @contextlib.contextmanager
    def on(self, activity: Activity) -> Iterator[None]:
        """Counts the block as this activity."""
        now = self._now()
        if self._open:
            self._settle(now)
        self._open.append((activity, now))
        try:
            yield
        finally:
            now = self._now()
            self._settle(now)
            self._open.pop()
            if self._open:
                self._open[-1] = (self._open[-1][0], now)

    def _settle(self, now: float) -> None:
        activity, since = self._open[-1]
        self._totals[activity] = self._totals.get(activity, 0.0) + now - since
        self._open[-1] = (activity, now)

    def totals(self) -> dict[str, float]:
        """Seconds so far."""
        if self._open:
            self._settle(self._now())
        return dict(self._totals)


CLOCK = Clock()  # of this process


def spending(activity: Activity) -> contextlib.AbstractContextManager[None]:
    """Counts a block of this process as an activity."""
    return CLOCK.on(activity)


def since(before: dict[str, float]) -> dict[str, float]:
    """Seconds by activity since an earlier `CLOCK.totals()`."""
    return {name: value - before.get(name, 0.0) for name, value in CLOCK.totals().items()}


def note(folder: Path, spent: Spent) -> None:
    """Adds a line to a run's file, if there is room: what has been done is done without it."""
    line = asdict(spent) | {
        "wall_s": round(spent.wall_s, 3),
        "seconds": {name: round(value, 3) for name, value in spent.seconds.items() if value > 0},
    }
    with contextlib.suppress(OSError):
        handle = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(handle, (json.dumps(line) + "\n").encode())  # in one piece, so that lines of two stay whole
        finally:
            os.close(handle)


def read(folder: Path) -> list[Spent]:
    """The lines of a run's file; those that are none are left out."""
    path = folder / FILE
    return [*_lines(path.read_text(encoding="utf-8", errors="replace").splitlines())] if path.is_file() else []


def told(found: Iterable[Spent]) -> list[str]:
    """For people: shares of the time that was spent; nothing where none was."""
    spent = list(found)
    whole = sum(part.wall_s for part in spent)
    if whole <= 0:
        return []
    shares = {a: sum(part.seconds.get(a, 0.0) for part in spent) / whole for a in (*WORK, "loading")}
    own = sum(part.harness_s for part in spent) / whole
    work = ", ".join(f"{activity} {100 * shares[activity]:.1f} %" for activity in WORK)
    return [
        f"{whole:.0f} s spent in {sum(bool(part.key) for part in spent)} stages and between them: {work}; the harness "
        f"{100 * own:.2f} %, loading models included, which is {100 * shares['loading']:.2f} %"
    ]


def _lines(texts: Iterable[str]) -> Iterator[Spent]:
    for text in texts:
        try:
            found = Spent(**json.loads(text))
            sums = [found.wall_s, found.units, *found.seconds.values()]
            if all(isinstance(number, int | float) and number >= 0 for number in sums):
                yield found
        except (ValueError, TypeError, AttributeError):
            continue
