"""Stages on SLURM, through submitit: one array for all that can start together. Needs the extra `[slurm]`.

A job carries a command line; the run's folder must lie on a file system that all nodes share. What submitit writes for
itself (logs, pickles of the command lines) stands in the folder's `slurm/`. A job that is preempted, or out of time, is
queued again by submitit and goes on from what its stage has kept.
"""

import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from offbook.harness.matrix.executors.local import COMMAND
from offbook.harness.matrix.executors.remote import remote_workers
from offbook.harness.matrix.executors.schedule import End
from offbook.harness.matrix.graph import Stage

POLL_S = 1.0  # between two looks at jobs; SLURM itself is asked less often


class SlurmPool:
    """See the module and `Pool`.

    Args:
        folder: of the run.
        cluster: "slurm"; "local" and "debug" are submitit's own, for machines without it.
        command: what runs a worker.
        device: to compute on.
        cpus: cores of a job.
        timeout_min: a job's time.
        parameters: submitit's, by its names, such as slurm_partition, slurm_account or slurm_array_parallelism.

    Raises:
        ValueError: submitit or SLURM is not there, or a parameter is none.
    """

    one_by_one = False

    def __init__(
        self,
        folder: Path,
        *,
        cluster: str = "slurm",
        command: Sequence[str] = COMMAND,
        device: str = "auto",
        cpus: int = 4,
        timeout_min: int = 240,
        parameters: Mapping[str, object] | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        self._jobs = dict[str, Any]()
        self._folder = folder
        self._command = command
        self._device = device
        self._cpus = cpus
        self._poll_s = poll_s
        self._cluster = cluster
        self._parameters = {"name": "offbook", "cpus_per_task": cpus, "timeout_min": timeout_min, **(parameters or {})}
        self._executor({})

    def admits(self, stage: Stage, running: Sequence[Stage]) -> bool:
        """See `Pool`: SLURM itself keeps what does not fit waiting; this machine keeps heats alone."""
        return self._cluster == "slurm" or not running or not any(one.alone for one in (stage, *running))

    def start(self, stages: Sequence[Stage], attempts: dict[str, int]) -> None:
        """See `Pool`."""
        for alone, group in groupby(sorted(stages, key=lambda stage: stage.alone), key=lambda stage: stage.alone):
            members = list(group)
            most = max(stage.expected_bytes for stage in members)
            changes: dict[str, object] = {"slurm_exclusive": True} if alone else {}
            if most and "mem_gb" not in self._parameters:
                changes["mem_gb"] = most / 2**30
            executor = self._executor(changes)
            keys = [stage.key for stage in members]
            workers = remote_workers(
                self._command, self._folder, keys, attempts, self._device, 0 if alone else self._cpus
            )
            with executor.batch():
                jobs = [executor.submit(worker) for worker in workers]
            self._jobs.update(zip(keys, jobs, strict=True))

    def ended(self, timeout_s: float) -> list[End]:
        """See `Pool`."""
        until = time.monotonic() + timeout_s
        while True:
            ready = [key for key, job in self._jobs.items() if job.done()]
            if ready or (left := until - time.monotonic()) <= 0:
                return [self._end(key) for key in ready]
            time.sleep(min(self._poll_s, left))

    def stop(self) -> None:
        """See `Pool`."""
        for job in self._jobs.values():
            job.cancel(check=False)
        self._jobs.clear()

    def _end(self, key: str) -> End:
        job = self._jobs.pop(key)
        error = job.exception()
        if error is not None:  # whatever it was, the stage did not come to an end there
            last = (str(error).strip().splitlines() or [""])[-1]
            return End(key=key, status=None, reason=f"job {job.job_id}: {type(error).__name__}: {last}")
        status, reason = job.result()
        return End(key=key, status=status, reason=reason)

    def _executor(self, changes: Mapping[str, object]) -> Any:
        """One for jobs that are alike: what a parameter was set to once stays in a submitit executor."""
        executor = _executor(self._folder.absolute() / "slurm", self._cluster)
        try:
            executor.update_parameters(**{**self._parameters, **changes})
        except (NameError, TypeError, ValueError) as error:
            msg = f"expected parameters of submitit, got: {' '.join(str(error).split())}; see its documentation"
            raise ValueError(msg) from error
        return executor


def _executor(folder: Path, cluster: str) -> Any:
    try:
        import submitit
    except ImportError as error:
        msg = "expected submitit for this executor, found none; pip install 'offbook[slurm]'"
        raise ValueError(msg) from error
    try:
        return submitit.AutoExecutor(folder=folder, cluster=cluster)
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        msg = f"expected SLURM on this machine, got: {reason}; run it where jobs are submitted from"
        raise ValueError(msg) from error
