"""Which settings of training to take: the best on development questions, of equals the one that unlearned least.

    python -m offbook.harness.tables.recipe_choice results/recipe single_rationale

Of an exam's record it reads what training left there: the development score of the weights that were kept, and their
retention (the share of development questions of other kinds). No answer to a test question is looked at. Equal are
settings whose score is within one standard error of the best, over the questions: sqrt(p (1 - p) / n).
"""

import argparse
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from offbook.harness.records.exam import ExamRecord, TrainingCost
from offbook.harness.records.store import Store
from offbook.harness.tables.cohorts import mean
from offbook.harness.tables.markdown import escape, markdown_table, number

SHOWN = ("learning_rate", "lora_rank", "replay", "averaging", "token_weight")  # of the settings, where they differ


@dataclass(frozen=True, kw_only=True)
class Tried:
    """Settings that were tried, over their seeds.

    Attributes:
        name: of the student.
        method: of the roster.
        training: the settings that all methods share.
        options: the method's own.
        seeds: how many were trained.
        score: development score of the kept weights.
        questions: behind a score.
        retention: share of development questions of other kinds; nan where none were asked.
        steps: of the optimiser.
    """

    name: str
    method: str
    training: Mapping[str, JsonValue]
    options: Mapping[str, JsonValue]
    seeds: int
    score: float
    questions: int
    retention: float
    steps: float

    @property
    def standard_error(self) -> float:
        """Of the score, over the questions, which all seeds share."""
        return math.sqrt(self.score * (1 - self.score) / self.questions)


def tried(records: Sequence[ExamRecord]) -> list[Tried]:
    """Every setting of every method that has a development score, the best first."""
    groups: dict[str, dict[int, ExamRecord]] = defaultdict(dict)
    for record in records:
        cost, student = record.cost, record.spec.student
        if cost is not None and cost.dev_scores and student.interpolation is None:
            groups[student.setting()][student.seed] = record
    found = [_over_seeds(list(by_seed.values())) for by_seed in groups.values()]
    return sorted(found, key=lambda t: (-t.score, -_known(t.retention), t.name))


def kept_score(cost: TrainingCost) -> float:
    """The development score of the weights that were kept: the mean's, or the best of those that were scored."""
    return cost.dev_scores[-1] if cost.averaged_steps is not None else max(cost.dev_scores)


def chosen(settings: Sequence[Tried]) -> Tried:
    """See the module.

    Raises:
        ValueError: there are none, or not all were asked as many questions.
    """
    if not settings:
        msg = "expected students with development scores, got none; run the matrix of the recipe into this folder"
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
    counts: dict[str, int] = defaultdict(int)
    for one in settings:
        counts[one.method] += 1
    return dict(sorted(counts.items()))


def told(settings: Sequence[Tried], method: str) -> str:
    """The grid of a method as a table, its choice, and the tries of all methods."""
    own = [t for t in settings if t.method == method]
    choice = chosen(own)
    varied = [name for name in SHOWN if len({str(t.training.get(name)) for t in own}) > 1]
    table = markdown_table(
        {
            "Student": [escape(t.name) for t in own],
            **{name: [str(t.training.get(name)) for t in own] for name in varied},
            "Seeds": [str(t.seeds) for t in own],
            "Steps": [number(t.steps, 0) for t in own],
            "Dev ID": [number(100 * t.score, 1) for t in own],
            "se": [number(100 * t.standard_error, 1) for t in own],
            "Dev retention": [number(100 * t.retention, 1) for t in own],
        }
    )
    settled = ", ".join(f"{name} {choice.training.get(name)}" for name in varied)
    counted = ", ".join(f"{name} {count}" for name, count in tries(settings).items())
    return (
        f"{table}\n\nchosen: {escape(choice.name)} ({settled or 'the only settings'}), over {choice.questions} "
        f"development questions\ntries: {counted}"
    )


def _over_seeds(records: Sequence[ExamRecord]) -> Tried:
    costs = [cost for record in records if (cost := record.cost) is not None]
    student = records[0].spec.student
    retained = [cost.retention for cost in costs if cost.retention is not None]
    return Tried(
        name=student.name,
        method=student.method,
        training=student.training,
        options=student.options,
        seeds=len(records),
        score=mean([kept_score(cost) for cost in costs]),
        questions=costs[0].dev_questions or 1,
        retention=mean(retained),
        steps=mean([cost.steps for cost in costs]),
    )


def _known(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def main() -> None:
    """Prints the grid and the choice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("method", help="whose settings were tried")
    given = parser.parse_args()
    try:
        print(told(tried(Store(given.folder).records("exam")), given.method))
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
