"""EAGLE's layout with a part of the target's vocabulary, which only offbook writes: its ids are checked."""

import pytest

from offbook.engine.drafters.draft_tensors import TOKEN_IDS
from offbook.engine.drafters.published.config import Fields


def test_ids_are_taken_as_they_are_and_may_be_missing():
    assert Fields({TOKEN_IDS: [0, 3, 257]}, "here").ids(TOKEN_IDS, 258) == [0, 3, 257]
    assert Fields({}, "here").ids(TOKEN_IDS, 258) is None


@pytest.mark.parametrize("wrong", [[], [3, 3], [4, 3], [-1, 3], [258], [True], [1.0], "123", {"0": 1}])
def test_ids_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match=rf"here: expected {TOKEN_IDS} to be ascending ids below 258, got "):
        Fields({TOKEN_IDS: wrong}, "here").ids(TOKEN_IDS, 258)
