"""An answer with what was drafted in it marked, and its rounds in lines."""

from collections.abc import Callable, Iterator, Sequence

from offbook.engine.decoding import metrics
from offbook.engine.decoding.generation import Generation

BEGIN, END = "\u00ab", "\u00bb"


def marked(generation: Generation, detokenize: Callable[[Sequence[int]], str]) -> str:
    """The answer; tokens that were drafted and accepted stand between marks.

    A character whose bytes lie on both sides of a mark stands behind it.
    """
    text, written = "", ""
    for tokens, drafted in _spans(generation):
        whole = detokenize(generation.tokens[:tokens])
        settled = whole.rstrip("\ufffd") if tokens < len(generation.tokens) else whole
        piece, written = settled[len(written) :], settled
        text += f"{BEGIN}{piece}{END}" if drafted and piece else piece
    return text


def _spans(generation: Generation) -> Iterator[tuple[int, bool]]:
    """Where each run of tokens ends, and whether it was drafted."""
    end = generation.prefill_committed
    yield end, False
    for one in generation.rounds:
        yield end + one.accepted, True
        end += one.committed
        yield end, False


def account_of(generation: Generation) -> str:
    """Where the seconds of decoding went, and how many candidates rounds accepted, by level too, in one line."""
    counts = ", ".join(f"{n} x {k}" for k, n in metrics.acceptance_histogram([generation]).items())
    told = f"first token after {generation.prefill_s:.3f} s; "
    if levels := metrics.conditional_acceptance([generation]):
        told += f"accepted at level 1 to {len(levels)}: {' / '.join(f'{share:.0%}' for share in levels)}; "
    told += f"rounds that accepted k candidates: {counts or 'none'}"
    draft, target, host = metrics.time_split([generation])
    if draft != draft:
        return told
    return f"{told}; drafting {draft:.0%}, target {target:.0%}, loop {host:.0%} of the rounds' time"


def round_lines(generation: Generation) -> Iterator[str]:
    """A line a round."""
    for number, one in enumerate(generation.rounds, start=1):
        line = f"{number:4}  drafted {one.drafted:3}  accepted {one.accepted:3}  committed {one.committed:3}"
        if number <= len(generation.times):
            line += f"  {1000 * generation.times[number - 1].wall_s:8.2f} ms"
        yield line


def rounds_json(generation: Generation) -> list[dict[str, float]]:
    """The same for programs."""
    found = []
    for number, one in enumerate(generation.rounds):
        told: dict[str, float] = {"drafted": one.drafted, "accepted": one.accepted, "committed": one.committed}
        if number < len(generation.times):
            told["wall_s"] = generation.times[number].wall_s
        found.append(told)
    return found
