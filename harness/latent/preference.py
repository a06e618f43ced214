"""Which perspectives a method weighed over training, from the log in a student's `distillation.json`.

A method that weighs them (MIND) writes into every step's entry the mean weight of each perspective over the step's
questions (`alpha/...`), how many were kept, entropy and jitter of the weights, and the rank correlation of scores and
negative losses.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from offbook.engine.students.record import RECORD

ALPHA = "alpha/"
OTHERS = ("kept", "entropy", "jitter", "spearman")
BINS = 20

Row = dict[str, float]


def read_preference(folder: Path) -> list[Row] | None:
    """The log's entries with these numbers alone, in order; None where no perspectives were weighed.

    Raises:
        ValueError: a training record that cannot be read.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        log = json.loads(path.read_text(encoding="utf-8"))["log"]
        rows = [{name: float(v) for name, v in entry.items() if _wanted(name)} for entry in log]
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
        msg = f"{path}: expected a training record, got {type(error).__name__}; train the student again"
        raise ValueError(msg) from error
    return rows if rows and any(name.startswith(ALPHA) for name in rows[0]) else None


def binned(log: Sequence[Mapping[str, float]], bins: int = BINS) -> list[Row]:
    """Means over equal shares of the steps, at most `bins`; `steps` says over how many, `gradient_tokens` is the last.

    The weights of a row add up to 1, as those of every step do.
    """
    bins = min(bins, len(log))
    edges = [i * len(log) // bins for i in range(bins + 1)]
    return [_mean(log[start:end]) for start, end in itertools.pairwise(edges)]


def _mean(log: Sequence[Mapping[str, float]]) -> Row:
    means = {name: sum(entry[name] for entry in log) / len(log) for name in log[0]}
    return {**means, "gradient_tokens": log[-1]["gradient_tokens"], "steps": float(len(log))}


def _wanted(name: str) -> bool:
    return name.startswith(ALPHA) or name in OTHERS or name == "gradient_tokens"
