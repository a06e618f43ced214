"""The columns of the comparisons of students: what each is called, means, and where it is shown."""

import math
from typing import Any

from offbook.harness.tables.columns import PAGE, Column, documents, pick
from offbook.harness.tables.markdown import number, share
from offbook.harness.tables.rows import Row
from offbook.harness.tables.students_columns import GROUPS
from offbook.harness.tables.students_measures_columns import any_known


def p_value(value: float) -> str:
    """Three digits, "< 0.001" below, a hyphen for unknown."""
    return "< 0.001" if value < 0.001 else number(value, 3)


def _p(name: str) -> Column:
    headings = {"p_items": "p, items", "p_seeds": "p, seeds too"}
    return Column(
        name=name,
        heading=headings[name],
        kind="number",
        shown_in=PAGE,
        written=lambda row: p_value(row[name]),
        quoted=False,
    )


def _verdict(name: str, heading: str) -> Column:
    """A verdict with its corrected p-value, where there is one."""

    def written(row: Row) -> str:
        p = row[f"p_{name}"]
        return f"{row[name]}" if math.isnan(p) else f"{row[name]} ({p_value(p)})"

    return Column(name=name, heading=heading, shown_in=PAGE, written=written, quoted=False)


def _detectable(row: Row) -> str:
    return f"{number(100 * row['detectable'], 1)} [{number(100 * row['detectable_items'], 1)}]"


def _beside(name: str, what: str, **more: Any) -> Column:
    """The difference in what was measured beside the answers, with its interval; untested."""
    field = f"{name}_difference"
    settings: dict[str, Any] = {"unit": "share", "digits": 1, "scale": 100}
    return Column(
        name=field,
        heading=f"{what}, difference",
        kind="number",
        sign="+",
        interval=True,
        shown_in=PAGE,
        shown_for=any_known(field),
        **(settings | more),
    )


COLUMNS = (
    Column(name="model"),
    Column(name="group", heading="Group", shown_in=PAGE, written=lambda row: GROUPS[row["group"]]),
    Column(name="a"),
    Column(name="b"),
    Column(name="label_a", heading="Student", shown_in=("markdown",)),
    Column(name="label_b", heading="Against", shown_in=("markdown",)),
    Column(name="setting_a"),
    Column(name="setting_b"),
    Column(
        name="seeds_a",
        heading="Seeds",
        unit="seeds",
        kind="whole",
        shown_in=PAGE,
        written=lambda row: f"{row['seeds_a']}, {row['seeds_b']}",
    ),
    Column(name="seeds_b", unit="seeds", kind="whole"),
    Column(
        name="n_items",
        heading="Items",
        unit="items",
        kind="whole",
        shown_in=PAGE,
        written=lambda row: documents(row, "n_items"),
    ),
    Column(name="n_clusters", unit="clusters", kind="whole"),
    Column(name="accuracy_a", unit="share", kind="number", scale=100),
    Column(name="accuracy_b", unit="share", kind="number", scale=100),
    Column(
        name="finished_a",
        heading="Finished",
        unit="share",
        kind="share",
        shown_in=PAGE,
        written=lambda row: f"{share(row['finished_a'])}, {share(row['finished_b'])}",
    ),
    Column(name="finished_b", unit="share", kind="share"),
    Column(
        name="difference",
        heading="Difference",
        unit="share",
        kind="number",
        digits=1,
        scale=100,
        sign="+",
        interval=True,
        shown_in=PAGE,
    ),
    _p("p_items"),
    _p("p_seeds"),
    Column(name="family", unit="comparisons", kind="whole"),
    Column(name="p_students", kind="number"),
    _verdict("students", "These students"),
    Column(name="p_methods", kind="number"),
    _verdict("methods", "Their methods"),
    Column(
        name="detectable",
        heading="Detectable",
        unit="share",
        kind="number",
        shown_in=PAGE,
        written=_detectable,
        quoted=False,
        definition="""the smallest true difference, in points, that the comparison finds with 80 % probability
            (two-sided, 5 %, before the correction); in brackets that of items alone, to which more seeds could bring
            it down.""",
    ),
    Column(name="detectable_items", unit="share", kind="number"),
    _beside("form", "Form"),
    _beside("likelihood_acc_norm", "By likelihood"),
    _beside("likelihood_acc", "By likelihood, acc"),
    _beside("gold_nll", "Answer NLL", unit="nats", digits=2, scale=1),
    Column(name="corpus"),
    Column(name="budget", unit="tokens", kind="number"),
    Column(name="exam"),
)

PAIRS = pick(
    COLUMNS,
    *("label_a", "label_b", "group", "seeds_a", "n_items", "finished_a", "difference"),
    *("p_items", "p_seeds", "students", "methods", "detectable"),
    *("form_difference", "likelihood_acc_norm_difference", "likelihood_acc_difference", "gold_nll_difference"),
)
