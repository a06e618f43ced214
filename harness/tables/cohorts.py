"""Who may be compared with whom: exams by student and seed, students by what makes them comparable.

Exams of one student (base model, method with its settings, corpus; every setting equal) differ in the training seed
only, and are averaged; of two exams of one seed the later counts. Students are compared within a cohort only:
equal base model, suites with their documents, cap, number format, chat template, corpus and budget of gradient tokens.
The untouched model joins every cohort that sat its exam.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from offbook.harness.records.accuracy import is_accuracy
from offbook.harness.records.exam import AnswerRow, Exam, SittingSpec
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.statistics import crossed as stats
from offbook.harness.statistics.clusters import by_cluster, cluster_name, cluster_totals
from offbook.harness.statistics.intervals import Floats, Interval
from offbook.harness.tables.dimensions import ALL_SUITES

Item = tuple[str, int, str]  # suite, index and hash of a document
Of = Callable[[AnswerRow], float | None]
NO_ESTIMATE = stats.Estimate(math.nan, math.nan, 0)


def score_of(row: AnswerRow) -> float:
    """By the suite's main metric; 1 or 0 in offbook's own suites."""
    return row.score


def _item(row: AnswerRow) -> Item:
    return row.suite, row.doc_id, row.doc_hash


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

    def scores(self, suites: Sequence[str], of: Of = score_of) -> tuple[list[Item], Floats]:
        """Items, and their scores (items, seeds), or another value; items without one are left out.

        There are none where it was measured of some seeds only.

        Raises:
            ValueError: seeds that answered other documents.
        """
        place = (tuple(suites), of)
        if place not in self._scored:
            self._scored[place] = self._scores(suites, of)
        return self._scored[place]

    def _scores(self, suites: Sequence[str], of: Of) -> tuple[list[Item], Floats]:
        columns = [
            {_item(row): value for suite in suites for row in rows[suite] if (value := of(row)) is not None}
            for rows in self._rows
        ]
        items = sorted(columns[0]) if all(columns) else []
        if items and any(column.keys() != columns[0].keys() for column in columns):
            raise ValueError(_other_documents(self.label))
        values = [[column[item] for column in columns] for item in items]
        return items, np.array(values, dtype=np.float64).reshape(len(items), len(columns))

    def finished(self, suites: Sequence[str]) -> float:
        """Share of answers to these suites, over all seeds, that ended by themselves, before the cap."""
        return mean([row.finished for exam in self.exams for row in exam.rows if row.suite in suites])

    def clusters(self, suites: Sequence[str], of: Of = score_of) -> list[str]:
        """The cluster of each item, in the order of `scores`; a name of its own where it has none."""
        items, _ = self.scores(suites, of)
        found = {_item(row): row.cluster for suite in suites for row in self._rows[0][suite]}
        return [cluster_name(item[0], item[1], found[item]) for item in items]

    @cached_property
    def _rows(self) -> list[dict[str, list[AnswerRow]]]:
        """The answers of each exam, by suite."""
        found = []
        for exam in self.exams:
            rows: dict[str, list[AnswerRow]] = {suite.name: [] for suite in exam.record.spec.suites}
            for row in exam.rows:
                rows[row.suite].append(row)
            found.append(rows)
        return found

    @cached_property
    def _scored(self) -> dict[tuple[tuple[str, ...], Of], tuple[list[Item], Floats]]:
        """What `scores` found before: tables ask for the same of every student that is held against this one."""
        return {}


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
    trained: dict[tuple[str, str, float, str], list[Examinee]] = defaultdict(list)
    untouched: dict[tuple[str, str], list[Examinee]] = defaultdict(list)
    for examinee in examinees(exams):
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


def examinees(exams: Sequence[Exam]) -> list[Examinee]:
    """Exams by student, a seed each; of two exams of one seed the later counts."""
    latest: dict[str, dict[int, Exam]] = defaultdict(dict)
    for exam in sorted(exams, key=lambda e: (e.record.finished_utc, e.record.key)):
        latest[exam.record.spec.setting()][exam.record.spec.student.seed] = exam
    sat = [tuple(by_seed[seed] for seed in sorted(by_seed)) for by_seed in latest.values()]
    return [Examinee(label=found[0].record.spec.student.name, exams=found) for found in sat]


def sitting(spec: SittingSpec) -> str:
    """Hash of what two exams must share to be compared: base model, questions, and how they are asked and scored.

    The batch size is not in it: it moves answers only where two tokens tie.
    """
    suites = [[s.name, s.group, s.fingerprint, s.n_docs] for s in spec.suites]
    asked = [spec.max_new_tokens, spec.dtype, spec.chat_template, spec.harness_semantics]
    return canonical_sha256([spec.model, spec.base_sha256, suites, *asked])


def difference(
    a: Examinee, b: Examinee, suites: Sequence[str], *, over_seeds: bool = True, of: Of = score_of
) -> stats.Estimate:
    """The accuracy of a minus that of b, or another value's, item by item.

    Over seeds too where every trained student has several. Unknown where one of them has no such value.

    Raises:
        ValueError: they answered other documents.
    """
    (items, ours), (others, theirs) = a.scores(suites, of), b.scores(suites, of)
    if not items or not others:
        return NO_ESTIMATE
    if items != others:
        raise ValueError(_other_documents(f"{a.label}, {b.label}"))
    clusters = a.clusters(suites, of)
    return stats.difference(
        by_cluster(ours, clusters),
        by_cluster(theirs, clusters),
        over_seeds=over_seeds and seeds_known(a, b),
    )


def items_test(a: Examinee, b: Examinee, suites: Sequence[str]) -> float:
    """P-value of whether these very students differ on such items, paired by item; see `stats.sign_flip_test`.

    Raises:
        ValueError: seeds that answered other documents.
    """
    (_, ours), (_, theirs) = a.scores(suites), b.scores(suites)
    per_item_I1 = ours.mean(axis=1, keepdims=True) - theirs.mean(axis=1, keepdims=True)
    return stats.sign_flip_test(cluster_totals(per_item_I1, a.clusters(suites))[:, 0].tolist())


def seeds_known(*examinees: Examinee) -> bool:
    """Whether every trained student has several seeds, so that their spread is known."""
    return all(len(examinee.exams) > 1 for examinee in examinees if not examinee.untouched)


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


def bounds(name: str, interval: Interval | None) -> dict[str, float]:
    """An interval as two fields of a row; unknown where there is none."""
    low, high = interval or (math.nan, math.nan)
    return {f"{name}_low": low, f"{name}_high": high}


def mean(values: Sequence[float]) -> float:
    """Unknown where there are no values."""
    return sum(values) / len(values) if values else math.nan
