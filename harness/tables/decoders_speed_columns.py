"""The leaderboard's columns of speed: what each is called, means, and where it is shown."""

from collections.abc import Callable

from offbook.harness.tables.columns import EVERYWHERE, PAGE, Column
from offbook.harness.tables.decoders_speed import QUANTILES
from offbook.harness.tables.markdown import number, share
from offbook.harness.tables.rows import Row

SHARES = ("draft_share", "target_share", "host_share")


def _quantiles(name: str) -> Callable[[Row], str]:
    return lambda row: " / ".join(number(row[f"{name}_{which}"], 1) for which in QUANTILES)


def _split(row: Row) -> str:
    return " / ".join(share(row[name]) for name in SHARES)


SPEED = (
    Column(
        name="tokens_per_s",
        heading="Tokens/s",
        unit="tokens/s",
        kind="number",
        digits=1,
        interval=True,
        shown_in=EVERYWHERE,
        rerun="timing",
        definition="new tokens over seconds, the prefill included; sum over sum.",
    ),
    Column(
        name="speedup",
        heading="Speed-up",
        kind="number",
        interval=True,
        shown_in=EVERYWHERE,
        rerun="timing",
        definition="""tokens per second over those of plain decoding in the same layout of the weights and the same
            heat, that is in the same process, document by document. Sums over sums, the prefill included on both sides.
            It says what drafting gains.""",
    ),
    Column(
        name="speedup_fastest",
        heading="Over fastest plain",
        kind="number",
        interval=True,
        shown_in=("csv", "markdown"),
        rerun="timing",
        definition="""the same over the fastest row of the heat that drafts nothing and says what the target says, of
            whatever layout: whether one should use it. Contenders are ranked by it.""",
    ),
    Column(
        name="speedup_decode",
        heading="Decoding only",
        kind="number",
        interval=True,
        shown_in=PAGE,
        rerun="timing",
        definition="speed-up in the same layout over the seconds of rounds, the prefill on neither side.",
    ),
    Column(
        name="speedup_decode_fastest",
        heading="Decoding only, over fastest plain",
        kind="number",
        interval=True,
        shown_in=PAGE,
        rerun="timing",
    ),
    Column(
        name="break_even",
        heading="Breaks even at",
        kind="number",
        shown_in=PAGE,
        rerun="timing",
        definition="""the acceptance length at which decoding would be as fast as plain decoding in the same layout:
            seconds of a round over those of a plain token.""",
    ),
    Column(name="decode_tokens_per_s", unit="tokens/s", kind="number", digits=1, rerun="timing"),
    Column(
        name="first_token_s",
        heading="First token",
        unit="s",
        kind="number",
        digits=3,
        shown_in=PAGE,
        rerun="timing",
        definition="seconds to the first token, the median of the documents.",
    ),
    *(
        Column(name=f"{what}_{which}", unit="ms", kind="number", digits=1, rerun="timing")
        for what in ("token_ms", "burst_ms")
        for which in QUANTILES
    ),
    Column(
        name="token_quantiles",
        heading="Token ms",
        shown_in=("markdown",),
        written=_quantiles("token_ms"),
        definition="""milliseconds of a token, median / 90 % / 99 % of all tokens; the tokens of one round share its
            time.""",
    ),
    Column(
        name="burst_quantiles",
        heading="Burst ms",
        shown_in=("markdown",),
        written=_quantiles("burst_ms"),
        definition="the same of rounds: how long a reader waits for the next tokens, however many come at once.",
    ),
    Column(
        name="split",
        heading="Draft/verify/host",
        shown_in=("markdown",),
        written=_split,
        definition="shares of the seconds of rounds in the drafter, in the target with verification, and in the loop.",
    ),
    *(Column(name=name, unit="share", kind="number", rerun="timing") for name in SHARES),
    Column(
        name="floor_share",
        heading="Share of floor",
        unit="share",
        kind="share",
        shown_in=PAGE,
        rerun="timing",
        definition="""seconds in which this machine's memory gives every weight once, over the seconds of a round: no
            decoder of one token a round is faster than 100 %.""",
    ),
    Column(name="acceptance_histogram"),
)
