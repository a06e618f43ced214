"""Stage n of m, and how long the rest may take: expected seconds, scaled by how the finished stages turned out."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from offbook.engine.progress import Progress

TOKENS_PER_S = 14.0  # of the embedded model in a heat on two cores: the first guess at how long one takes


class Stage(NamedTuple):
    """What is to be done, for people, and how long it should take."""

    title: str
    expected_s: float


class Stages:
    """Announces planned stages one after the other."""

    def __init__(self, progress: Progress, plan: Sequence[Stage]) -> None:
        self._progress = progress
        self._plan = list(plan)
        self._number = 0
        self._expected_s = 0.0
        self._measured_s = 0.0

    @contextlib.contextmanager
    def next(self, *, skipped: bool = False) -> Iterator[None]:
        """Announces the next stage around the block that does it; a skipped one was done before."""
        stage = self._plan[self._number]
        self._number += 1
        note = "done before" if skipped else self._left()
        self._progress.say(f"[{self._number}/{len(self._plan)}] {stage.title} ({note})")
        start = time.monotonic()
        yield
        if not skipped:
            self._expected_s += stage.expected_s
            self._measured_s += time.monotonic() - start

    def _left(self) -> str:
        seconds = sum(stage.expected_s for stage in self._plan[self._number - 1 :])
        minutes = seconds * (self._measured_s / self._expected_s if self._expected_s > 10 else 1.0) / 60
        return "less than a minute left" if minutes < 1 else f"about {minutes:.0f} min left"
