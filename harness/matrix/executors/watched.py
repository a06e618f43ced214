"""A pool, and how long one was in it: the rest of a run's time is what a run does between its stages."""

import time
from collections.abc import Sequence

from offbook.harness.matrix.executors.schedule import End, Pool
from offbook.harness.matrix.graph import Stage
from offbook.harness.records.spent import CLOCK, Spent, since


class Watched:
    """Does what its pool does.

    Args:
        pool: that works.
    """

    def __init__(self, pool: Pool) -> None:
        self.one_by_one = pool.one_by_one
        self._pool = pool
        self._began, self._at_first = time.perf_counter(), CLOCK.totals()
        self._inside_s, self._inside = 0.0, dict[str, float]()

    def admits(self, stage: Stage, running: Sequence[Stage]) -> bool:
        """See `Pool`."""
        return self._pool.admits(stage, running)

    def start(self, stages: Sequence[Stage], attempts: dict[str, int]) -> None:
        """See `Pool`."""
        self._pool.start(stages, attempts)

    def ended(self, timeout_s: float) -> list[End]:
        """See `Pool`."""
        began, before = time.perf_counter(), CLOCK.totals()
        try:
            return self._pool.ended(timeout_s)
        finally:
            self._inside_s += time.perf_counter() - began
            for activity, seconds in since(before).items():
                self._inside[activity] = self._inside.get(activity, 0.0) + seconds

    def stop(self) -> None:
        """See `Pool`."""
        self._pool.stop()

    def outside(self) -> Spent:
        """What was spent since this was made, but for what its pool was asked for."""
        seconds = {name: value - self._inside.get(name, 0.0) for name, value in since(self._at_first).items()}
        return Spent(key="", kind="run", wall_s=time.perf_counter() - self._began - self._inside_s, seconds=seconds)
