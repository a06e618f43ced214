"""Whether a method that selects is vindicated: the comparisons of a matrix's hypotheses, and the verdict by a rule.

    better(a, b)   a is better than b in an outcome, over pairs of seeds and over items, and the p-value of their
                   difference, by Holm within the family of all comparisons of all hypotheses in all tested outcomes,
                   done or not, below 5 %
    vindicated     ours beats the static rival (learning to score), the random one (selection) and every single
                   perspective (several forms)
    signal alone   not vindicated, but the static rival beats every single perspective

Either way it is a verdict, one for each tested outcome; only where a student of a comparison is missing, or has no
second seed, is it open. Of outcomes that are not tested the interval is told, and there is no verdict.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from offbook.harness.records.exam import Exam
from offbook.harness.settings.hypotheses import HypothesisSpec, OutcomeSpec
from offbook.harness.statistics import crossed as stats
from offbook.harness.statistics.paired import paired_difference
from offbook.harness.tables.cohorts import Cohort, Examinee, Of, bounds, cohorts, score_of
from offbook.harness.tables.columns import Column, Place, fields
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.markdown import UNKNOWN, number
from offbook.harness.tables.rows import Row
from offbook.harness.tables.students_measures import MEASURES

BETTER, WORSE, TIE, OPEN, UNTESTED = "better", "worse", "tie", "open", "untested"
LEARNING, SELECTION, FORMS, SIGNAL = "learning to score", "selection", "several forms", "signal"
ACCURACY = {"accuracy": OutcomeSpec()}  # where a matrix names no outcomes
OF: dict[str, Of] = {"accuracy": score_of, **MEASURES}
NATS = ("gold_nll",)  # measures in nats, of which less is better; all others are shares

SCREEN: tuple[Place, ...] = ("csv", "markdown", "terminal")
COLUMNS = (
    Column(name="hypothesis", heading="Hypothesis", shown_in=SCREEN),
    Column(name="part", heading="Part", shown_in=SCREEN),
    Column(name="model"),
    Column(name="a", heading="a", shown_in=SCREEN),
    Column(name="b", heading="b", shown_in=SCREEN),
    Column(name="outcome", heading="Outcome", shown_in=SCREEN),
    Column(name="measure"),
    Column(name="group"),
    Column(name="seeds", heading="Pairs", unit="pairs of seeds", kind="whole", shown_in=SCREEN),
    Column(name="n_items", unit="items", kind="whole"),
    Column(name="n_clusters", unit="clusters", kind="whole"),
    Column(
        name="difference",
        heading="a - b",
        unit="share or nats",
        kind="number",
        interval=True,
        shown_in=SCREEN,
        written=lambda row: _difference(row),
        quoted=False,
        definition="""the outcome of a minus that of b, over pairs of seeds and over groups of like items: in points, of
            a right answer's NLL in nats, where less is better.""",
    ),
    Column(
        name="detectable",
        heading="Detectable",
        unit="share or nats",
        kind="number",
        shown_in=SCREEN,
        written=lambda row: _shown(row, "detectable"),
        quoted=False,
        definition="the smallest true difference that is found with 80 % probability, before the correction.",
    ),
    Column(name="p", kind="number"),
    Column(
        name="p_holm",
        heading="p, Holm",
        kind="number",
        digits=3,
        shown_in=SCREEN,
        definition="p-value, corrected for the whole family, comparisons that are not done yet counted too.",
    ),
    Column(name="family", unit="comparisons", kind="whole"),
    Column(name="verdict", heading="a is", shown_in=SCREEN),
)


class Comparison(NamedTuple):
    """Two students of a hypothesis, the part of it that they decide, and in which outcome."""

    hypothesis: str
    part: str
    a: str
    b: str
    outcome: str


def comparisons(hypotheses: Mapping[str, HypothesisSpec], outcomes: Mapping[str, OutcomeSpec]) -> list[Comparison]:
    """All of them, outcome by outcome; those of tested outcomes are the family, whatever has been measured."""
    return [
        one
        for outcome in outcomes
        for name, hypothesis in hypotheses.items()
        for one in _of_hypothesis(name, hypothesis, outcome)
    ]


def hypotheses_table(
    exams: Sequence[Exam], hypotheses: Mapping[str, HypothesisSpec], outcomes: Mapping[str, OutcomeSpec] | None = None
) -> pd.DataFrame:
    """A row for each comparison, outcome and base model.

    Args:
        exams: of the students.
        hypotheses: who is held against whom.
        outcomes: in what; without any, in accuracy in distribution.

    Raises:
        ValueError: two students of one name, or a comparison over budgets or exams that differ.
    """
    found, told_in = cohorts(exams), outcomes or ACCURACY
    lines: list[dict[str, Any]] = []
    for model in sorted({cohort.model for cohort in found}):
        known = _by_name([cohort for cohort in found if cohort.model == model])
        lines += [_line(model, one, told_in[one.outcome], known) for one in comparisons(hypotheses, told_in)]
    family = [line for line in lines if told_in[line["outcome"]].tested]
    corrected = stats.holm([1.0 if math.isnan(line["p"]) else line["p"] for line in family])
    for line, p_holm in zip(family, corrected, strict=True):
        line.update(p_holm=math.nan if math.isnan(line["p"]) else p_holm, family=len(family))
        line["verdict"] = _verdict(line)
    return pd.DataFrame(lines, columns=fields(COLUMNS))


def deciding(exams: Sequence[Exam], outcomes: Mapping[str, OutcomeSpec] | None = None) -> list[Exam]:
    """The exams that asked every group of the outcomes; other exams of the same students decide nothing."""
    groups = {one.group for one in (outcomes or ACCURACY).values()}
    return [exam for exam in exams if groups <= {suite.group for suite in exam.record.spec.suites}]


def verdict_lines(table: pd.DataFrame) -> list[str]:
    """A sentence for each hypothesis, tested outcome and base model."""
    told: list[str] = []
    tested = table[table["verdict"] != UNTESTED]
    for (model, hypothesis, outcome), rows in tested.groupby(["model", "hypothesis", "outcome"], sort=False):
        parts = {part: [*rows.loc[rows["part"] == part, "verdict"]] for part in (LEARNING, SELECTION, FORMS, SIGNAL)}
        told.append(f"{model}, {hypothesis}, {outcome}: {_told(parts)}")
    return told


def _told(parts: Mapping[str, Sequence[str]]) -> str:
    beaten = {part: all(verdict == BETTER for verdict in verdicts) for part, verdicts in parts.items()}
    ours = (LEARNING, SELECTION, FORMS)
    if any(verdict == OPEN for verdicts in parts.values() for verdict in verdicts):
        return "open: " + ", ".join(part for part, verdicts in parts.items() if OPEN in verdicts) + " not decided yet"
    if all(beaten[part] for part in ours):
        return f"vindicated: {', '.join(ours)} each pay"
    missing = ", ".join(part for part in ours if not beaten[part])
    alone = "; the signal alone is: static selection by it beats every single perspective" if beaten[SIGNAL] else ""
    return f"not vindicated, for want of {missing}{alone}"


def _of_hypothesis(name: str, hypothesis: HypothesisSpec, outcome: str) -> Iterator[Comparison]:
    yield Comparison(name, LEARNING, hypothesis.ours, hypothesis.static, outcome)
    yield Comparison(name, SELECTION, hypothesis.ours, hypothesis.random, outcome)
    yield from (Comparison(name, FORMS, hypothesis.ours, single, outcome) for single in hypothesis.singles)
    yield from (Comparison(name, SIGNAL, hypothesis.static, single, outcome) for single in hypothesis.singles)


def _by_name(found: Sequence[Cohort]) -> dict[str, tuple[Cohort, Examinee]]:
    known: dict[str, tuple[Cohort, Examinee]] = {}
    for cohort in found:
        for examinee in cohort.examinees:
            name = examinee.spec.student.name
            if examinee.untouched:
                continue
            if name in known:
                msg = f"expected one student named {name}, got two settings of it; compare them in folders of their own"
                raise ValueError(msg)
            known[name] = cohort, examinee
    return known


def _line(
    model: str, one: Comparison, outcome: OutcomeSpec, known: Mapping[str, tuple[Cohort, Examinee]]
) -> dict[str, Any]:
    counts = dict.fromkeys(("seeds", "n_items", "n_clusters", "family"), 0)
    line: dict[str, Any] = {
        "model": model,
        **one._asdict(),
        "measure": outcome.measure,
        "group": outcome.group,
        **counts,
    }
    line |= {"p_holm": math.nan, "verdict": UNTESTED}
    unknown = dict.fromkeys(("difference", "difference_low", "difference_high", "detectable", "p"), math.nan)
    if one.a not in known or one.b not in known:
        return line | unknown
    (cohort, a), (other, b) = known[one.a], known[one.b]
    if cohort is not other:
        msg = f"expected {one.a} and {one.b} of one exam, corpus and budget, got different ones; see the matrix"
        raise ValueError(msg)
    names, of = a.suites(outcome.group, ALL_SUITES), OF[outcome.measure]
    seeds = sorted({*_seeds(a)} & {*_seeds(b)})
    if not (names and seeds):
        return line | unknown
    (items, ours_IS), (others, theirs_IS) = a.scores(names, of), b.scores(names, of)
    if not items or items != others:
        return line | unknown
    clusters = a.clusters(names, of)
    pairs = [scores[:, [_seeds(who).index(s) for s in seeds]] for who, scores in ((a, ours_IS), (b, theirs_IS))]
    found = paired_difference(np.asarray(pairs[0]), np.asarray(pairs[1]), clusters)
    decided, bound = len(seeds) > 1 and outcome.tested, math.inf if outcome.measure in NATS else 1.0
    return line | {
        "seeds": len(seeds),
        "n_items": len(items),
        "n_clusters": len(set(clusters)),
        "difference": found.mean,
        **bounds("difference", stats.t_interval(found, bound=bound)),
        "detectable": stats.detectable(found) if len(seeds) > 1 else math.nan,
        "p": stats.t_test(found) if decided else math.nan,
    }


def _seeds(examinee: Examinee) -> list[int]:
    return [exam.record.spec.student.seed for exam in examinee.exams]


def _verdict(line: Mapping[str, Any]) -> str:
    if math.isnan(line["p_holm"]):
        return OPEN
    if line["p_holm"] >= stats.ALPHA:
        return TIE
    return BETTER if (line["difference"] > 0) != (line["measure"] in NATS) else WORSE


def _difference(row: Row) -> str:
    low, high = (_shown(row, f"difference_{end}", sign="+") for end in ("low", "high"))
    shown = _shown(row, "difference", sign="+")
    return shown if low == UNKNOWN else f"{shown} [{low}, {high}]"


def _shown(row: Row, name: str, sign: str = "") -> str:
    """In points, or in nats."""
    nats = row["measure"] in NATS
    return number(row[name] * (1 if nats else 100), 2 if nats else 1, sign=sign)
