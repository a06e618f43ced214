"""What contenders took, by the committed results: parameters and training of drafters, time and tokens of students.

Read from leaderboard.csv, students.csv and spent.jsonl of the checkout; an installed wheel has none, and then nothing
is told. Times are of the machines that the records come from. A table that somebody edited or damaged tells nothing.
"""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import JsonValue

from offbook.engine.counted import counted
from offbook.harness.matrix.estimates import COMMITTED
from offbook.harness.records.spent import read as read_spent
from offbook.harness.tables.markdown import count

Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class DrafterCost:
    """Least and most over the rows of a decoder; 0 where nobody knows.

    Attributes:
        parameters: of its drafter.
        training_flops: of its training.
        train_s: seconds of a training, without the target's answers.
        rows: of leaderboard.csv.
    """

    parameters: tuple[float, float]
    training_flops: tuple[float, float]
    train_s: tuple[float, float] = (0.0, 0.0)
    rows: int

    def told(self) -> str:
        """For people."""
        told = [f"{_range(self.parameters, count)} parameters"]
        if self.training_flops[1]:
            told.append(f"trained in {_range(self.training_flops, _power)} FLOPs")
        if self.train_s[1]:
            told.append(f"{_minutes(self.train_s)} min of training")
        return f"{', '.join(told)} (by {counted(self.rows, 'row')} of the results)"


@dataclass(frozen=True, kw_only=True)
class StudentCost:
    """Least and most over the trainings of a method.

    Attributes:
        train_s: seconds of a training, averaged over its seeds.
        gradient_tokens: of a training, likewise.
        rows: trainings in students.csv.
    """

    train_s: tuple[float, float]
    gradient_tokens: tuple[float, float]
    rows: int

    def told(self) -> str:
        """For people."""
        tokens = _range(self.gradient_tokens, count)
        minutes, rows = _minutes(self.train_s), counted(self.rows, "row")
        return f"{minutes} min of training on {tokens} gradient tokens (by {rows} of the results)"


def as_json(cost: DrafterCost | StudentCost) -> dict[str, JsonValue]:
    """A cost for programs."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(cost).items()}


def drafter_costs(folder: Path = COMMITTED) -> dict[str, DrafterCost]:
    """By decoder."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in _rows(folder / "leaderboard.csv"):
        if _number(row, "drafter_parameters") > 0 and row.get("decoder"):
            found[row["decoder"]].append(row)
    took = _drafter_trainings(folder)
    return {
        name: DrafterCost(
            parameters=_ends(rows, "drafter_parameters"),
            training_flops=_ends(rows, "drafter_training_flops"),
            train_s=(min(took[name]), max(took[name])) if name in took else (0.0, 0.0),
            rows=len(rows),
        )
        for name, rows in found.items()
    }


def student_costs(folder: Path = COMMITTED) -> dict[str, StudentCost]:
    """By method; the rows of one training, one a group of suites, count once."""
    found: dict[str, dict[tuple[str, str], Row]] = defaultdict(dict)
    for row in _rows(folder / "students.csv"):
        if _number(row, "train_s") > 0 and _number(row, "gradient_tokens") > 0 and row.get("method"):
            found[row["method"]][row["train_s"], row["gradient_tokens"]] = row
    return {
        name: StudentCost(
            train_s=_ends(trainings.values(), "train_s"),
            gradient_tokens=_ends(trainings.values(), "gradient_tokens"),
            rows=len(trainings),
        )
        for name, trainings in found.items()
    }


def _drafter_trainings(folder: Path) -> dict[str, list[float]]:
    """Seconds of each training of a drafter that a run noted, by decoder; see `matrix.units.measure` for its name."""
    found: dict[str, list[float]] = defaultdict(list)
    try:
        noted = read_spent(folder)
    except OSError:
        return found
    for spent in noted:
        if spent.kind == "drafter" and 0 < spent.wall_s < math.inf:
            found[str(spent.name).partition(" for ")[0]].append(spent.wall_s)
    return found


def _rows(path: Path) -> Iterator[Row]:
    if path.is_file():
        try:
            yield from csv.DictReader(io.StringIO(path.read_text(encoding="utf-8", errors="replace")))
        except (OSError, csv.Error):
            return


def _ends(rows: Iterable[Row], name: str) -> tuple[float, float]:
    known: Sequence[float] = [value for row in rows if (value := _number(row, name)) > 0]
    return (min(known), max(known)) if known else (0.0, 0.0)


def _number(row: Row, name: str) -> float:
    try:
        value = float(row.get(name) or 0)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0


def _range(ends: tuple[float, float], written: Callable[[float], str]) -> str:
    least, most = map(written, ends)
    return least if least == most else f"{least} to {most}"


def _minutes(seconds: tuple[float, float]) -> str:
    return _range((seconds[0] / 60, seconds[1] / 60), lambda value: f"{value:.0f}")


def _power(value: float) -> str:
    return f"{value:.1e}".replace("e+", "e")
