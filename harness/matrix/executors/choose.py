"""Where stages run, as a command line says it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from offbook.engine.progress import Progress
from offbook.harness.matrix.executors.groups import groups
from offbook.harness.matrix.executors.in_process import InProcess
from offbook.harness.matrix.executors.schedule import Pool
from offbook.harness.matrix.graph import Graph

Kind = Literal["auto", "in-process", "local", "ray", "slurm"]


@dataclass(frozen=True, kw_only=True)
class Executor:
    """See `pool`.

    Attributes:
        kind: "in-process" does one stage after the other and keeps models warm between them; "local" has a process for
            each group of cores or GPU; "ray" and "slurm" are clusters. "auto" is local where there are several groups.
        workers: local processes side by side; by default one a group.
        ray_address: of a cluster; None starts one on this machine.
        slurm: submitit's parameters, such as slurm_partition; "cluster" chooses its own "local" instead of SLURM.
    """

    kind: Kind = "auto"
    workers: int | None = None
    ray_address: str | None = None
    slurm: Mapping[str, object] = field(default_factory=dict)

    @property
    def here(self) -> bool:
        """Whether stages run on this machine, so that what they would be refused for can be found here first."""
        return self.kind in ("auto", "in-process", "local")

    def pool(self, graph: Graph, folder: Path, progress: Progress, *, device: str) -> Pool:
        """The pool that works.

        Args:
            graph: the plan.
            folder: of the run.
            progress: where it reports to.
            device: auto, cpu or cuda.

        Raises:
            ValueError: what it needs is not installed or does not answer; or options of another executor.
        """
        if self.kind != "slurm" and self.slurm:
            msg = f"--slurm: expected --executor slurm beside it, got {self.kind}; add it, or leave --slurm out"
            raise ValueError(msg)
        if self.kind != "ray" and self.ray_address is not None:
            msg = f"--ray-address: expected --executor ray beside it, got {self.kind}; add it, or leave the address out"
            raise ValueError(msg)
        if self.workers is not None and self.kind not in ("auto", "local"):
            msg = f"--workers: expected --executor local beside it, got {self.kind}; leave --workers out"
            raise ValueError(msg)
        if self.kind == "ray":
            from offbook.harness.matrix.executors.ray import RayPool

            return RayPool(folder, address=self.ray_address, device=device)
        if self.kind == "slurm":
            from offbook.harness.matrix.executors.slurm import SlurmPool

            given = dict(self.slurm)
            cluster = str(given.pop("cluster", "slurm"))
            return SlurmPool(folder, cluster=cluster, device=device, parameters=given)
        found = groups(self.workers)
        if self.kind == "in-process" or (self.kind == "auto" and len(found) == 1):
            return InProcess(graph, folder, progress, device=device)
        from offbook.harness.matrix.executors.local import Processes

        return Processes(folder, progress, device=device, slots=found)
