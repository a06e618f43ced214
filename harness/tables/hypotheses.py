"""Whether a method that selects is vindicated: the comparisons of a matrix's hypotheses, and the verdict by a rule.

    better(a, b)   a minus b, over pairs of seeds and over items, is above 0, and its p-value, by Holm within the family
                   of all comparisons of all hypotheses, done or not, below 5 %
    vindicated     ours beats the static rival (learning to score), the random one (selection) and every single
                   perspective (several forms)
    signal alone   not vindicated, but the static rival beats every single perspective

Either way it is a verdict; only where a student of a comparison is missing, or has no second seed, is it open.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from offbook.harness.records.exam import Exam
from offbook.harness.settings.hypotheses import HypothesisSpec
from offbook.harness.statistics import crossed as stats
from offbook.harness.statistics.paired import paired_difference
from offbook.harness.tables.cohorts import Cohort, Examinee, bounds, cohorts
from offbook.harness.tables.columns import Column, Place, fields
from offbook.harness.tables.dimensions import ALL_SUITES

BETTER, WORSE, TIE, OPEN = "better", "worse", "tie", "open"
LEARNING, SELECTION, FORMS, SIGNAL = "learning to score", "selection", "several forms", "signal"

SCREEN: tuple[Place, ...] = ("csv", "markdown", "terminal")
COLUMNS = (
    Column(name="hypothesis", heading="Hypothesis", shown_in=SCREEN),
    Column(name="part", heading="Part", shown_in=SCREEN),
    Column(name="model"),
    Column(name="a", heading="a", shown_in=SCREEN),
    Column(name="b", heading="b", shown_in=SCREEN),
    Column(name="group", heading="Group", shown_in=SCREEN),
    Column(name="seeds", heading="Pairs", unit="pairs of seeds", kind="whole", shown_in=SCREEN),
    Column(name="n_items", unit="items", kind="whole"),
    Column(name="n_clusters", unit="clusters", kind="whole"),
    Column(
        name="difference",
        heading="a - b",
        unit="share",
        kind="number",
        digits=1,
        scale=100,
        sign="+",
        interval=True,
        shown_in=SCREEN,
        definition="accuracy of a minus that of b in points, over pairs of seeds and over groups of like items.",
    ),
    Column(
        name="detectable",
        heading="Detectable",
        unit="share",
        kind="number",
        digits=1,
        scale=100,
        shown_in=SCREEN,
        definition="the smallest true difference, in points, found with 80 % probability, before the correction.",
    ),
    Column(name="p", kind="number"),
    Column(
        name="p_holm",
        heading="p, Holm",
        kind="number",
        digits=3,
        shown_in=SCREEN,
        definition="p-value, corrected for all comparisons of all hypotheses, those that are not done yet counted too.",
    ),
    Column(name="family", unit="comparisons", kind="whole"),
    Column(name="verdict", heading="a is", shown_in=SCREEN),
)


class Comparison(NamedTuple):
    """Two students of a hypothesis, and the part of it that they decide."""

    hypothesis: str
    part: str
    a: str
    b: str
    group: str


def comparisons(hypotheses: Mapping[str, HypothesisSpec]) -> list[Comparison]:
    """The family, in the order of the hypotheses; it is the same before and after anything was measured."""
    return [one for name, hypothesis in hypotheses.items() for one in _of_hypothesis(name, hypothesis)]


def hypotheses_table(exams: Sequence[Exam], hypotheses: Mapping[str, HypothesisSpec]) -> pd.DataFrame:
    """A row for each comparison and base model.

    Raises:
        ValueError: two students of one name, or a comparison over budgets or exams that differ.
    """
    found = cohorts(exams)
    lines: list[dict[str, Any]] = []
    for model in sorted({cohort.model for cohort in found}):
        known = _by_name([cohort for cohort in found if cohort.model == model])
        lines += [_line(model, one, known) for one in comparisons(hypotheses)]
    corrected = stats.holm([1.0 if math.isnan(line["p"]) else line["p"] for line in lines])
    for line, p_holm in zip(lines, corrected, strict=True):
        line.update(p_holm=math.nan if math.isnan(line["p"]) else p_holm, family=len(lines))
        line["verdict"] = _verdict(line)
    return pd.DataFrame(lines, columns=fields(COLUMNS))


def verdict_lines(table: pd.DataFrame) -> list[str]:
    """A sentence for each hypothesis and base model."""
    told = []
    for (model, hypothesis), rows in table.groupby(["model", "hypothesis"], sort=False):
        parts = {part: [*rows.loc[rows["part"] == part, "verdict"]] for part in (LEARNING, SELECTION, FORMS, SIGNAL)}
        told.append(f"{model}, {hypothesis}: {_told(parts)}")
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


def _of_hypothesis(name: str, hypothesis: HypothesisSpec) -> Iterator[Comparison]:
    yield Comparison(name, LEARNING, hypothesis.ours, hypothesis.static, hypothesis.group)
    yield Comparison(name, SELECTION, hypothesis.ours, hypothesis.random, hypothesis.group)
    yield from (Comparison(name, FORMS, hypothesis.ours, single, hypothesis.group) for single in hypothesis.singles)
    yield from (Comparison(name, SIGNAL, hypothesis.static, single, hypothesis.group) for single in hypothesis.singles)


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


def _line(model: str, one: Comparison, known: Mapping[str, tuple[Cohort, Examinee]]) -> dict[str, Any]:
    line: dict[str, Any] = {"model": model, **one._asdict(), "seeds": 0, "n_items": 0, "n_clusters": 0}
    unknown = dict.fromkeys(("difference", "difference_low", "difference_high", "detectable", "p"), math.nan)
    if one.a not in known or one.b not in known:
        return line | unknown
    (cohort, a), (other, b) = known[one.a], known[one.b]
    if cohort is not other:
        msg = f"expected {one.a} and {one.b} of one exam, corpus and budget, got different ones; see the matrix"
        raise ValueError(msg)
    names = a.suites(one.group, ALL_SUITES)
    seeds = sorted({*_seeds(a)} & {*_seeds(b)})
    if not (names and seeds):
        return line | unknown
    (items, ours_IS), (_, theirs_IS) = a.scores(names), b.scores(names)
    clusters = a.clusters(names)
    pairs = [scores[:, [_seeds(who).index(s) for s in seeds]] for who, scores in ((a, ours_IS), (b, theirs_IS))]
    found = paired_difference(np.asarray(pairs[0]), np.asarray(pairs[1]), clusters)
    decided = len(seeds) > 1
    return line | {
        "seeds": len(seeds),
        "n_items": len(items),
        "n_clusters": len(set(clusters)),
        "difference": found.mean,
        **bounds("difference", stats.t_interval(found, bound=1.0)),
        "detectable": stats.detectable(found) if decided else math.nan,
        "p": stats.t_test(found) if decided else math.nan,
    }


def _seeds(examinee: Examinee) -> list[int]:
    return [exam.record.spec.student.seed for exam in examinee.exams]


def _verdict(line: Mapping[str, Any]) -> str:
    if math.isnan(line["p_holm"]):
        return OPEN
    if line["p_holm"] >= stats.ALPHA:
        return TIE
    return BETTER if line["difference"] > 0 else WORSE
