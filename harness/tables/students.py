"""From exams to the students' tables: pure functions of what a folder holds, partial or complete.

Exams of one student (base model, method with its settings, corpus; every setting equal) differ in the training seed
only, and are averaged; of two exams of one seed the later counts. Students are compared within a cohort only:
equal base model, suites with their documents, cap, number format, chat template, corpus and budget of gradient tokens.
The untouched model joins every cohort that sat its exam.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from offbook.harness.records.accuracy import is_accuracy
from offbook.harness.records.exam import Exam, SittingSpec
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.statistics import crossed as stats
from offbook.harness.statistics.clusters import by_cluster, cluster_name, cluster_totals
from offbook.harness.statistics.intervals import Floats, Interval
from offbook.harness.tables.columns import fields
from offbook.harness.tables.students_columns import ALL_SUITES, COLUMNS

COMPARISON_COLUMNS = (
    *("model", "group", "a", "b", "seeds_a", "seeds_b", "n_items", "n_clusters", "accuracy_a", "accuracy_b"),
    *("finished_a", "finished_b"),
    *("difference", "difference_low", "difference_high", "p_items", "p_seeds", "family"),
    *("p_students", "students", "p_methods", "methods"),
    *("detectable", "detectable_items", "corpus", "budget", "exam"),
)


@dataclass(frozen=True, kw_only=True)
class Examinee:
    """A student over its training seeds.

    Attributes:
        label: its name, with the start of its setting where another of its cohort has the same.
        exams: one a seed, in the order of seeds.
    """

    label: str
    exams: tuple[Exam, ...]

    @property
    def spec(self) -> SittingSpec:
        """What all its exams share but the seed and the weights."""
        return self.exams[0].record.spec

    @property
    def untouched(self) -> bool:
        """Whether this is the base model itself, which has no training seed."""
        return self.spec.student.untouched

    @property
    def budget(self) -> float:
        """Gradient tokens that its training was given; 0 for the untouched model."""
        given = self.spec.student.training.get("gradient_tokens", 0)
        return float(given) if isinstance(given, int | float) else math.nan

    def suites(self, group: str, suite: str) -> list[str]:
        """The suites of a row: the named one, or all of the group that are scored right or wrong."""
        if suite != ALL_SUITES:
            return [suite]
        return [s.name for s in self.spec.suites if s.group == group and self.is_share(s.name)]

    def is_share(self, suite: str) -> bool:
        """Whether a suite's score is a share of right answers."""
        return is_accuracy(self.exams[0].record.metrics[suite])

    def scores(self, suites: Sequence[str]) -> tuple[list[tuple[str, int, str]], Floats]:
        """Items, and their scores (items, seeds).

        Raises:
            ValueError: seeds that answered other documents.
        """
        columns = [
            {(row.suite, row.doc_id, row.doc_hash): row.score for row in exam.rows if row.suite in suites}
            for exam in self.exams
        ]
        items = sorted(columns[0])
        if any(column.keys() != columns[0].keys() for column in columns):
            raise ValueError(_other_documents(self.label))
        return items, np.array([[column[item] for column in columns] for item in items], dtype=np.float64)

    def finished(self, suites: Sequence[str]) -> float:
        """Share of answers to these suites, over all seeds, that ended by themselves, before the cap."""
        return _mean([row.finished for exam in self.exams for row in exam.rows if row.suite in suites])

    def clusters(self, suites: Sequence[str]) -> list[str]:
        """The cluster of each item, in the order of `scores`; a name of its own where it has none."""
        rows = sorted((r.suite, r.doc_id, r.doc_hash, r.cluster) for r in self.exams[0].rows if r.suite in suites)
        return [cluster_name(suite, doc_id, cluster) for suite, doc_id, _, cluster in rows]


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """Students that may be compared: the untouched model first, then by name.

    Attributes:
        corpus, budget: of the trained ones; "" and 0 where there are none.
    """

    model: str
    corpus: str
    budget: float
    exam: str
    examinees: tuple[Examinee, ...]


def cohorts(exams: Sequence[Exam]) -> list[Cohort]:
    """Exams by student and seed, students by what makes them comparable; in a fixed order."""
    latest: dict[str, dict[int, Exam]] = defaultdict(dict)
    for exam in sorted(exams, key=lambda e: (e.record.finished_utc, e.record.key)):
        latest[exam.record.spec.setting()][exam.record.spec.student.seed] = exam
    trained: dict[tuple[str, str, float, str], list[Examinee]] = defaultdict(list)
    untouched: dict[tuple[str, str], list[Examinee]] = defaultdict(list)
    for by_seed in latest.values():
        found = tuple(by_seed[seed] for seed in sorted(by_seed))
        examinee = Examinee(label=found[0].record.spec.student.name, exams=found)
        spec, sat = examinee.spec, sitting(examinee.spec)
        if examinee.untouched:
            untouched[spec.model, sat].append(examinee)
        else:
            trained[spec.model, spec.student.corpus_sha256 or "", examinee.budget, sat].append(examinee)
    for model, sat in untouched.keys() - {(model, sat) for model, _, _, sat in trained}:
        trained[model, "", 0.0, sat] = []
    return [
        Cohort(
            model=model,
            corpus=corpus,
            budget=budget,
            exam=sat,
            examinees=_labelled([*untouched.get((model, sat), []), *members]),
        )
        for (model, corpus, budget, sat), members in sorted(trained.items())
    ]


def sitting(spec: SittingSpec) -> str:
    """Hash of what two exams must share to be compared: base model, questions, and how they are asked and scored.

    The batch size is not in it: it moves answers only where two tokens tie.
    """
    suites = [[s.name, s.group, s.fingerprint, s.n_docs] for s in spec.suites]
    asked = [spec.max_new_tokens, spec.dtype, spec.chat_template, spec.harness_semantics]
    return canonical_sha256([spec.model, spec.base_sha256, suites, *asked])


def students_table(exams: Sequence[Exam]) -> pd.DataFrame:
    """One row for each student and group (suite "all"), then one for each suite; the untouched model first.

    An untouched model beside several cohorts has its rows once.

    Raises:
        ValueError: exams of one cohort over different documents.
    """
    lines: dict[str, dict[str, Any]] = {}
    for cohort in cohorts(exams):
        bases = [e for e in cohort.examinees if e.untouched]
        base = max(bases, key=lambda e: e.exams[0].record.finished_utc, default=None)
        suites = [(s.group, s.name) for s in cohort.examinees[0].spec.suites]
        groups = sorted({group for group, _ in suites})
        for group, suite in [*((group, ALL_SUITES) for group in groups), *suites]:
            for examinee in cohort.examinees:
                if examinee.suites(group, suite):
                    line = _line(examinee, base, group, suite, cohort)
                    lines.setdefault(canonical_sha256([examinee.spec.setting(), group, suite]), line)
    return pd.DataFrame(list(lines.values()), columns=fields(COLUMNS))


def comparisons_table(exams: Sequence[Exam]) -> pd.DataFrame:
    """Every two students of a cohort on each group: a minus b. Holm's corrections are over all rows of the cohort.

    Two questions, each with its corrected p-value and its verdict: whether these very students differ on such items
    (sign flips), and whether their methods do, whatever the seed (the larger of that p-value and the one over items
    and seeds); the second is open while a trained student has one seed.

    Raises:
        ValueError: exams of one cohort over different documents.
    """
    lines: list[dict[str, Any]] = []
    for cohort in cohorts(exams):
        groups = sorted({s.group for s in cohort.examinees[0].spec.suites})
        family = [
            _comparison(a, b, group, cohort)
            for group in groups
            for b, a in combinations(cohort.examinees, 2)
            if not (a.untouched and b.untouched) and a.suites(group, ALL_SUITES)
        ]
        for line in family:
            line["family"] = len(family)
        known = [line for line in family if not math.isnan(line["p_seeds"])]
        _judge(family, "students", [line["p_items"] for line in family])
        _judge(known, "methods", [max(line["p_items"], line["p_seeds"]) for line in known])
        lines += family
    return pd.DataFrame(lines, columns=list(COMPARISON_COLUMNS))


def _line(examinee: Examinee, base: Examinee | None, group: str, suite: str, cohort: Cohort) -> dict[str, Any]:
    names = examinee.suites(group, suite)
    items, scores_IS = examinee.scores(names)
    clusters = examinee.clusters(names)
    rows = [row for exam in examinee.exams for row in exam.rows if row.suite in names]
    costs = [exam.record.cost for exam in examinee.exams if exam.record.cost is not None]
    seeds = [exam.record.spec.student.seed for exam in examinee.exams]
    right, interval = all(map(examinee.is_share, names)), stats.accuracy_interval(scores_IS, clusters)
    change = stats.Estimate(math.nan, math.nan, 0)
    if base is not None and not examinee.untouched:
        change = _difference(examinee, base, names)
    return {
        "model": examinee.spec.model,
        "student": examinee.label,
        "method": examinee.spec.student.method,
        "group": group,
        "suite": suite,
        "origin": "; ".join(s.origin for s in examinee.spec.suites if s.name in names and s.origin),
        "seeds": len(seeds),
        "n_suites": len(names),
        "n_items": len(items),
        "n_clusters": len(set(clusters)),
        "metric": " ".join(sorted({examinee.exams[0].record.metrics[name] for name in names})),
        "score": float(scores_IS.mean()),
        **_bounds("score", interval),
        "accuracy": float(scores_IS.mean()) if right else math.nan,
        **_bounds("accuracy", interval if right else None),
        "guessing": _guessing([row.choices for row in rows]),
        "seed_sd": stats.seed_sd(scores_IS),
        "change": change.mean,
        **_bounds("change", stats.t_interval(change, bound=1.0 if right else math.inf)),
        "gradient_tokens": _mean([cost.gradient_tokens for cost in costs]),
        "kept_tokens": _mean([cost.kept_tokens for cost in costs]),
        "distinct_sequences": _mean([cost.distinct_sequences for cost in costs]),
        "steps": _mean([cost.steps for cost in costs]),
        "mixed_precision": ", ".join(sorted({_precision(exam) for exam in examinee.exams} - {""})),
        "prepare_s": _mean([cost.prepared_s for cost in costs if cost.prepared_s is not None]),
        "train_s": _mean([cost.wall_s for cost in costs]),
        "exam_s": _mean([exam.record.wall_s for exam in examinee.exams]),
        "peak_mib": max((cost.peak_bytes / 2**20 for cost in costs), default=math.nan),
        "answer_tokens": _mean([row.tokens for row in rows]),
        "finished": examinee.finished(names),
        "corpus": "" if examinee.untouched else cohort.corpus,
        "budget": examinee.budget,
        "exam": cohort.exam,
        "setting": canonical_sha256([examinee.spec.rerun(), seeds, group, suite]),
    }


def _comparison(a: Examinee, b: Examinee, group: str, cohort: Cohort) -> dict[str, Any]:
    names = a.suites(group, ALL_SUITES)
    (_, ours), (_, theirs), clusters = a.scores(names), b.scores(names), a.clusters(names)
    per_item_I1 = ours.mean(axis=1, keepdims=True) - theirs.mean(axis=1, keepdims=True)
    found, over_items = _difference(a, b, names), _difference(a, b, names, over_seeds=False)
    return {
        "model": cohort.model,
        "group": group,
        "a": a.label,
        "b": b.label,
        "seeds_a": len(a.exams),
        "seeds_b": len(b.exams),
        "n_items": len(ours),
        "n_clusters": len(set(clusters)),
        "accuracy_a": float(ours.mean()),
        "accuracy_b": float(theirs.mean()),
        "finished_a": a.finished(names),
        "finished_b": b.finished(names),
        "difference": found.mean,
        **_bounds("difference", stats.t_interval(found, bound=1.0)),
        "p_items": stats.sign_flip_test(cluster_totals(per_item_I1, clusters)[:, 0].tolist()),
        "p_seeds": stats.t_test(found) if _seeds_known(a, b) else math.nan,
        "p_methods": math.nan,
        "methods": "open",
        "detectable": stats.detectable(found),
        "detectable_items": stats.detectable(over_items),
        "corpus": cohort.corpus,
        "budget": cohort.budget,
        "exam": cohort.exam,
    }


def _difference(a: Examinee, b: Examinee, suites: Sequence[str], *, over_seeds: bool = True) -> stats.Estimate:
    (items, ours), (others, theirs) = a.scores(suites), b.scores(suites)
    if items != others:
        raise ValueError(_other_documents(f"{a.label}, {b.label}"))
    clusters = a.clusters(suites)
    return stats.difference(
        by_cluster(ours, clusters),
        by_cluster(theirs, clusters),
        over_seeds=over_seeds and _seeds_known(a, b),
    )


def _precision(exam: Exam) -> str:
    """The mixed precision that a student was trained in; "" for the untouched model."""
    cost = exam.record.cost
    return (
        ""
        if cost is None
        else cost.mixed_precision or str(exam.record.spec.student.training.get("mixed_precision", "no"))
    )


def _guessing(choices: Sequence[int | None]) -> float:
    """Accuracy of guessing among the answers that questions name, 0 where they name none; nan where not known."""
    return _mean([math.nan if n is None else 1 / n if n else 0.0 for n in choices])


def _seeds_known(*examinees: Examinee) -> bool:
    """Whether every trained student has several seeds, so that their spread is known."""
    return all(len(examinee.exams) > 1 for examinee in examinees if not examinee.untouched)


def _judge(family: Sequence[dict[str, Any]], question: str, raw: Sequence[float]) -> None:
    for line, p in zip(family, stats.holm(raw), strict=True):
        line |= {f"p_{question}": p, question: _verdict(p, line["difference"])}


def _verdict(p: float, difference: float) -> str:
    if p > stats.ALPHA:
        return "tie"
    return "better" if difference > 0 else "worse"


def _labelled(examinees: Sequence[Examinee]) -> tuple[Examinee, ...]:
    """In order, each with a name of its own."""
    names = [examinee.label for examinee in examinees]
    named = [
        Examinee(label=p.label if names.count(p.label) == 1 else f"{p.label} ({p.spec.setting()[:8]})", exams=p.exams)
        for p in examinees
    ]
    return tuple(sorted(named, key=lambda p: (not p.untouched, p.label)))


def _other_documents(who: str) -> str:
    return f"{who}: expected answers to the same documents, got others; delete one of the exams and run it again"


def _bounds(name: str, interval: Interval | None) -> dict[str, float]:
    low, high = interval or (math.nan, math.nan)
    return {f"{name}_low": low, f"{name}_high": high}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
