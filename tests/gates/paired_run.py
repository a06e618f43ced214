"""One run of the time gates: this tree against another, by `conductor.py` in a process of its own."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.gates.base_revision import ROOT
from tests.gates.paired_times import CLOCKS, cluster_ratios

NAMES = Path(__file__).with_name("time_gates.json")
CLUSTERS, QUADS = 44, 12  # 100 seconds; with 24 clusters one gate alone misses 5 % one time in ten
LIBRARIES = (
    "accelerate",
    "peft",
    "pydantic",
    "safetensors.torch",
    "scipy.stats",
    "torch",
    "transformers.cache_utils",
    "transformers.models.llama.modeling_llama",
)
CLEAN = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
}


@dataclass(frozen=True, kw_only=True)
class PairedRun:
    """What was measured.

    Attributes:
        log_ratios: of each gate by clock a number a cluster.
        seconds: of each gate, by the processor: every block of this tree.
        sizes: of the workloads of both trees.
    """

    log_ratios: Mapping[str, Mapping[str, Sequence[float]]]
    seconds: Mapping[str, Sequence[float]]
    sizes: tuple[Mapping[str, Any], Mapping[str, Any]]


def listed() -> list[str]:
    """The names of the time gates, as committed."""
    return list(_written_down()["gates"])


def complaints_about(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """A line for each workload that is not as time_gates.json says.

    A gate that was renamed, resized or dropped would compare with nothing, and find nothing from then on. So whoever
    means it writes it down: under `without_baseline` a gate with the sizes that the base revision has of it, null for
    none, and under `gone` one that only the base revision has. Either says nothing any more once the base is another.

    Args:
        ours: sizes of the workloads of this tree.
        theirs: of the base revision's; empty where it has none at all, and so no baseline for anything.
    """
    written = _written_down()
    found = [
        f"{name}: a workload that time_gates.json does not list; write it there"
        for name in ours
        if name not in written["gates"]
    ]
    found += [
        f"{name}: the base revision times it and this tree does not; where that is meant, write it under gone"
        for name in theirs
        if name not in ours and name not in written["gone"]
    ]
    for name in ours if theirs else ():
        entry = {name: theirs.get(name)}
        if (reason := why_not(name, ours, theirs)) and not entry.items() <= written["without_baseline"].items():
            found.append(
                f"{name}: without a baseline, for {reason}; where that is meant, write {json.dumps(entry)} under "
                "without_baseline"
            )
    return found


def why_not(name: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str | None:
    """Why a gate of this tree cannot be compared with the other's; None where it can."""
    if name not in theirs:
        return "the base revision has no such gate"
    if ours[name] != theirs[name]:
        return f"the base revision's is of other sizes, {theirs[name]}; here they are {ours[name]}"
    return None


def _written_down() -> dict[str, Any]:
    return dict(json.loads(NAMES.read_text(encoding="utf-8")))


def run(
    other: Path,
    names: Sequence[str],
    *,
    clusters: int = CLUSTERS,
    quads: int = QUADS,
    slowdown: float = 1.0,
    root: Path = ROOT,
    libraries: Sequence[str] = LIBRARIES,
) -> PairedRun:
    """Compares the tree at `root` with another.

    Args:
        other: the other tree.
        names: what to run, as far as both trees have it.
        clusters: pairs of workers.
        quads: of each workload in a cluster.
        slowdown: of this tree, by busy work.
        root: this tree.
        libraries: imported once, before anything is forked; whatever else a tree needs it imports in every worker.

    Raises:
        RuntimeError: a worker failed, or the trees did unequal work.
    """
    asked = {"trees": [str(root), str(other)], "names": list(names), "clusters": clusters, "quads": quads}
    asked |= {"libraries": list(libraries), "slowdown": slowdown, "seed": random.SystemRandom().getrandbits(32)}
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHASHSEED")}
    done = subprocess.run(
        [sys.executable, "-P", str(Path(__file__).with_name("conductor.py"))],
        input=json.dumps(asked) + "\n",
        capture_output=True,
        text=True,
        env={**environment, **CLEAN},
        check=False,
    )
    if done.returncode:
        msg = f"the conductor of the time gates failed:\n{done.stderr[-5000:]}"
        raise RuntimeError(msg)
    found = json.loads(done.stdout)
    measured = [name for name in names if name in found["clusters"][0]]
    ratios = {name: [cluster_ratios(cluster[name]) for cluster in found["clusters"]] for name in measured}
    return PairedRun(
        log_ratios={n: {clock: [one[clock] for one in ratios[n]] for clock in CLOCKS} for n in measured},
        seconds={n: [b[1] for cluster in found["clusters"] for b in cluster[n] if b[0] == 0] for n in measured},
        sizes=(found["sizes"][0], found["sizes"][1]),
    )
