"""README's tables are short and narrow, whoever stands in them and however long the names are."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from offbook.harness.tables.columns import Column
from offbook.harness.tables.short_table import CUT, MOST_ROWS, WIDEST, chosen, short_table

WHO = Column(name="who", heading="Who")
SAID = Column(name="said", heading="Said")
NAMES = st.lists(st.sampled_from("abcdefghij"), unique=True)


@given(NAMES, st.sets(st.sampled_from("abcdefghij")))
def test_the_first_are_chosen_beside_those_to_keep(names: list[str], keep: set[str]) -> None:
    found = chosen(names, keep)
    assert len(found) == min(len(names), MOST_ROWS)
    assert found == [name for name in names if name in found], "in their order"
    if len(keep & set(names)) <= MOST_ROWS:
        assert keep & set(names) <= set(found)
    left = [name for name in names if name not in found and name not in keep]
    shown = [name for name in found if name not in keep]
    assert names.index(shown[-1]) < names.index(left[0]) if shown and left else True


@given(st.lists(st.text("ab|[<_", max_size=150), min_size=1, max_size=MOST_ROWS), st.text("xy", max_size=60))
def test_no_line_is_wider_than_a_screen(names: list[str], said: str) -> None:
    text = short_table((WHO, SAID), pd.DataFrame({"who": names, "said": [said] * len(names)}))
    assert max(map(len, text.splitlines())) <= WIDEST
    assert len(text.splitlines()) == len(names) + 2


def test_names_are_cut_only_where_it_is_too_narrow() -> None:
    rows = pd.DataFrame({"who": ["short", "long" * 40], "said": ["something", "else"]})
    text = short_table((WHO, SAID), rows)
    assert "| short " in text
    assert "something" in text
    assert text.count(CUT) == 1
    assert CUT not in short_table((WHO, SAID), rows.iloc[:1])
