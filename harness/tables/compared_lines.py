"""The lines of a comparison: a pair and a quantity each, with both values, their distance, its interval and a verdict.

Decoders are compared by right answers, acceptance and speed, students by right answers: document by document, over
clusters of like ones, as `decoder_comparisons` and `student_comparisons` do it. Where a verdict would say more than was
measured it is "open", and `why` says why. Speed is judged inside of a heat only.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from offbook.harness.statistics import crossed as stats
from offbook.harness.statistics.clusters import by_cluster, cluster_totals
from offbook.harness.statistics.intervals import Interval
from offbook.harness.tables.cohorts import Examinee, difference, items_test, seeds_known
from offbook.harness.tables.compared_pairs import Contender, same_suites
from offbook.harness.tables.decoder_comparisons import ACCEPTS, SPEED, TIE
from offbook.harness.tables.paired_decoders import LEAST, Measured, compared
from offbook.harness.tables.told import EXACT

RIGHT, METHOD, ACCEPTANCE, RATE, SAME = "right", "right, any seed", "acceptance", "tokens/s", "same answers"
BETTER = ("better", "worse")
WORDS = {RIGHT: BETTER, METHOD: BETTER, ACCEPTANCE: ACCEPTS, RATE: SPEED}
OPEN = "open"
FEW = f"fewer than {LEAST} documents"
OTHER_TEXT = "another text than the target's"
OTHER_HEATS = "of other heats"
ONE_SEED = "a single seed"
Line = dict[str, Any]


def of_decoders(a: Contender, b: Contender) -> Iterator[Line]:
    """The lines of two decoders; none where they share no documents."""
    shared = _shared_cells(a, b)
    if shared is None:
        return
    (ours, of_a), (theirs, of_b) = shared
    row = compared(of_a, of_b)
    few = FEW if row["n_docs"] < LEAST else ""
    exact = all(cell.record.certificate.verdict in EXACT for cell in (*ours.cells, *theirs.cells))
    heats = [[cell.record.heat_id for cell in who.cells] for who in (ours, theirs)]
    head: Line = {"what": "decoder", "a": a.label, "b": b.label, "group": ""}
    head |= {name: row[name] for name in ("n_suites", "n_docs", "n_clusters")}
    yield from _right_answers(head, of_a, of_b)
    yield {
        **head,
        **_numbers(
            ACCEPTANCE, row["acceptance_a"], row["acceptance_b"], row["acceptance_difference"], row["p_acceptance"]
        ),
        **_ends(row, "acceptance_difference"),
        "why": few or ("" if exact else OTHER_TEXT),
    }
    yield {
        **head,
        **_numbers(RATE, row["tokens_per_s_a"], row["tokens_per_s_b"], row["speed_ratio"], row["p_speed"]),
        **_ends(row, "speed_ratio"),
        "why": few or ("" if exact else OTHER_TEXT) or ("" if heats[0] == heats[1] else OTHER_HEATS),
    }
    same = sum(one == other for one, other in zip(of_a.tokens, of_b.tokens, strict=True))
    yield {**head, **_numbers(SAME, math.nan, math.nan, same / row["n_docs"], math.nan), **_no_ends(), "why": ""}


def of_students(a: Examinee, b: Examinee) -> Iterator[Line]:
    """The lines of two students, a group of suites each; none where they share no suite that is scored right or wrong.

    Raises:
        ValueError: seeds that answered other documents.
    """
    same = same_suites(a.spec, b.spec)
    groups = {suite.name: suite.group for suite in a.spec.suites if suite.name in same and _is_scored(a, b, suite.name)}
    for group in sorted(set(groups.values())):
        names = [name for name, of in groups.items() if of == group]
        (items, ours), (_, theirs), clusters = a.scores(names), b.scores(names), a.clusters(names)
        head: Line = {"what": "student", "a": _student(a), "b": _student(b), "group": group}
        head |= {"n_suites": len(names), "n_docs": len(items), "n_clusters": len(set(clusters))}
        values = float(ours.mean()), float(theirs.mean())
        over_items = difference(a, b, names, over_seeds=False)
        yield {
            **head,
            **_numbers(RIGHT, *values, over_items.mean, items_test(a, b, names)),
            **_interval(stats.t_interval(over_items, bound=1.0)),
            "why": "",
        }
        if max(len(a.exams), len(b.exams)) > 1:
            whole, known = difference(a, b, names), seeds_known(a, b)
            p = max(items_test(a, b, names), stats.t_test(whole)) if known else math.nan
            yield {
                **head,
                **_numbers(METHOD, *values, whole.mean, p),
                **(_interval(stats.t_interval(whole, bound=1.0)) if known else _no_ends()),
                "why": "" if known else ONE_SEED,
            }


def judged(lines: Sequence[Line]) -> list[Line]:
    """The lines with Holm's correction over all of a quantity that may be judged, and a word for what it leaves."""
    found = [{**line, "p_corrected": math.nan, "family": 0, "verdict": _without_a_test(line)} for line in lines]
    for quantity, words in WORDS.items():
        family = [line for line in found if line["quantity"] == quantity and not line["why"]]
        for line, p in zip(family, stats.holm([line["p"] for line in family]), strict=True):
            better = line["change"] > (1 if quantity == RATE else 0)
            word = TIE if p > stats.ALPHA else words[0] if better else words[1]
            line |= {"p_corrected": p, "family": len(family), "verdict": word}
    return found


def _without_a_test(line: Line) -> str:
    return "-" if line["quantity"] == SAME else OPEN


def _shared_cells(a: Contender, b: Contender) -> tuple[tuple[Contender, Measured], tuple[Contender, Measured]] | None:
    """Both over the suites and documents that they share; None where there are none."""
    same = {name for name, asked in a.asked().items() if b.asked().get(name) == asked}
    if not same:
        return None
    ours, theirs = (
        Contender(cells=tuple(cell for cell in who.cells if cell.record.spec.suite in same)) for who in (a, b)
    )
    of_a, of_b = Measured.of(ours.cells), Measured.of(theirs.cells)
    documents = set(of_a.documents) & set(of_b.documents)
    return ((ours, of_a.on(documents)), (theirs, of_b.on(documents))) if documents else None


def _right_answers(head: Line, a: Measured, b: Measured) -> Iterator[Line]:
    """Of the suites that are scored right or wrong on both sides; none where there are none."""
    scored = {
        document
        for document, ours, theirs in zip(a.documents, a.scores, b.scores, strict=True)
        if not (math.isnan(ours) or math.isnan(theirs))
    }
    if not scored:
        return
    a, b = a.on(scored), b.on(scored)
    ours_I1, theirs_I1 = (np.asarray(side.scores, dtype=np.float64)[:, None] for side in (a, b))
    found = stats.difference(by_cluster(ours_I1, a.clusters), by_cluster(theirs_I1, a.clusters))
    p = stats.sign_flip_test(cluster_totals(ours_I1 - theirs_I1, a.clusters)[:, 0].tolist())
    yield {
        **head,
        "n_suites": len({suite for suite, _ in a.documents}),
        "n_docs": len(scored),
        "n_clusters": len(set(a.clusters)),
        **_numbers(RIGHT, float(ours_I1.mean()), float(theirs_I1.mean()), found.mean, p),
        **_interval(stats.t_interval(found, bound=1.0)),
        "why": FEW if len(scored) < LEAST else "",
    }


def _is_scored(a: Examinee, b: Examinee, suite: str) -> bool:
    return a.is_share(suite) and b.is_share(suite)


def _student(examinee: Examinee) -> str:
    seeds = len(examinee.exams)
    if examinee.untouched:
        return examinee.label
    if seeds > 1:
        return f"{examinee.label}, {seeds} seeds"
    return f"{examinee.label}, seed {examinee.spec.student.seed}"


def _numbers(quantity: str, a: float, b: float, change: float, p: float) -> Line:
    return {"quantity": quantity, "value_a": a, "value_b": b, "change": change, "p": p}


def _ends(row: Any, name: str) -> Line:
    return {"change_low": row[f"{name}_low"], "change_high": row[f"{name}_high"]}


def _interval(found: Interval | None) -> Line:
    return _no_ends() if found is None else {"change_low": found.low, "change_high": found.high}


def _no_ends() -> Line:
    return {"change_low": math.nan, "change_high": math.nan}
