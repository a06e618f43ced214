"""Stage n of m, and how long the rest may take: what was expected, scaled by how the finished stages turned out.

A stage of which no record told how long it takes is reckoned like those of its kind that this run has done; where there
are none it is left out, and the line says "at least".
"""

import time
from collections import defaultdict
from collections.abc import Iterable

from offbook.engine.progress import Progress
from offbook.harness.matrix.graph import Graph, Stage

SETTLED_S = 10.0  # expected seconds that must be done before the machine's own pace counts


class Announcer:
    """Tells of the stages of a run as they begin and end.

    Args:
        graph: the plan.
        done: keys of the stages that are done already.
        progress: where it is told.
        one_by_one: whether a stage begins when another ends; it is then told when it begins, else when it ends.
    """

    def __init__(self, graph: Graph, done: Iterable[str], progress: Progress, *, one_by_one: bool) -> None:
        self._graph, self._progress, self._one_by_one = graph, progress, one_by_one
        self._left = {stage.key: stage for stage in graph.stages}
        for key in done:
            self._left.pop(key, None)
        self._begun = dict[str, float]()
        self._took = defaultdict[str, list[float]](list)
        self._expected_s = self._took_s = 0.0  # of the finished stages of which something was expected
        self._start = time.monotonic()
        if there := len(graph) - len(self._left):
            progress.say(f"{there} of {len(graph)} stages were done before")

    def begins(self, stage: Stage) -> None:
        """A stage begins."""
        self._begun[stage.key] = time.monotonic()
        if self._one_by_one:
            number = len(self._graph) - len(self._left) + 1
            self._progress.say(f"[{number}/{len(self._graph)}] {stage.title}{self._time()}")

    def ends(self, stage: Stage) -> None:
        """A stage is done, whoever did it."""
        self._left.pop(stage.key, None)
        began = self._begun.pop(stage.key, None)
        if began is not None:
            took_s = time.monotonic() - began
            self._took[stage.kind].append(took_s)
            if stage.expected_s:
                self._expected_s += stage.expected_s
                self._took_s += took_s
        if not self._one_by_one:
            number = len(self._graph) - len(self._left)
            self._progress.say(f"[{number}/{len(self._graph)}] {stage.title} done{self._time()}")

    def returns(self, stage: Stage) -> None:
        """A stage that was done is to be made again."""
        self._left[stage.key] = stage

    def _time(self) -> str:
        """How long the rest may take, in brackets; "" where nothing is known of it."""
        known, unknown = 0.0, 0
        took_s = sum(map(sum, self._took.values()))
        at_once = (time.monotonic() - self._start) / took_s if took_s else 1.0  # below 1 where several run
        pace = self._took_s / self._expected_s if self._expected_s > SETTLED_S else 1.0
        for stage in self._left.values():
            seen = self._took[stage.kind]
            if stage.expected_s:
                known += stage.expected_s * pace * at_once
            elif seen:
                known += sum(seen) / len(seen) * at_once
            else:
                unknown += 1
        if not self._left or unknown == len(self._left):
            return ""
        least = "at least " if unknown else "about "
        return " (less than a minute left)" if known < 60 and not unknown else f" ({least}{known / 60:.0f} min left)"
