"""Which settings of training to take: the best on development questions, of equals the one that unlearned least.

A pure function of a grid: one row a trained student, with its settings, the development score of the weights that were
kept, and their retention (the share of development questions of other kinds that they answer). Equal are settings whose
score is within one standard error of the best, over the questions: sqrt(p (1 - p) / n).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from offbook.harness.tables.markdown import escape, markdown_table, number

SETTINGS = (
    "learning_rate",
    "lora_rank",
    "replay",
    "averaging",
    "token_weight",
    "questions_per_step",
    "gradient_tokens",
)
RESULTS = ("steps", "replayed_tokens", "score", "questions", "retention", "retention_questions", "train_s")
FIELDS = ("student", "method", "options", *SETTINGS, "seed", *RESULTS, "key")


@dataclass(frozen=True, kw_only=True)
class Tried:
    """Settings that were tried, over their seeds.

    Attributes:
        name: of the student.
        method: of the roster.
        settings: `SETTINGS` of training, as text.
        seeds: how many were trained.
        score: development score of the kept weights.
        questions: behind a score.
        retention: share of development questions of other kinds; nan where none were asked.
        steps: of the optimiser.
    """

    name: str
    method: str
    settings: Mapping[str, str]
    seeds: int
    score: float
    questions: int
    retention: float
    steps: float

    @property
    def standard_error(self) -> float:
        """Of the score, over the questions, which all seeds share."""
        return math.sqrt(self.score * (1 - self.score) / self.questions)


def tried(grid: pd.DataFrame) -> list[Tried]:
    """Every setting of every method in a grid, the best first.

    Raises:
        ValueError: a grid without one of `FIELDS`.
    """
    if missing := [name for name in FIELDS if name not in grid.columns]:
        msg = f"expected the column {missing[0]!r} of a recipe's grid, found none; make it of its run again"
        raise ValueError(msg)
    alike = ["student", "method", "options", *SETTINGS]
    found = [_over_seeds(rows) for _, rows in grid.groupby(alike, sort=False, dropna=False)]
    return sorted(found, key=lambda t: (-t.score, -_known(t.retention), t.name))


def chosen(settings: Sequence[Tried]) -> Tried:
    """See the module.

    Raises:
        ValueError: there are none, or not all were asked as many questions.
    """
    if not settings:
        msg = "expected students of this method with development scores, got none; run the profile recipe first"
        raise ValueError(msg)
    counts = {t.questions for t in settings}
    if len(counts) > 1:
        msg = f"expected development scores over one set of questions, got {sorted(counts)} of them; compare one matrix"
        raise ValueError(msg)
    best = max(settings, key=lambda t: t.score)
    equals = [t for t in settings if t.score >= best.score - best.standard_error]
    return max(equals, key=lambda t: (_known(t.retention), t.score))


def tries(settings: Sequence[Tried]) -> dict[str, int]:
    """How many settings of each method were tried; a matrix says it as `tries` of the students that take the choice."""
    return dict(sorted(Counter(one.method for one in settings).items()))


def told(settings: Sequence[Tried], method: str) -> str:
    """The settings of a method as a table, the choice among them, and the tries of all methods.

    Raises:
        ValueError: see `chosen`.
    """
    own = [t for t in settings if t.method == method]
    choice = chosen(own)
    varied = [name for name in SETTINGS if len({t.settings[name] for t in own}) > 1]
    table = markdown_table(
        {
            "Student": [escape(t.name) for t in own],
            **{name: [t.settings[name] for t in own] for name in varied},
            "Seeds": [str(t.seeds) for t in own],
            "Steps": [number(t.steps, 0) for t in own],
            "Dev ID": [number(100 * t.score, 1) for t in own],
            "se": [number(100 * t.standard_error, 1) for t in own],
            "Dev retention": [number(100 * t.retention, 1) for t in own],
        }
    )
    settled = ", ".join(f"{name} {choice.settings[name]}" for name in varied)
    counted = ", ".join(f"{name} {count}" for name, count in tries(settings).items())
    return (
        f"{table}\n\nchosen: {escape(choice.name)} ({settled or 'the only settings'}), over {choice.questions} "
        f"development questions\ntries: {counted}"
    )


def _over_seeds(rows: pd.DataFrame) -> Tried:
    first: Any = rows.iloc[0]
    return Tried(
        name=str(first["student"]),
        method=str(first["method"]),
        settings={
            name: f"{first[name]:g}" if isinstance(first[name], float) else str(first[name]) for name in SETTINGS
        },
        seeds=len(rows),
        score=float(rows["score"].mean()),
        questions=int(first["questions"]),
        retention=float(rows["retention"].mean()),
        steps=float(rows["steps"].mean()),
    )


def _known(value: float) -> float:
    return -math.inf if math.isnan(value) else value
