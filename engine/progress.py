"""What a long run says while it goes on: one moving line on a terminal, a plain line now and then elsewhere."""

import sys
import time
from types import TracebackType
from typing import Protocol, Self, TextIO

EVERY_S = 20.0  # between two plain lines


class Progress(Protocol):
    """Where a run reports to."""

    def say(self, line: str) -> None:
        """A line that stays."""
        ...

    def update(self, done: int, total: int, message: str) -> None:
        """How far the current stage is; may be called often."""
        ...


class Silent:
    """Says nothing."""

    def say(self, line: str) -> None:
        """See `Progress`."""

    def update(self, done: int, total: int, message: str) -> None:
        """See `Progress`."""


class Lines:
    """Plain lines, for logs and pipes: every `EVERY_S` seconds, and when a stage is done."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def say(self, line: str) -> None:
        """See `Progress`."""
        if self._stream is not None:  # closed by the caller; print would take standard output
            print(line, file=self._stream, flush=True)
        self._last = time.monotonic()

    def update(self, done: int, total: int, message: str) -> None:
        """See `Progress`."""
        if time.monotonic() - self._last >= EVERY_S:
            self.say(f"  {done}/{total} {message}")


class Terminal:
    """A bar with the time that the current stage still takes, below the lines that stay."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, visible=False)
        self._total = -1

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, line: str) -> None:
        """See `Progress`."""
        self._bar.console.print(line, markup=False, highlight=False)
        self._bar.update(self._task, visible=False)
        self._total = -1

    def update(self, done: int, total: int, message: str) -> None:
        """See `Progress`."""
        if total != self._total:
            self._bar.reset(self._task, total=total, visible=True)
            self._total = total
        self._bar.update(self._task, completed=done, description=message)


def progress() -> Lines | Terminal:
    """A bar where somebody looks at it, plain lines elsewhere."""
    return Terminal() if sys.stderr is not None and sys.stderr.isatty() else Lines()
