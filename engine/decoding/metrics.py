"""Acceptance and speed of a set of generations, always pooled: sum over sum, never a mean of ratios.

The field reports several things under one name; here acceptance length is committed tokens per verify
forward, bonus token included (Spec-Bench, vLLM, SGLang), and the token committed by the prefill is in
neither sum. So a drafter that never hits gives exactly 1 and one whose depth-k chain always hits k + 1.
"""

from collections import Counter
from collections.abc import Sequence

from offbook.engine.decoding.generation import Generation, Round, RoundTime


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


def survival(generations: Sequence[Generation]) -> list[tuple[float, float]]:
    """Entry k-1: predicted and observed share of rounds that accept a k-th candidate, of those with a prediction of it.

    An answer's last round is left out, since tokens behind its end are counted nowhere.
    """
    told = [
        (predicted, r.accepted)
        for g in generations
        for predicted, r in list(zip(g.predicted, g.rounds, strict=bool(g.predicted)))[:-1]
    ]
    found = []
    for k in range(1, 1 + max((len(predicted) for predicted, _ in told), default=0)):
        reaching = [(predicted[k - 1], accepted >= k) for predicted, accepted in told if len(predicted) >= k]
        said, held = (sum(column) / len(reaching) for column in zip(*reaching, strict=True))
        found.append((said, held))
    return found


def finished(generations: Sequence[Generation]) -> float:
    """Share of answers that ended by themselves, at an end token or a stop string; nan where there are none."""
    ended = [g.finish_reason != "length" for g in generations]
    return sum(ended) / len(ended) if ended else float("nan")


def tokens_per_second(generations: Sequence[Generation]) -> float:
    """New tokens over wall time, prefill included, pooled."""
    return sum(len(g.tokens) for g in generations) / sum(g.wall_s for g in generations)


def decode_tokens_per_second(generations: Sequence[Generation]) -> float:
    """Tokens that rounds committed over the seconds of decoding, the prefill in neither, pooled; nan without rounds."""
    tokens = sum(len(g.tokens) - g.prefill_committed for g in generations)
    seconds = sum(g.decode_s for g in generations)
    return tokens / seconds if tokens and seconds else float("nan")


def token_seconds(generations: Sequence[Generation]) -> list[float]:
    """Seconds of each token that a round committed, which share its time; none where those of some are unknown."""
    pairs = zip(_rounds(generations), _times(generations), strict=False)
    return [time.wall_s / r.committed for r, time in pairs for _ in range(r.committed)]


def burst_seconds(generations: Sequence[Generation]) -> list[float]:
    """Seconds of each round: how long a reader waits for the next tokens, however many come; none as above."""
    return [time.wall_s for time in _times(generations)]


def time_split(generations: Sequence[Generation]) -> tuple[float, float, float]:
    """Shares of the seconds of rounds in the drafter, in the target, and in the loop around them; nan where unknown."""
    times = _times(generations)
    whole = sum(time.wall_s for time in times)
    if not whole or any(time.draft_s is None or time.target_s is None for time in times):
        return (float("nan"),) * 3
    draft, target = sum(time.draft_s or 0.0 for time in times), sum(time.target_s or 0.0 for time in times)
    return draft / whole, target / whole, max(0.0, 1 - (draft + target) / whole)


def break_even(generations: Sequence[Generation], plain: Sequence[Generation]) -> float:
    """The acceptance length at which decoding is as fast as `plain`: seconds a round over its seconds a token."""
    rounds, speed = _rounds(generations), decode_tokens_per_second(plain)
    return sum(g.decode_s for g in generations) / len(rounds) * speed if rounds else float("nan")


def draft_cost_ratio(generations: Sequence[Generation]) -> float:
    """Seconds spent drafting per second spent in verify forwards, pooled; nan where a share is unknown."""
    if not generations or any(g.draft_s is None or g.target_s is None for g in generations):
        return float("nan")
    target_s = sum(g.target_s or 0.0 for g in generations)
    return sum(g.draft_s or 0.0 for g in generations) / target_s if target_s else float("nan")


def draft_ms_per_round(generations: Sequence[Generation]) -> float:
    """Milliseconds in the drafter per verify forward, pooled; nan without rounds or where a share is unknown."""
    rounds = _rounds(generations)
    if not rounds or any(g.draft_s is None for g in generations):
        return float("nan")
    return 1000 * sum(g.draft_s or 0.0 for g in generations) / len(rounds)


def _rounds(generations: Sequence[Generation]) -> list[Round]:
    return [r for g in generations for r in g.rounds]


def _times(generations: Sequence[Generation]) -> list[RoundTime]:
    """Of all rounds; none where those of some answers are unknown, for the others are another kind: the short ones."""
    if any(g.rounds and not g.times for g in generations):
        return []
    return [time for g in generations for time in g.times]
