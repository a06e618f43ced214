"""Stages in this process, one after the other, so that what one has loaded the next one need not load again."""

import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from offbook.engine.files import writing
from offbook.engine.progress import Progress
from offbook.harness.matrix.executors.remote import LOGS
from offbook.harness.matrix.executors.schedule import End
from offbook.harness.matrix.graph import Graph, Stage
from offbook.harness.matrix.runners import RUNNERS
from offbook.harness.matrix.worker import attempt


class InProcess:
    """A pool of one, which works while it is asked who has ended.

    Attributes:
        errors: what stages have failed with, by key, for who wants to raise it.
    """

    one_by_one = True

    def __init__(
        self,
        graph: Graph,
        folder: Path,
        progress: Progress,
        *,
        device: str = "auto",
        runners: Mapping[str, str] = RUNNERS,
    ) -> None:
        self.errors = dict[str, Exception]()
        self._graph = graph
        self._folder = folder
        self._progress = progress
        self._device = device
        self._runners = runners
        self._next: tuple[Stage, int] | None = None

    def admits(self, stage: Stage, running: Sequence[Stage]) -> bool:
        """See `Pool`."""
        return not running

    def start(self, stages: Sequence[Stage], attempts: dict[str, int]) -> None:
        """See `Pool`."""
        (stage,) = stages
        self._next = stage, attempts[stage.key]

    def ended(self, timeout_s: float) -> list[End]:
        """See `Pool`."""
        if self._next is None:
            time.sleep(timeout_s)
            return []
        (stage, attempts), self._next = self._next, None
        try:
            outcome = attempt(
                self._graph,
                stage,
                self._folder,
                progress=self._progress,
                device=self._device,
                attempts=attempts,
                runners=self._runners,
            )
        except Exception as error:  # recorded by the worker; other stages go on
            self.errors[stage.key] = error
            log = self._folder / LOGS / f"{stage.key[:12]}.txt"
            log.parent.mkdir(exist_ok=True)
            with writing(log), log.open("a", encoding="utf-8") as file:
                traceback.print_exception(error, file=file)
            return [End(key=stage.key, status=1, reason=str(error))]
        return [End(key=stage.key, status=outcome.value)]

    def stop(self) -> None:
        """See `Pool`: nothing runs on."""
