"""A stage's progress on its way to whoever looks at it, noted so that its claim can tell it to other processes."""

import time
from collections.abc import Callable

from offbook.engine.progress import Progress


class Noted:
    """Does what its progress does, and remembers how far the stage is.

    Args:
        progress: that is told.
        now: seconds since 1970.

    Attributes:
        done, total: of what the stage counts just now; 0 and 0 before it counts anything.
        began: when it began to count that, in seconds since 1970.
    """

    def __init__(self, progress: Progress, now: Callable[[], float] = time.time) -> None:
        self._progress, self._now = progress, now
        self.done, self.total, self.began = 0, 0, now()

    def say(self, line: str) -> None:
        """See `Progress`."""
        self._progress.say(line)

    def update(self, done: int, total: int, message: str) -> None:
        """See `Progress`."""
        if total != self.total or done < self.done:
            self.began = self._now()
        self.done, self.total = max(0, int(done)), max(0, int(total))  # a claim with anything else is nobody's
        self._progress.update(done, total, message)
