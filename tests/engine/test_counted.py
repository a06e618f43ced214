"""Numbers with their nouns."""

import pytest

from offbook.engine.counted import counted


@pytest.mark.parametrize(("number", "said"), [(0, "0 suites"), (1, "1 suite"), (2, "2 suites")])
def test_one_of_a_thing_has_no_plural(number, said):
    assert counted(number, "suite") == said
