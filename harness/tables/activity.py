"""Whether the parts of a method acted, student by student: means over seeds of what its trainings logged.

Read beside accuracies: where questions are met once, or selected sets never change, a difference in accuracy is no
finding about what a method learns while it trains.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pandas as pd

from offbook.harness.records.exam import Exam
from offbook.harness.tables.cohorts import mean
from offbook.harness.tables.columns import Column, Place, fields

SCREEN: tuple[Place, ...] = ("csv", "markdown", "terminal")

COLUMNS = (
    Column(name="model", heading="Model", shown_in=SCREEN),
    Column(name="student", heading="Student", shown_in=SCREEN),
    Column(name="budget", heading="Budget", unit="tokens", kind="count", shown_in=SCREEN),
    Column(name="seeds", heading="Seeds", unit="seeds", kind="whole", shown_in=SCREEN),
    Column(
        name="perspectives",
        heading="Found",
        shown_in=SCREEN,
        shown_for=lambda rows: bool((rows["perspectives"] != "").any()),
        definition="the perspective that was found to be the golden one, where the method was to look for it.",
    ),
    Column(
        name="visits",
        heading="Visits",
        unit="visits a question",
        kind="number",
        digits=1,
        shown_in=SCREEN,
        definition="times that a question was met, on average.",
    ),
    Column(
        name="met_again",
        heading="Met again",
        unit="share",
        kind="share",
        shown_in=SCREEN,
        definition="share of questions that were met twice or more.",
    ),
    Column(
        name="set_changed",
        heading="Set changed",
        unit="share",
        kind="share",
        shown_in=SCREEN,
        definition="share of these whose selected set was another one at some visit than at the one before.",
    ),
    Column(
        name="rank_change",
        heading="Rank change",
        unit="share",
        kind="share",
        shown_in=SCREEN,
        definition="pairs of a question's paths whose scores stand in another order than at its last visit.",
    ),
    Column(
        name="kept",
        heading="Kept",
        unit="paths",
        kind="number",
        digits=1,
        shown_in=SCREEN,
        definition="paths of a question that are selected.",
    ),
    Column(name="entropy", unit="nats", kind="number"),
    Column(name="jitter", unit="share", kind="number"),
    Column(
        name="spearman",
        heading="Spearman",
        kind="number",
        shown_in=SCREEN,
        definition="rank correlation of a question's scores with its negative costs.",
    ),
    Column(
        name="meta_steps",
        heading="MetaNet's steps",
        unit="steps",
        kind="number",
        digits=0,
        shown_in=SCREEN,
        definition="of its own optimiser, the warm-up left out.",
    ),
    Column(
        name="meta_loss",
        heading="L_meta",
        unit="nats",
        kind="number",
        digits=3,
        shown_in=SCREEN,
        definition="before each of them, over the second half of the training.",
    ),
    Column(
        name="watched",
        heading="Watched",
        shown_in=SCREEN,
        shown_for=lambda rows: bool((rows["watched"] != "").any()),
        definition="L_meta of MetaNets that followed the same costs at other learning rates, by rate.",
    ),
    Column(
        name="consistency",
        heading="L_cons",
        unit="nats",
        kind="number",
        digits=4,
        shown_in=SCREEN,
        definition="the consistency loss, over all steps; 0 where it is off.",
    ),
    Column(
        name="read_tokens",
        heading="Read tokens",
        unit="tokens",
        kind="count",
        shown_in=SCREEN,
        definition="response tokens that were read without gradient, for their costs: seconds that no budget counts.",
    ),
)
NUMBERS = (
    *("visits", "met_again", "set_changed", "rank_change", "kept", "entropy", "jitter", "spearman"),
    *("meta_steps", "meta_loss", "consistency", "read_tokens"),
)
WATCHED = "meta_loss/"


def activity_table(exams: Sequence[Exam]) -> pd.DataFrame:
    """A row for each student and setting whose method logs what it does, or has found something."""
    found: dict[str, list[Exam]] = defaultdict(list)
    for exam in exams:
        cost = exam.record.cost
        if cost is not None and (cost.activity or cost.perspective):
            found[exam.record.spec.setting()].append(exam)
    rows = sorted((_row(seeds) for seeds in found.values()), key=lambda row: (row["model"], row["student"]))
    return pd.DataFrame(rows, columns=fields(COLUMNS))


def _row(seeds: Sequence[Exam]) -> dict[str, Any]:
    spec, costs = seeds[0].record.spec, [exam.record.cost for exam in seeds]
    acted = [cost.activity for cost in costs if cost is not None]
    rates = sorted({name for one in acted for name in one if name.startswith(WATCHED)}, key=_rate)
    watched = {name: mean([one[name] for one in acted if name in one]) for name in rates}
    return {
        "model": spec.model,
        "student": spec.student.name,
        "budget": spec.student.training.get("gradient_tokens", 0),
        "seeds": len({exam.record.spec.student.seed for exam in seeds}),
        "perspectives": ", ".join(sorted({cost.perspective for cost in costs if cost and cost.perspective})),
        "watched": ", ".join(f"{name.removeprefix(WATCHED)}: {value:.4f}" for name, value in watched.items()),
        **{name: mean([one[name] for one in acted if name in one]) for name in NUMBERS},
    }


def _rate(name: str) -> float:
    return float(name.removeprefix(WATCHED))
