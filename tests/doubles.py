"""What several tests put in the place of the real thing: a progress that keeps its lines, a kill."""

from offbook.engine.progress import Silent


class KilledError(BaseException):
    """Nothing in offbook catches it."""


class Told(Silent):
    """What people are told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)
