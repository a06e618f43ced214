"""Stages on this machine, each in a process of its own.

A process has a group of cores to itself, and no more threads than those. Stages run side by side where there are groups
for them and memory; one that must be alone is, with the whole machine. Children have a session of their own, so that
Ctrl-C reaches them through here alone; they watch their standard input, and so end when this process does, however it
does.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from offbook.engine.available_memory import available_bytes
from offbook.engine.children import VARIABLE
from offbook.engine.files import writing
from offbook.engine.progress import Progress
from offbook.harness.matrix.executors.groups import Group, groups, whole_machine
from offbook.harness.matrix.executors.remote import LOGS, last_line
from offbook.harness.matrix.executors.schedule import End
from offbook.harness.matrix.graph import Stage

COMMAND = (sys.executable, "-m", "offbook.harness.cli.work")
GRACE_S = 30.0  # for children to end by themselves


class Processes:
    """A pool of child processes.

    Args:
        folder: of the run.
        progress: where children's own progress goes.
        command: what runs a worker; the folder, the key and options follow.
        slots: groups of cores, each for one child at a time; by default what `groups` makes of the machine.
        memory: bytes that stages may want together; by default what is free now; None where nobody knows.
    """

    one_by_one = False

    def __init__(
        self,
        folder: Path,
        progress: Progress,
        *,
        command: Sequence[str] = COMMAND,
        device: str = "auto",
        slots: Sequence[Group] | None = None,
        memory: int | None = None,
    ) -> None:
        self._folder = folder
        self._progress = progress
        self._command = list(command)
        self._options = ["--device", device, "--attached"]
        self._free = list(groups() if slots is None else slots)
        self._width = len(self._free)
        self._memory = available_bytes() if memory is None else memory
        self._children = dict[str, tuple[subprocess.Popen[str], Group | None]]()
        self._news: queue.SimpleQueue[End] = queue.SimpleQueue()

    def admits(self, stage: Stage, running: Sequence[Stage]) -> bool:
        """See `Pool`."""
        if not running:
            return True
        if stage.alone or any(other.alone for other in running) or len(running) >= self._width:
            return False
        wanted = stage.expected_bytes + sum(other.expected_bytes for other in running)
        return self._memory is None or wanted <= self._memory

    def start(self, stages: Sequence[Stage], attempts: dict[str, int]) -> None:
        """See `Pool`."""
        for stage in stages:
            slot = None if stage.alone else self._free.pop(0)
            group = slot or whole_machine()
            log = self._folder / LOGS / f"{stage.key[:12]}.txt"
            log.parent.mkdir(exist_ok=True)
            with writing(log), log.open("a", encoding="utf-8") as errors:
                child = subprocess.Popen(
                    [
                        *self._command,
                        str(self._folder),
                        stage.key,
                        "--attempts",
                        str(attempts[stage.key]),
                        *self._options,
                    ],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env={**os.environ, **group.environment(), VARIABLE: "1"},
                    encoding="utf-8",
                    start_new_session=True,
                )
            self._children[stage.key] = child, slot
            if group.cores:
                with contextlib.suppress(ProcessLookupError):  # already over
                    os.sched_setaffinity(child.pid, group.cores)
            threading.Thread(target=self._listen, args=(stage, child, log), daemon=True).start()

    def ended(self, timeout_s: float) -> list[End]:
        """See `Pool`."""
        try:
            ends = [self._news.get(timeout=timeout_s)]
        except queue.Empty:
            return []
        with contextlib.suppress(queue.Empty):
            while True:
                ends.append(self._news.get_nowait())
        for end in ends:
            _, slot = self._children.pop(end.key)
            if slot is not None:
                self._free.append(slot)
        return ends

    def stop(self) -> None:
        """See `Pool`. Children may finish what must not be half done, and are then ended by force."""
        children = [child for child, _ in self._children.values()]
        for child in children:
            _signal(child, signal.SIGTERM)
        until = time.monotonic() + GRACE_S
        for child in children:
            try:
                child.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)
                child.wait()
        self._children.clear()

    def _listen(self, stage: Stage, child: "subprocess.Popen[str]", log: Path) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        with child.stdin, child.stdout:
            for line in child.stdout:
                self._tell(stage, line)
            status = child.wait()
        self._news.put(End(key=stage.key, status=status, reason=last_line(log) if status else ""))

    def _tell(self, stage: Stage, line: str) -> None:
        try:
            match json.loads(line):
                case {"say": str(text)}:
                    self._progress.say(f"  {text}")
                case {"done": int(done), "total": int(total), "message": str(message)}:
                    self._progress.update(done, total, f"{stage.title}: {message}")
        except ValueError:  # a library that prints
            pass


def _signal(child: "subprocess.Popen[str]", number: signal.Signals) -> None:
    """To the child and what it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)
