"""A worker on another machine: what Ray and SLURM carry there is the command line, nothing that was loaded here."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from offbook.engine.children import VARIABLE
from offbook.engine.files import writing
from offbook.engine.threads import COUNTS

LOGS = "logs"  # what workers write to standard error, a file a stage

Ended = tuple[int, str]  # exit status, and the last line that was said where it is not 0


class RemoteWorker:
    """The command of one stage, to be called where it shall run.

    Args:
        command: with the folder, the key and options.
        log: the file that standard error goes to.
        threads: to compute with; 0 for what the machine gives.
    """

    def __init__(self, command: Sequence[str], log: Path, threads: int = 0) -> None:
        self.command, self.log, self.threads = list(command), str(log), threads

    def __call__(self) -> Ended:
        """Runs it and waits. It ends when this process does, for it watches its standard input."""
        counts = dict.fromkeys(COUNTS, str(self.threads)) if self.threads else {}
        environment = {**os.environ, **counts, VARIABLE: "1"}
        log = Path(self.log)
        with writing(log), log.open("a", encoding="utf-8") as errors:
            child = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors, env=environment
            )
        with child:
            status = child.wait()
        return status, last_line(log) if status else ""

    def checkpoint(self) -> "RemoteWorker":
        """What submitit starts instead when SLURM takes the machine away: the same again, for the folder has it all."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)  # type: ignore[return-value]


def remote_workers(
    command: Sequence[str], folder: Path, keys: Sequence[str], attempts: dict[str, int], device: str, threads: int
) -> list[RemoteWorker]:
    """Workers for these stages, which find the run's folder under the same name."""
    logs = folder.absolute() / LOGS
    logs.mkdir(exist_ok=True)
    options = ["--device", device, "--attached"]
    return [
        RemoteWorker(
            [*command, str(folder.absolute()), key, "--attempts", str(attempts[key]), *options],
            logs / f"{key[:12]}.txt",
            threads,
        )
        for key in keys
    ]


def last_line(log: Path) -> str:
    """The last line of a file that is not empty."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
