"""Prompt lookup: which match, which length, and nothing where there is none."""

import pytest
import torch

from offbook.baselines.decoding.prompt_lookup import PromptLookup


def proposed(text: list[int], **settings: int) -> list[int]:
    drafter = PromptLookup(**settings)
    drafter.begin(torch.tensor([text[:-1]]), capacity=100)
    drafter.observe(torch.tensor(text[1:]), torch.zeros(len(text) - 1, 0), len(text) - 1)
    tree = drafter.propose()
    assert tree.tokens[0] == text[-1]
    assert tree.parents == tuple(range(-1, len(tree) - 1))
    return list(tree.tokens[1:])


def test_the_first_of_several_matches_is_continued():
    assert proposed([1, 2, 3, 9, 1, 2, 3, 8, 1, 2, 3], num_tokens=2) == [9, 1]


def test_a_shorter_suffix_is_tried_where_the_longer_one_never_occurred():
    assert proposed([5, 3, 7, 7, 2, 3], max_ngram=3, num_tokens=3) == [7, 7, 2]


def test_the_longest_suffix_wins_over_an_earlier_match_of_a_shorter_one():
    assert proposed([3, 9, 2, 3, 8, 2, 3], max_ngram=2, num_tokens=1) == [8]


def test_nothing_is_proposed_where_nothing_matches_and_the_suffix_does_not_match_itself():
    assert proposed([1, 2, 3, 4]) == []


def test_a_continuation_may_be_shorter_than_asked():
    assert proposed([4, 6, 4], num_tokens=10) == [6, 4]


@pytest.mark.parametrize("settings", [{"max_ngram": 0}, {"num_tokens": 0}])
def test_senseless_settings_are_refused(settings):
    with pytest.raises(ValueError, match="at least 1"):
        PromptLookup(**settings)


def test_survival_follows_from_how_many_tokens_in_a_row_are_alike():
    drafter = PromptLookup(max_ngram=2, num_tokens=3)
    for text, steps in (
        ([5, 2, 8, 8, 8, 2], (0.19, 0.19 * 0.55, 0.19 * 0.55 * 0.63)),
        ([4, 3, 1, 2, 8, 8, 8, 4, 3, 1, 2], (0.66, 0.66 * 0.72, 0.66 * 0.72 * 0.76)),  # four are alike, two are sought
        ([*range(40), *range(30)], (0.95, 0.95**2, 0.95**3)),
    ):
        drafter.begin(torch.tensor([text[:-1]]), capacity=100)
        drafter.observe(torch.tensor(text[1:]), torch.zeros(len(text) - 1, 0), len(text) - 1)
        assert drafter.propose().survival == pytest.approx((1.0, *steps))
