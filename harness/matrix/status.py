"""How far a run is: every stage of the plan is done, failed or pending, who does which, and how long the rest takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from offbook.engine.counted import counted
from offbook.harness.matrix.claims import Claim, holders
from offbook.harness.matrix.failures import Failure, damaged, failures
from offbook.harness.matrix.graph import KINDS, Graph, Stage
from offbook.harness.matrix.pace import Pace, pace
from offbook.harness.matrix.state import done
from offbook.harness.tables.progress import Count, total


@dataclass(frozen=True, kw_only=True)
class Status:
    """See the module.

    Attributes:
        kinds: counts of every kind that the plan has.
        held: stages under way, and who does them.
        failed: stages that failed, with their last failure and how many there were.
        blocked: pending stages behind one that failed.
        damaged: notes of failures that cannot be read.
        pace: how fast it goes, how long the rest takes, and how to go on.
    """

    kinds: dict[str, Count]
    held: list[tuple[Stage, Claim]]
    failed: list[tuple[Stage, Failure, int]]
    blocked: int
    damaged: list[str]
    pace: Pace

    @property
    def total(self) -> Count:
        """Over all kinds."""
        return total(self.kinds.values())

    def lines(self) -> list[str]:
        """For people."""
        rows = [*self.kinds.items(), ("all", self.total)]
        found = [
            f"{kind:9}{count.done:>7} done{count.failed:>7} failed{count.pending:>7} pending = {count.expected}"
            for kind, count in rows
        ]
        found += [f"{each.stage.key[:12]} {each.stage.title}: {each.told()}" for each in self.pace.running]
        found += [
            f"{stage.key[:12]} {stage.title}: failed {counted(times, 'time')}, the last with {failure.error}: "
            f"{failure.reason}"
            for stage, failure, times in self.failed
        ]
        if self.blocked:
            found.append(f"{self.blocked} pending stages wait for one that failed")
        return found + self.damaged + self.pace.lines()


def status(folder: Path) -> Status:
    """Reads a run's folder.

    Raises:
        ValueError: it has no plan, or something in it cannot be read.
    """
    graph = Graph.read(folder)
    finished, attempts, claims = done(graph, folder), failures(folder), holders(folder)
    lost = {stage.key for stage in graph.stages if stage.key not in finished and stage.key in attempts}
    held = [stage for stage in graph.stages if stage.key in claims and stage.key not in finished]
    behind = set(lost)
    for stage in graph.stages:
        if stage.key not in finished and behind.intersection(stage.needs):
            behind.add(stage.key)
    return Status(
        kinds=counts(graph, finished, attempts),
        held=[(stage, claims[stage.key]) for stage in held],
        failed=[(graph.stage(key), attempts[key][-1], len(attempts[key])) for key in sorted(lost)],
        blocked=len(behind - lost),
        damaged=damaged(folder),
        pace=pace(graph, folder, finished, claims, lost),
    )


def counts(graph: Graph, finished: set[str], attempts: Mapping[str, list[Failure]]) -> dict[str, Count]:
    """The stages of every kind that the plan has."""
    kinds = dict[str, Count]()
    for kind in KINDS:
        keys = {stage.key for stage in graph.of_kind(kind)}
        if keys:
            lost = (keys - finished) & attempts.keys()
            kinds[kind] = Count(expected=len(keys), done=len(keys & finished), failed=len(lost))
    return kinds
