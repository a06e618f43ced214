"""Stages on a Ray cluster: an existing one by its address, or one of this machine alone. Needs the extra `[ray]`.

A Ray task carries a command line; the run's folder must be seen by all nodes under one name. Ray itself tries nothing
again: a node that dies is a lost attempt, and the schedule decides. A stage that must be alone asks for every core of
the largest node.
"""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from offbook.harness.matrix.executors.local import COMMAND
from offbook.harness.matrix.executors.remote import remote_workers
from offbook.harness.matrix.executors.schedule import End
from offbook.harness.matrix.graph import Stage

GRACE_S = 30.0


class RayPool:
    """See the module and `Pool`.

    Args:
        folder: of the run.
        address: of the cluster, "auto" for the one that this node is part of; None starts one on this machine.
        command: what runs a worker.
        device: to compute on.
        cpus: cores of a stage that need not be alone.
        gpus: GPUs of a stage; by default one where the cluster has any.

    Raises:
        ValueError: Ray is not installed, or no cluster answers.
    """

    one_by_one = False

    def __init__(
        self,
        folder: Path,
        *,
        address: str | None = None,
        command: Sequence[str] = COMMAND,
        device: str = "auto",
        cpus: int = 1,
        gpus: float | None = None,
    ) -> None:
        self._ray = _connected(address)
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        self._all_cpus = max(node.get("CPU", 0) for node in nodes)
        self._most_memory = max(node.get("memory", 0) for node in nodes)
        self._gpus = gpus if gpus is not None else float(any(node.get("GPU", 0) >= 1 for node in nodes))
        self._cpus = min(cpus, self._all_cpus)
        self._folder = folder
        self._command = command
        self._device = device
        self._keys = dict[Any, str]()  # by Ray's reference

    def admits(self, stage: Stage, running: Sequence[Stage]) -> bool:
        """See `Pool`: Ray itself keeps what does not fit waiting."""
        return True

    def start(self, stages: Sequence[Stage], attempts: dict[str, int]) -> None:
        """See `Pool`."""
        keys = [stage.key for stage in stages]
        threads = int(self._cpus)
        for stage, worker in zip(
            stages,
            remote_workers(self._command, self._folder, keys, attempts, self._device, threads),
            strict=True,
        ):
            if stage.alone:
                worker.threads = 0
            task = self._ray.remote(
                max_retries=0,
                num_cpus=self._all_cpus if stage.alone else self._cpus,
                num_gpus=self._gpus,
                memory=min(stage.expected_bytes, int(self._most_memory)) or None,
            )(_call)
            self._keys[task.remote(worker)] = stage.key

    def ended(self, timeout_s: float) -> list[End]:
        """See `Pool`."""
        if not self._keys:
            time.sleep(timeout_s)
            return []
        waiting = list(self._keys)
        first, _ = self._ray.wait(waiting, num_returns=1, timeout=timeout_s)
        ready, _ = self._ray.wait(waiting, num_returns=len(waiting), timeout=0) if first else ([], None)
        return [self._end(reference) for reference in ready]

    def stop(self) -> None:
        """See `Pool`."""
        for reference in self._keys:
            self._ray.cancel(reference, force=True)
        if self._keys:
            self._ray.wait(list(self._keys), num_returns=len(self._keys), timeout=GRACE_S)
        self._keys.clear()

    def _end(self, reference: Any) -> End:
        key = self._keys.pop(reference)
        try:
            status, reason = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            return End(key=key, status=None, reason=f"{type(error).__name__}: its worker or node is gone")
        return End(key=key, status=status, reason=reason)


def _call(worker: Any) -> Any:
    return worker()


def _connected(address: str | None) -> Any:
    try:
        import ray
    except ImportError as error:
        msg = "expected Ray for this executor, found none; pip install 'offbook[ray]'"
        raise ValueError(msg) from error
    if not ray.is_initialized():
        try:
            ray.init(
                address=address or "local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            msg = f"--ray-address {address}: expected a cluster that answers, got: {reason}; start it, or leave it out"
            raise ValueError(msg) from error
    return ray
