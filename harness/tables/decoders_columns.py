"""The leaderboard's columns: what each is called, means, and where it is shown."""

import pandas as pd

from offbook.engine.counted import counted
from offbook.harness.records.accuracy import is_accuracy
from offbook.harness.tables.columns import EVERYWHERE, MISSING, PAGE, Column, bullet, definitions, differing, documents
from offbook.harness.tables.decoders_speed_columns import SPEED
from offbook.harness.tables.dimensions import ALL_SUITES, CHECKPOINT, DECODER, MODEL, RUN, STUDENT
from offbook.harness.tables.markdown import number
from offbook.harness.tables.rows import Row

LEVELS = (1, 2, 3, 4, 5, 6)  # of a tree, in CSV
POSITIONS = LEVELS[:4]  # of these what pages show
AT = [f"acceptance_at_{k}" for k in LEVELS]
PREDICTED = [f"survival_predicted_at_{k}" for k in POSITIONS]
SURVIVED = [f"survival_at_{k}" for k in POSITIONS]


def _pooled(rows: pd.DataFrame) -> bool:
    return bool(rows["suite"].eq(ALL_SUITES).any())


def _right_or_wrong(rows: pd.DataFrame) -> bool:
    return _pooled(rows) or all(map(is_accuracy, rows["metric"]))


def _scored(rows: pd.DataFrame) -> bool:
    return not _right_or_wrong(rows)


def _several_sizes(rows: pd.DataFrame) -> bool:
    """Rows over different suites are not comparable, so they say so."""
    return _pooled(rows) and differing("n_suites")(rows)


def _greedy(row: Row) -> bool:
    """At temperature 0 a rerun gives the same answers, and so the same scores."""
    return bool(row["temperature"] == 0)


def _over(row: Row) -> str:
    over = f"{row['accuracy_docs']} docs, {counted(row['accuracy_suites'], 'suite')}"
    return over if row["accuracy_docs"] else "-"


def _accepted(row: Row) -> str:
    return " / ".join(number(row[name], 2) for name in AT[: len(POSITIONS)])


def _survived(row: Row) -> str:
    return " / ".join(
        f"{number(row[said], 2)} ({number(row[held], 2)})" for said, held in zip(PREDICTED, SURVIVED, strict=True)
    )


def _predicted(rows: pd.DataFrame) -> bool:
    return bool(rows[PREDICTED[0]].notna().any())


def _ranks(rows: pd.DataFrame) -> bool:
    """Where the plan is known."""
    return "rank" in rows and _pooled(rows)


COLUMNS = (
    Column(
        name="rank",
        heading="Rank",
        kind="number",
        digits=0,
        shown_in=("markdown", "terminal"),
        shown_for=_ranks,
        spared=1,
    ),
    *MODEL,
    *STUDENT,
    *CHECKPOINT,
    Column(name="seed", heading="Seed", kind="whole", shown_in=EVERYWHERE, shown_for=differing("seed"), rerun="row"),
    Column(
        name="semantics",
        heading="Scored by semantics",
        kind="whole",
        shown_in=EVERYWHERE,
        shown_for=differing("semantics"),
    ),
    Column(
        name="n_suites", heading="Suites", unit="suites", kind="whole", shown_in=EVERYWHERE, shown_for=_several_sizes
    ),
    *DECODER,
    MISSING,
    *RUN,
    Column(
        name="temperature",
        heading="T",
        kind="number",
        digits=1,
        shown_in=("csv", "terminal"),
        written=lambda row: f"{row['temperature']:g}",
        rerun="row",
    ),
    Column(name="top_k", heading="Top k", kind="whole", shown_in=EVERYWHERE, shown_for=differing("top_k")),
    Column(name="top_p", heading="Top p", kind="number", shown_in=EVERYWHERE, shown_for=differing("top_p")),
    Column(name="suite", rerun="row"),
    Column(name="max_new_tokens", unit="tokens", kind="number"),
    Column(
        name="n_docs",
        heading="Docs",
        unit="documents",
        kind="whole",
        shown_in=("csv", "markdown", "terminal"),
        spared=2,
        written=documents,
        definition="""documents; behind a slash, how many clusters of like ones they come in (one story with other
            numbers and people), where they do. Clusters are then what intervals take for independent.""",
    ),
    Column(name="n_clusters", unit="clusters", kind="whole"),
    Column(name="new_tokens", unit="tokens", kind="whole"),
    Column(
        name="finished",
        heading="Finished",
        unit="share",
        kind="share",
        shown_in=EVERYWHERE,
        spared=3,
        definition="""share of answers that ended by themselves, before the cap on new tokens. What is cut can hardly be
            right, so where few finish, accuracy says little of the model.""",
    ),
    Column(name="metric"),
    Column(
        name="accuracy",
        heading="Accuracy",
        unit="share",
        kind="number",
        interval=True,
        shown_in=EVERYWHERE,
        shown_for=_right_or_wrong,
        rerun="interval",
        rerun_for=_greedy,
        definition="share of right answers, in suites that are scored right or wrong.",
    ),
    Column(
        name="over",
        heading="Over",
        shown_in=("markdown", "terminal"),
        shown_for=_pooled,
        spared=4,
        written=_over,
        definition="how many documents of how many suites the accuracy is over.",
    ),
    Column(name="accuracy_suites", unit="suites", kind="whole"),
    Column(name="accuracy_docs", unit="documents", kind="whole"),
    Column(
        name="score",
        heading="Score",
        unit="of the metric",
        kind="number",
        interval=True,
        behind="metric",
        shown_in=PAGE,
        shown_for=_scored,
        rerun="interval",
        rerun_for=_greedy,
        definition="""of suites that are not scored right or wrong, under its own name and in no accuracy: `answered`
            (there is an answer at all), `rouge1` (words shared with a reference), or `defined` (code with a
            function of the right name, where the machine could not run it safely; see the README of
            tasks/prompts).""",
    ),
    Column(
        name="acceptance_length",
        heading="Acceptance length",
        unit="tokens per forward",
        kind="number",
        interval=True,
        shown_in=EVERYWHERE,
        rerun="interval",
        definition="""new tokens per verify forward of the target, the bonus token included, the token that the prefill
            commits left out; sum over sum. A drafter that never hits has 1.""",
    ),
    Column(
        name="acceptance_by_position",
        heading="Accepted at 1/2/3/4",
        shown_in=("markdown",),
        written=_accepted,
        definition="""share of rounds that accept a k-th candidate among those that accepted k - 1 and had one to offer
            behind them; the k-th candidate of a round is one of level k of the tree.""",
    ),
    *(Column(name=name, unit="share", kind="number") for name in AT),
    Column(
        name="survival_by_position",
        heading="Predicted (survived) at 1/2/3/4",
        shown_in=("markdown",),
        shown_for=_predicted,
        written=_survived,
        definition="""of rounds that verify candidates of depth k, the share that the controller, or else the drafter's
            own estimates, predicted to accept one, and in brackets the share that did. The last round of an answer is
            left out.""",
    ),
    *(Column(name=name, unit="share", kind="number") for name in (*PREDICTED, *SURVIVED)),
    *SPEED,
    Column(
        name="draft_cost_ratio",
        heading="Draft cost",
        unit="s/s",
        kind="number",
        shown_in=PAGE,
        rerun="timing",
        definition="seconds in the drafter per second in verify forwards.",
    ),
    Column(name="draft_ms_per_round", unit="ms", kind="number", rerun="timing"),
    Column(name="target_forwards", heading="Target forwards", unit="forwards", kind="whole", shown_in=PAGE),
    Column(name="draft_forwards", unit="forwards", kind="whole"),
    Column(
        name="draft_forwards_per_round",
        heading="Drafts per round",
        unit="forwards per forward",
        kind="number",
        digits=1,
        shown_in=PAGE,
        definition="draft forwards per verify forward.",
    ),
    Column(
        name="losslessness",
        heading="Lossless?",
        shown_in=EVERYWHERE,
        rerun="test",
        definition="""at temperature 0, answers whose token ids equal the baseline's; a *tie* is a first difference
            where the target's own top two logits are closer than rounding. Above 0, the verifier (of transformers'
            own rows the whole decoder, on a small model) against an exact target: measured total variation, its
            upper bound, and the p-value of a chi-square test. DIFFERS means that the output is changed.""",
    ),
    Column(name="drafter_parameters", heading="Drafter params", unit="parameters", kind="count", shown_in=PAGE),
    Column(name="training_tokens", heading="Trained on tokens", unit="tokens", kind="count", shown_in=PAGE),
    Column(name="drafter_gradient_tokens", unit="tokens", kind="count"),
    Column(name="drafter_training_flops", unit="operations", kind="count"),
    Column(name="levels_by_pass"),
    Column(name="trained_in"),
    Column(name="peak_mib", heading="Peak MiB", unit="MiB", kind="number", digits=0, shown_in=PAGE, rerun="timing"),
    Column(name="prefill_s", unit="s", kind="number", rerun="timing"),
    Column(name="decode_s", unit="s", kind="number", rerun="timing"),
    Column(name="heat_id"),
    Column(name="setting"),
    Column(name="key"),
)

DEFINITIONS = "\n".join(
    [
        "Written by `offbook report` from the committed records; not edited by hand. Square brackets hold 95 %",
        "intervals over documents, or over clusters of like ones; where there are none, the data cannot give one.",
        "On pages, decoders on the same documents stand in the order of their speed-up over the fastest plain row.",
        "",
        *definitions(COLUMNS),
        bullet(
            """A verify forward of many tokens costs more than one of a single token, on a CPU most where weights are
            small (layout packed); so drafting that no controller cuts may be slower than none. The counts (acceptance
            length, forwards) are what carries over to other machines; seconds are not."""
        ),
    ]
)
