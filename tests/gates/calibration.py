"""Runs of the time gates with one tree on both sides, kept in an append-only file, and what resampling them tells.

A resampled run is one of the real ones, with its two sides swapped by lot, and as many clusters as the gates measure
drawn from its own with replacement: so whatever the two sides of one run differ in for good stays in it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offbook.harness.statistics.intervals import student_quantile, wilson
from tests.gates.paired_run import CLUSTERS
from tests.gates.paired_times import CLOCKS, LEVEL, MARGIN, slower

WANTED = 200  # real runs
DRAWS = 20_000
QUIET = 1.5  # of two cores, the run's own one included
PLANTED = 1.05

Run = Mapping[str, Any]


def load(run: Run) -> float:
    """The larger of the loads before and after it."""
    return float(max(run["load"]))


def resampled(
    runs: Sequence[Run], *, ratio: float = 1.0, draws: int = DRAWS, clusters: int = CLUSTERS
) -> dict[str, float]:
    """How often each gate fails, and `any` of them, where this tree takes `ratio` times as long.

    Args:
        runs: real ones, of any number of clusters.
        ratio: that is planted.
        draws: resampled runs.
        clusters: of each.
    """
    rng = np.random.default_rng(0)
    share = np.bincount(rng.integers(len(runs), size=draws), minlength=len(runs))
    gates = [*runs[0]["log_ratios"]]
    failed: dict[str, list[NDArray[np.bool_]]] = {gate: [] for gate in gates}
    for run, times in zip(runs, share, strict=True):
        sign = rng.choice([-1.0, 1.0], size=(times, 1))
        for gate in gates:
            logs = np.array([run["log_ratios"][gate][clock] for clock in CLOCKS])
            drawn = rng.integers(logs.shape[1], size=(times, clusters))
            bounds = [lower_bounds(sign * column[drawn] + np.log(ratio)) for column in logs]
            failed[gate].append(np.max(bounds, axis=0) > np.log(MARGIN))
    found = {gate: np.concatenate(parts) for gate, parts in failed.items()}
    return {gate: float(share.mean()) for gate, share in (found | {"any": np.any([*found.values()], axis=0)}).items()}


def lower_bounds(logs_DC: NDArray[np.float64]) -> NDArray[np.float64]:
    """The lower bound of `paired_times.compare`, in logs, of many runs at once."""
    n = logs_DC.shape[1]
    errors_D = logs_DC.std(axis=1, ddof=1) / np.sqrt(n)
    bounds: NDArray[np.float64] = logs_DC.mean(axis=1) - student_quantile(0.5 + LEVEL / 2, n - 1) * errors_D
    return bounds


def report(runs: Sequence[Run]) -> str:
    """results/gates.md."""
    same = [run for run in runs if run["slowdown"] == 1]
    planted = [run for run in runs if run["slowdown"] != 1]
    lines = [
        "# Time gates: false alarms, and what is found",
        "",
        f"Written by `nox -s calibrate` from `results/gates_aa.jsonl`: {len(same)} real runs of the {WANTED} wanted "
        f"with the same tree on both sides, of {_clusters(same)} clusters each. A gate fails where the lower bound of "
        f"its 99 % interval, of the processor's time or of the clock's, is above {MARGIN}. Resampled: {DRAWS:,} runs, "
        f"each a real one with its sides swapped by lot and {CLUSTERS} clusters, as many as the gates measure, drawn "
        "from its own with replacement.",
        "",
        "| runs | real | failed as they are | false alarms, resampled | 5 % planted into these, found, resampled |",
        "|---|---|---|---|---|",
    ]
    for title, chosen in (("all", same), (f"load below {QUIET}", [run for run in same if load(run) < QUIET])):
        lines += _lines(title, chosen)
    lines += ["", "## A true slowdown", "", "This tree's worker does so much busy work more.", ""]
    lines += ["| slowdown | load | found by |", "|---|---|---|"]
    for run in planted:
        by = [gate for gate, logs in run["log_ratios"].items() if slower(logs)]
        lines.append(f"| {run['slowdown']} | {load(run):.1f} | {len(by)} of {len(run['log_ratios'])} gates |")
    lines += ["", "## Machines", ""]
    machines = dict.fromkeys(run["machine"] for run in runs)
    for machine in machines:
        of = [run for run in runs if run["machine"] == machine]
        loads, seconds = [load(run) for run in of], [run["seconds"] for run in of]
        lines.append(
            f"- {machine}: {len(of)} runs of {min(seconds):.0f} to {max(seconds):.0f} s, load {min(loads):.1f} to "
            f"{max(loads):.1f}, commits {', '.join(dict.fromkeys(run['commit'][:12] for run in of))}"
        )
    return "\n".join(lines) + "\n"


def _clusters(runs: Sequence[Run]) -> str:
    found = {len(logs) for run in runs for clocks in run["log_ratios"].values() for logs in clocks.values()}
    return " or ".join(map(str, sorted(found)))


def _lines(title: str, runs: Sequence[Run]) -> list[str]:
    if not runs:
        return [f"| {title} | 0 | nothing measured | nothing measured | nothing measured |"]
    alarms = sum(any(slower(logs) for logs in run["log_ratios"].values()) for run in runs)
    most = wilson(alarms, len(runs)).high
    false, found = resampled(runs), resampled(runs, ratio=PLANTED)
    lines = [
        f"| {title}, any gate | {len(runs)} | {alarms} (below {most:.1%} with 95 % confidence) | {false['any']:.2%} | "
        f"{found['any']:.1%} |"
    ]
    for gate in runs[0]["log_ratios"]:
        failed = sum(slower(run["log_ratios"][gate]) for run in runs)
        lines.append(f"| {title}, `{gate}` | {len(runs)} | {failed} | {false[gate]:.2%} | {found[gate]:.1%} |")
    return lines
