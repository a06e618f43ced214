"""What an exam measured beside a student's answers, as fields of a row: form, likelihood, mass, NLL of right answers.

Old exams measured none of it, and have unknown values. Each has an interval over clusters of items and over training
seeds, as accuracy has; those that forgetting is read on have their change from the untouched model too.
"""

import math
from collections.abc import Sequence

import numpy as np

from offbook.harness.records.choice_scores import ChoiceScores
from offbook.harness.records.divergence import KINDS, Kind
from offbook.harness.records.exam import AnswerRow
from offbook.harness.statistics import crossed as stats
from offbook.harness.statistics.clusters import by_cluster, cluster_name
from offbook.harness.statistics.intervals import Floats
from offbook.harness.tables.cohorts import NO_ESTIMATE, Examinee, Of, bounds, difference


def _form(row: AnswerRow) -> float | None:
    return None if row.by_choice is None else float(row.by_choice.formed)


def _by_likelihood(row: AnswerRow) -> float | None:
    return None if row.by_choice is None else float(row.by_choice.right_by_likelihood)


def _by_character(row: AnswerRow) -> float | None:
    return None if row.by_choice is None else float(row.by_choice.right_by_character)


def _mass(row: AnswerRow) -> float | None:
    return None if row.by_choice is None else row.by_choice.mass


def _gold_nll(row: AnswerRow) -> float | None:
    return row.gold_nll


def _chance(row: AnswerRow) -> float | None:
    return None if row.by_choice is None else 1 / len(row.by_choice.loglikelihoods)


def _above(row: AnswerRow) -> float | None:
    """What an answer that names a choice is right beyond guessing; 0 for one that names none."""
    return None if row.by_choice is None else _beyond_guessing(row.by_choice)


MEASURES: dict[str, Of] = {
    "form": _form,
    "likelihood_acc_norm": _by_character,
    "likelihood_acc": _by_likelihood,
    "choice_mass": _mass,
    "gold_nll": _gold_nll,
}
CHANGES = ("form", "likelihood_acc_norm", "likelihood_acc", "gold_nll")


def measures(examinee: Examinee, base: Examinee | None, suites: Sequence[str]) -> dict[str, float]:
    """The fields of a row over these suites.

    Args:
        examinee: a student, or the untouched model.
        base: the untouched model, where there is one.
        suites: of the row.
    """
    fields: dict[str, float] = {"n_choice_items": len(examinee.scores(suites, _form)[0])}
    for name, of in MEASURES.items():
        items, values_IS = examinee.scores(suites, of)
        interval = stats.accuracy_interval(values_IS, examinee.clusters(suites, of)) if items else None
        fields |= {name: float(values_IS.mean()) if items else math.nan, **bounds(name, interval)}
    for name in CHANGES:
        change = NO_ESTIMATE
        if base is not None and not examinee.untouched:
            change = difference(examinee, base, suites, of=MEASURES[name])
        fields |= _told(f"{name}_change", change)
    fields |= _above_guessing(examinee, suites)
    fields["likelihood_guessing"] = _mean(examinee, suites, _chance)
    for kind in KINDS:
        fields |= _divergence(examinee, kind)
    return fields


def differences(a: Examinee, b: Examinee, suites: Sequence[str]) -> dict[str, float]:
    """The fields of a comparison: a minus b of what forgetting is read on, paired by item as accuracy is."""
    fields: dict[str, float] = {}
    for name in CHANGES:
        fields |= _told(f"{name}_difference", difference(a, b, suites, of=MEASURES[name]))
    return fields


def _told(field: str, found: stats.Estimate) -> dict[str, float]:
    bound = math.inf if field.startswith("gold_nll") else 1.0  # of shares
    return {field: found.mean, **bounds(field, stats.t_interval(found, bound=bound))}


def _mean(examinee: Examinee, suites: Sequence[str], of: Of) -> float:
    """Over items and seeds; unknown without any."""
    _, values_IS = examinee.scores(suites, of)
    return float(values_IS.mean()) if values_IS.size else math.nan


def _above_guessing(examinee: Examinee, suites: Sequence[str]) -> dict[str, float]:
    """Of answers that name one choice, the share that is right, minus what guessing among theirs would get.

    A ratio of sums, so its interval is that of the mean of r + (a_i - r b_i) / mean(b), each item's influence on it.
    """
    name = "above_guessing"
    items, named_IS = examinee.scores(suites, _form)
    if not items or not named_IS.any():
        return {name: math.nan, **bounds(name, None)}
    _, beyond_IS = examinee.scores(suites, _above)
    ratio = float(beyond_IS.sum() / named_IS.sum())
    influence_IS: Floats = ratio + (beyond_IS - ratio * named_IS) / named_IS.mean()
    found = stats.estimate(by_cluster(influence_IS, examinee.clusters(suites, _form)))
    return {name: ratio, **bounds(name, stats.t_interval(found, bound=1.0))}


def _divergence(examinee: Examinee, kind: Kind) -> dict[str, float]:
    """KL(untouched ‖ student) a token over texts of a kind; unknown where seeds were held against different texts."""
    name = f"kl_{kind}"
    by_seed = [
        {(text.id, text.cluster, text.tokens): text.nats for text in exam.record.divergence if text.kind == kind}
        for exam in examinee.exams
    ]
    texts = list(by_seed[0])
    if not texts or any(seed.keys() != by_seed[0].keys() for seed in by_seed):
        return {name: math.nan, **bounds(name, None)}
    mean_tokens = sum(tokens for *_, tokens in texts) / len(texts)
    values_IS = np.array([[seed[text] for seed in by_seed] for text in texts], dtype=np.float64) / mean_tokens
    clusters = [cluster_name(kind, place, cluster) for place, (_, cluster, _) in enumerate(texts)]
    return {name: float(values_IS.mean()), **bounds(name, stats.accuracy_interval(values_IS, clusters))}


def _beyond_guessing(scores: ChoiceScores) -> float:
    return float(scores.named == scores.right) - scores.guessing if scores.formed else 0.0
