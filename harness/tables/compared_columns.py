"""The columns of a comparison: of its lines, and of what differs between the two sides."""

import math

from offbook.harness.tables.columns import Column, Place, documents
from offbook.harness.tables.compared_lines import ACCEPTANCE, METHOD, RATE, RIGHT, SAME
from offbook.harness.tables.markdown import UNKNOWN, number, share
from offbook.harness.tables.rows import Row
from offbook.harness.tables.student_comparisons_columns import p_value
from offbook.harness.tables.students_columns import GROUPS

BOTH: tuple[Place, ...] = ("csv", "terminal")
DIGITS = {ACCEPTANCE: 2, RATE: 1}


def _who(row: Row) -> str:
    return str(row["a"]) if row["a"] == row["b"] else f"{row['a']} against {row['b']}"


def _quantity(row: Row) -> str:
    return f"{row['quantity']}, {GROUPS[row['group']]}" if row["group"] else str(row["quantity"])


def _value(row: Row, side: str) -> str:
    value, quantity = row[f"value_{side}"], row["quantity"]
    if quantity in (RIGHT, METHOD):
        return UNKNOWN if math.isnan(value) else f"{100 * value:.1f} %"
    return number(value, DIGITS.get(quantity, 2))


def _change(row: Row) -> str:
    """A ratio with a times sign, a difference with its own; behind either the interval."""
    quantity, (low, high) = row["quantity"], (row["change_low"], row["change_high"])
    if quantity == SAME:
        return share(row["change"])
    scale = 100 if quantity in (RIGHT, METHOD) else 1
    digits, sign = (1, "+") if scale > 1 else (2, "" if quantity == RATE else "+")
    texts = [number(scale * value, digits, sign=sign) for value in (row["change"], low, high)]
    told = f"x{texts[0]}" if quantity == RATE and texts[0] != UNKNOWN else texts[0]
    return told if math.isnan(low) else f"{told} [{texts[1]}, {texts[2]}]"


def _verdict(row: Row) -> str:
    verdict, p = str(row["verdict"]), row["p_corrected"]
    if row["why"]:
        return f"{verdict} ({row['why']})"
    return verdict if math.isnan(p) else f"{verdict} (p {p_value(p)})"


LINES = (
    Column(name="what"),
    Column(name="a", heading="Who", shown_in=BOTH, written=_who),
    Column(name="b"),
    Column(name="quantity", heading="Quantity", shown_in=BOTH, written=_quantity),
    Column(name="group"),
    Column(name="n_docs", heading="Documents", unit="documents", kind="whole", shown_in=BOTH, written=documents),
    Column(name="n_clusters", unit="clusters", kind="whole"),
    Column(name="n_suites", unit="suites", kind="whole"),
    Column(name="value_a", heading="A", kind="number", shown_in=BOTH, written=lambda row: _value(row, "a")),
    Column(name="value_b", heading="B", kind="number", shown_in=BOTH, written=lambda row: _value(row, "b")),
    Column(name="change", heading="A to B", kind="number", interval=True, shown_in=BOTH, written=_change),
    Column(name="p", kind="number"),
    Column(name="p_corrected", kind="number"),
    Column(name="family", unit="comparisons", kind="whole"),
    Column(name="verdict", heading="A is", shown_in=BOTH, written=_verdict),
    Column(name="why"),
)
SETTINGS = (
    Column(name="of", heading="Of", shown_in=BOTH),
    Column(name="name", heading="Differs in", shown_in=BOTH),
    Column(name="a", heading="A", shown_in=BOTH),
    Column(name="b", heading="B", shown_in=BOTH),
    Column(name="who", heading="For", shown_in=BOTH),
)
