"""What the stages of a plan will take, from what earlier ones took: in this folder, or in the committed results.

Heats, exams and trainings of students are told by the tables, answers and drafters by what was spent on others of their
kind. Nothing is guessed: where no record tells, nothing is said. Times are of the machine that the records come from.
A table that somebody edited or damaged stops no run: a row without what a table has tells nothing.
"""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from offbook.harness.matrix.graph import Graph, Stage
from offbook.harness.matrix.units import measure
from offbook.harness.records.spent import read

Row = Mapping[str, str]
MIB = 2**20
TABLES = {  # what a row must say, in words and in numbers above 0
    "leaderboard.csv": (("model", "decoder", "suite"), ("tokens_per_s",)),
    "students.csv": (("model", "student", "method", "suite", "exam"), ("n_items", "n_suites")),
}
NUMBERS = ("n_docs", "prefill_s", "decode_s", "peak_mib", "exam_s", "train_s", "gradient_tokens")
COMMITTED = Path(__file__).resolve().parents[2] / "results"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds and bytes at the peak (None: not known), and what was measured, for people."""

    seconds: float | None = None
    peak_bytes: int | None = None
    measured: str = ""


class Estimates:
    """Rates of the first folder that has tables.

    Args:
        folders: where leaderboard.csv, students.csv and spent.jsonl may lie.
    """

    def __init__(self, *folders: Path) -> None:
        self._cells = _first(folders, "leaderboard.csv")
        self._exams = _first(folders, "students.csv")
        self._spent = [spent for folder in folders for spent in read(folder) if spent.units]

    def on(self, graph: Graph) -> Graph:
        """A plan with what is expected of its stages."""
        found = [(stage, self.of(stage)) for stage in graph.stages]
        return Graph(
            stages=tuple(
                replace(stage, expected_s=estimate.seconds or 0.0, expected_bytes=estimate.peak_bytes or 0)
                for stage, estimate in found
            )
        )

    def of(self, stage: Stage) -> Estimate:
        """See `Estimate`."""
        if stage.kind == "heat":
            return self._heat(stage.spec)
        if stage.kind == "exam":
            return self._exam(stage.spec)
        trained = stage.kind == "student" and stage.spec.get("interpolation") is None
        return self._unit(stage) or (self._student(stage.spec) if trained else Estimate())

    def _unit(self, stage: Stage) -> Estimate | None:
        """Seconds a unit of what was spent on stages that are alike; those of this folder first."""
        name, units = measure(stage)
        alike = [spent for spent in self._spent if (spent.kind, spent.name) == (stage.kind, name)]
        if not (alike and units):
            return None
        each = sum(spent.wall_s for spent in alike) / sum(spent.units for spent in alike)
        return Estimate(seconds=units * each, measured=f"measured: {each:.3g} s a unit in {len(alike)} stages")

    def _heat(self, spec: Any) -> Estimate:
        """Every arm's seconds a document on this suite, or tokens a second on others up to the cap."""
        seconds, rows = 0.0, list[Row]()
        for arm in spec["arms"]:
            known = [row for row in self._cells if row["decoder"] == arm["decoder"] and _same_model(row, spec)]
            here = [row for row in known if row["suite"] == spec["suite"]["name"] and _number(row, "n_docs")]
            documents = spec["limit"] or (here and _number(here[0], "n_docs"))
            if not (known and documents):
                return Estimate()
            if here:
                each = [(_number(r, "prefill_s") + _number(r, "decode_s")) / _number(r, "n_docs") for r in here]
                seconds += documents * sum(each) / len(each)
            elif spec["max_new_tokens"]:
                seconds += documents * spec["max_new_tokens"] / _mean(known, "tokens_per_s")
            else:
                return Estimate()
            rows += here or known
        speed = f"measured: {_mean(rows, 'tokens_per_s'):.1f} tok/s in {len(rows)} records"
        return Estimate(seconds=seconds, peak_bytes=_peak(rows), measured=speed)

    def _exam(self, spec: Any) -> Estimate:
        """By answers a second; an exam's rows, one a group of suites, all tell the seconds of the whole of it.

        Where no earlier exam had as many suites, each is taken to have as many documents as theirs have on average.
        """
        exams = defaultdict[tuple[str, str, str], list[Row]](list)
        for row in self._exams:
            if _same_model(row, spec) and row["suite"] == "all" and _number(row, "exam_s"):
                exams[row["exam"], row["student"], row["layout"]].append(row)
        known = [(_number(rows[0], "exam_s"), sum(_number(row, "n_items") for row in rows)) for rows in exams.values()]
        alike = [
            rows for rows in exams.values() if sum(_number(row, "n_suites") for row in rows) == len(spec["suites"])
        ]
        whole = max((sum(_number(row, "n_items") for row in rows) for rows in alike), default=0.0)
        every = [row for rows in exams.values() for row in rows]
        items, suites = (sum(_number(row, name) for row in every) for name in ("n_items", "n_suites"))
        if not (known and items and suites):
            return Estimate()
        limits = [suite.get("limit") or spec["limit"] for suite in spec["suites"]]
        documents = sum(limits) if all(limits) else whole or items / suites * len(spec["suites"])
        each = sum(seconds for seconds, _ in known) / sum(items for _, items in known)
        return Estimate(
            seconds=documents * each,
            peak_bytes=_peak(every),
            measured=f"measured: {1 / each:.1f} answers a second in {len(known)} exams",
        )

    def _student(self, spec: Any) -> Estimate:
        rows = [
            row
            for row in self._exams
            if row["method"] == spec["method"] and _is_trained(row) and _same(row, spec["base"])
        ]
        if not rows:
            return Estimate()
        speed = sum(_number(row, "gradient_tokens") / _number(row, "train_s") for row in rows) / len(rows)
        return Estimate(
            seconds=spec["training"]["gradient_tokens"] / speed,
            peak_bytes=_peak(rows),
            measured=f"measured: {speed:.0f} gradient tokens a second in {len(rows)} records",
        )


def told(stage: Stage, estimate: Estimate, *, done: bool) -> str:
    """One line of a dry run."""
    minutes = "n/a" if estimate.seconds is None else f"{estimate.seconds / 60:.1f} min"
    memory = "n/a" if estimate.peak_bytes is None else f"{estimate.peak_bytes / MIB:.0f} MiB"
    rest = "there already" if done else f"{minutes}, {memory}{f' ({estimate.measured})' if estimate.measured else ''}"
    return f"{stage.key[:12]}  {stage.kind:8} {stage.title}: {rest}"


def told_rest(left: Sequence[Estimate]) -> str:
    """What the stages that are left may take together, one after the other, and of how many nobody knows it."""
    known = [estimate.seconds for estimate in left if estimate.seconds is not None]
    if not known:
        return "; of the others nobody knows" if left else ""
    unknown = f", {len(left) - len(known)} of them n/a and not in it" if len(known) < len(left) else ""
    return f"; the others may take {sum(known) / 3600:.1f} hours{unknown}"


def _first(folders: Sequence[Path], name: str) -> list[Row]:
    for folder in folders:
        if (folder / name).is_file():
            text = (folder / name).read_text(encoding="utf-8", errors="replace")
            try:
                return [row for row in csv.DictReader(io.StringIO(text)) if _is_row(row, *TABLES[name])]
            except csv.Error:
                return []
    return []


def _is_row(row: Row, words: Sequence[str], numbers: Sequence[str]) -> bool:
    try:
        known = [_number(row, name) for name in (*numbers, *NUMBERS)]
    except ValueError:
        return False
    return (
        all(math.isfinite(number) and number >= 0 for number in known)
        and all(known[: len(numbers)])
        and all(isinstance(row.get(name), str) for name in words)
    )


def _same_model(row: Row, spec: Any) -> bool:
    return _same(row, spec["model"]["name"])


def _same(row: Row, model: str) -> bool:
    return row["model"] in (model, Path(model).name)


def _is_trained(row: Row) -> bool:
    return _number(row, "train_s") > 0 and _number(row, "gradient_tokens") > 0


def _number(row: Row, name: str) -> float:
    return float(row.get(name) or 0)


def _mean(rows: Sequence[Row], name: str) -> float:
    return sum(_number(row, name) for row in rows) / len(rows)


def _peak(rows: Sequence[Row]) -> int | None:
    return int(max((_number(row, "peak_mib") for row in rows), default=0) * MIB) or None
