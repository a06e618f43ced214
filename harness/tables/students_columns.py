"""The columns of the table of students: what each is called, means, and where it is shown.

Its page shows several tables of the same rows: the groups side by side, and each suite.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from offbook.harness.tables.activity import COLUMNS as OF_ACTIVITY
from offbook.harness.tables.columns import EVERYWHERE, Column, Place, differing, documents, pick
from offbook.harness.tables.rows import Row
from offbook.harness.tables.students_measures_columns import MEASURED, any_known

GROUPS: dict[str, str] = {  # those of `tasks.exam_groups`, in the order in which tables have them
    "id": "ID",
    "two_steps": "ID, two steps",
    "forgetting": "Forgetting",
    "rehearsed": "Rehearsed",
    "form": "Form suites",
    "ood": "OOD",
}
PRECISIONS = {"no": "fp32", "bf16": "bf16", "bf16, no": "bf16, fp32"}  # those of a student's seeds
DTYPES = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
PEOPLE: tuple[Place, ...] = ("markdown", "terminal")
PAGE: tuple[Place, ...] = ("csv", "markdown")
# Whether a method acted, beside what it cost; `tables.activity` has more, and what each means.
ACTIVITY = tuple(
    replace(column, shown_in=PAGE, shown_for=any_known(column.name))
    for column in pick(OF_ACTIVITY, "visits", "met_again", "set_changed", "kept", "meta_steps", "consistency")
)


def in_order(groups: Iterable[str]) -> list[str]:
    """Groups that there are, as tables have them."""
    found = {*groups}
    return [group for group in GROUPS if group in found]


def _seeds(row: Row) -> str:
    """How many, and of how many where some have not sat their exam."""
    if row["corpus"] == "":
        return "-"
    return f"{row['seeds']} of {row['seeds'] + row['missing_seeds']}" if row["missing_seeds"] else f"{row['seeds']}"


COLUMNS = (
    Column(name="model", heading="Model", shown_in=("csv", "terminal"), rerun="row"),
    Column(name="revision"),
    Column(name="student", rerun="row"),
    Column(name="label", heading="Student", shown_in=PEOPLE),
    Column(name="method"),
    Column(name="method_options"),
    Column(name="student_setting"),
    Column(name="layout", heading="Layout", shown_in=EVERYWHERE, shown_for=differing("layout")),
    Column(name="dtype"),
    Column(name="chat_template", kind="truth"),
    Column(name="max_new_tokens", unit="tokens", kind="whole"),  # "": each document's own
    Column(name="semantics", kind="whole"),
    Column(name="group", heading="Group", shown_in=("csv", "terminal"), rerun="row"),
    Column(name="suite", rerun="row"),
    Column(name="origin"),
    Column(name="seeds", heading="Seeds", unit="seeds", kind="whole", shown_in=EVERYWHERE, written=_seeds),
    Column(name="training_seeds"),
    Column(name="n_suites", unit="suites", kind="whole"),
    Column(
        name="n_items",
        heading="Items",
        unit="items",
        kind="whole",
        shown_in=EVERYWHERE,
        written=lambda row: documents(row, "n_items"),
        definition="""questions; behind a slash, how many groups of like ones they come in (one story with other
            numbers and people), where they do. Groups are then what intervals and tests take for independent items.""",
    ),
    Column(name="n_clusters", unit="clusters", kind="whole"),
    Column(name="metric"),
    Column(
        name="score",
        heading="Score",
        unit="of the metric",
        kind="number",
        digits=1,
        scale=100,
        interval=True,
        behind="metric",
        shown_in=PAGE,
        rerun="interval",
    ),
    Column(
        name="accuracy",
        heading="Accuracy",
        unit="share",
        kind="number",
        digits=1,
        scale=100,
        interval=True,
        shown_in=EVERYWHERE,
        rerun="interval",
    ),
    Column(name="guessing", unit="share", kind="number", digits=1, scale=100),
    Column(
        name="seed_sd",
        heading="Seed sd",
        unit="share",
        kind="number",
        digits=1,
        scale=100,
        shown_in=PAGE,
        definition="standard deviation of the accuracy over training seeds, in points.",
    ),
    Column(
        name="change",
        heading="Change",
        unit="share",
        kind="number",
        digits=1,
        scale=100,
        sign="+",
        interval=True,
        shown_in=EVERYWHERE,
        rerun="interval",
        definition="""accuracy minus that of the untouched model on the same items, in points. Below 0 where
            questions are of other kinds it is forgetting, or lost form.""",
    ),
    *MEASURED,
    Column(
        name="gradient_tokens",
        heading="Gradient tokens",
        unit="tokens",
        kind="count",
        shown_in=EVERYWHERE,
        rerun="beside",
        definition="""response tokens whose loss was differentiated, counted each time; equal budgets are compared.""",
    ),
    Column(
        name="kept_tokens",
        heading="Kept at",
        unit="tokens",
        kind="count",
        shown_in=PAGE,
        definition="""how many lay behind the weights that were examined: all where these are the mean over the last
            steps, fewer where they are the best of several by development score.""",
    ),
    Column(
        name="distinct_sequences",
        heading="Distinct sequences",
        unit="sequences",
        kind="count",
        shown_in=PAGE,
        definition="how many different responses all of them belong to.",
    ),
    Column(
        name="steps",
        heading="Steps",
        unit="steps",
        kind="number",
        digits=0,
        shown_in=PAGE,
        definition="of the optimiser.",
    ),
    Column(
        name="tries",
        heading="Tries",
        unit="settings",
        kind="number",
        digits=0,
        shown_in=PAGE,
        shown_for=any_known("tries"),
        definition="""how many settings of its method were tried on development questions before these were chosen, with
            these; "-" where nobody said.""",
    ),
    *ACTIVITY,
    Column(
        name="prepare_s",
        heading="Prepare s",
        unit="s",
        kind="number",
        digits=0,
        shown_in=PAGE,
        rerun="timing",
        definition="""seconds of what a base model and corpus need once for all seeds (MIND's vectors of rationales
            and losses of the untouched model); "-" where it was not measured.""",
    ),
    Column(
        name="mixed_precision",
        heading="Precision",
        shown_in=PAGE,
        written=lambda row: PRECISIONS.get(row["mixed_precision"], row["mixed_precision"]) or "-",
        definition="""of the matrix products in training, as the machine had it or as it was asked; weights and sums
            are fp32.""",
    ),
    Column(
        name="saved_dtype",
        heading="Stored",
        shown_in=PAGE,
        written=lambda row: ", ".join(DTYPES.get(name, name) for name in row["saved_dtype"].split(", ")) or "-",
        definition="""number format that the student's weights are stored and examined in: bf16 where its development
            score does not fall by it.""",
    ),
    Column(
        name="train_s",
        heading="Train s",
        unit="s",
        kind="number",
        digits=0,
        shown_in=PAGE,
        rerun="timing",
        definition="seconds of the training loop, development scores included.",
    ),
    Column(
        name="exam_s",
        heading="Exam s",
        unit="s",
        kind="number",
        digits=0,
        shown_in=PAGE,
        rerun="timing",
        definition="""seconds of the whole exam. Means over seeds; **peak MiB** is the largest memory of the process
            until the training's end.""",
    ),
    Column(name="peak_mib", heading="Peak MiB", unit="MiB", kind="number", digits=0, shown_in=PAGE, rerun="timing"),
    Column(name="answer_tokens", heading="Answer tokens", unit="tokens", kind="number", digits=0, shown_in=PAGE),
    Column(
        name="finished",
        heading="Finished",
        unit="share",
        kind="share",
        shown_in=EVERYWHERE,
        definition="share of answers that end by themselves, before the cap. What is cut can hardly be right.",
    ),
    Column(name="corpus"),
    Column(name="budget", unit="tokens", kind="number"),
    Column(name="exam"),
    Column(name="setting"),
)

COSTS = pick(
    COLUMNS,
    *("gradient_tokens", "kept_tokens", "distinct_sequences", "steps", "tries"),
    *(column.name for column in ACTIVITY),
    "prepare_s",
    *("mixed_precision", "saved_dtype", "train_s", "exam_s", "peak_mib"),
)
OF_A_GROUP = pick(COLUMNS, "accuracy", "finished", "seed_sd", "change")
SUITE = pick(
    COLUMNS,
    *("label", "layout", "seeds", "n_items", "score", "seed_sd", "change"),
    *("form", "above_guessing", "likelihood_acc_norm", "likelihood_acc", "choice_mass", "gold_nll"),
    *("answer_tokens", "finished"),
)
BESIDE_ANSWERS = (
    *pick(COLUMNS, "label", "layout"),
    Column(name="group", heading="Group", shown_in=("markdown",), written=lambda row: GROUPS[row["group"]]),
    *pick(COLUMNS, "seeds", "accuracy"),
    *MEASURED,
)
SPARED = {"seeds": 1, "n_items": 2, "finished": 3, "gradient_tokens": 4}  # where a terminal is narrow
TERMINAL = tuple(
    replace(column, spared=SPARED.get(column.name, 0))
    for column in pick(
        COLUMNS, "model", "label", "group", "seeds", "n_items", "finished", "accuracy", "change", "gradient_tokens"
    )
)


def side_by_side(groups: Sequence[str]) -> tuple[Column, ...]:
    """One line a student: what it got in each of these groups, then what it cost."""
    of_groups = [_of_group(column, group) for group in groups for column in OF_A_GROUP]
    return (*pick(COLUMNS, "label", "layout", "seeds"), *of_groups, *COSTS)


def _of_group(column: Column, group: str) -> Column:
    """The field `id_change` under the heading "ID change"; accuracy is what a group is called after."""
    heading = GROUPS[group] if column.name == "accuracy" else f"{GROUPS[group]} {column.heading.lower()}"
    return replace(column, name=f"{group}_{column.name}", heading=heading)
