"""Acceptance and speed of a set of generations, always pooled: sum over sum, never a mean of ratios.

The field reports several things under one name; here acceptance length is committed tokens per verify
forward, bonus token included (Spec-Bench, vLLM, SGLang), and the token committed by the prefill is in
neither sum. So a drafter that never hits gives exactly 1 and one whose depth-k chain always hits k + 1.
"""

from collections import Counter
from collections.abc import Sequence

from offbook.engine.decoding.generation import Generation, Round


def acceptance_length(generations: Sequence[Generation]) -> float:
    """Committed tokens per verify forward (tau), pooled; 1.0 where no verify forward was needed."""
    rounds = _rounds(generations)
    return sum(r.committed for r in rounds) / len(rounds) if rounds else 1.0


def acceptance_rate(generations: Sequence[Generation]) -> float:
    """Accepted over drafted candidate tokens, pooled; nan where nothing was drafted."""
    rounds = _rounds(generations)
    drafted = sum(r.drafted for r in rounds)
    return sum(r.accepted for r in rounds) / drafted if drafted else float("nan")


def acceptance_histogram(generations: Sequence[Generation]) -> dict[int, int]:
    """How many verify rounds accepted exactly k candidates, by k."""
    return dict(sorted(Counter(r.accepted for r in _rounds(generations)).items()))


def conditional_acceptance(generations: Sequence[Generation]) -> list[float]:
    """Entry k-1: share of rounds that accept a k-th candidate among those that accepted k-1 and had one to offer."""
    rounds = _rounds(generations)
    deepest = max((r.offered for r in rounds), default=0)
    shares = []
    for k in range(1, deepest + 1):
        eligible = [r for r in rounds if r.offered >= k]  # which implies that k - 1 were accepted
        shares.append(sum(r.accepted >= k for r in eligible) / len(eligible) if eligible else float("nan"))
    return shares


def finished(generations: Sequence[Generation]) -> float:
    """Share of answers that ended by themselves, at an end token or a stop string; nan where there are none."""
    ended = [g.finish_reason != "length" for g in generations]
    return sum(ended) / len(ended) if ended else float("nan")


def tokens_per_second(generations: Sequence[Generation]) -> float:
    """New tokens over wall time, prefill included, pooled."""
    return sum(len(g.tokens) for g in generations) / sum(g.wall_s for g in generations)


def draft_cost_ratio(generations: Sequence[Generation]) -> float:
    """Seconds spent drafting per second spent in verify forwards, pooled; nan where a share is unknown."""
    if not generations or any(g.draft_s is None or g.target_s is None for g in generations):
        return float("nan")
    target_s = sum(g.target_s or 0.0 for g in generations)
    return sum(g.draft_s or 0.0 for g in generations) / target_s if target_s else float("nan")


def _rounds(generations: Sequence[Generation]) -> list[Round]:
    return [r for g in generations for r in g.rounds]
