"""Suffix decoding: which suffix, how many candidates, in which order, and what a memory of the suite knows."""

import pytest
import torch

from offbook.baselines.decoding.suffix import Suffix
from offbook.engine.decoding.tree import Tree


def told(drafter: Suffix, prompt: list[int], answer: list[int]) -> Tree:
    """The proposal behind a prompt and an answer that comes in pieces."""
    drafter.begin(torch.tensor([prompt]), capacity=100)
    for tokens in ([*prompt[1:], answer[0]], *([token] for token in answer[1:])):
        rows = torch.tensor([*tokens, -1])  # what lies behind the count means nothing
        drafter.observe(rows, torch.zeros(len(rows), 0), len(tokens))
    tree = drafter.propose()
    assert tree.tokens[0] == answer[-1]
    assert tree.survival is not None
    return tree


def test_what_followed_the_longest_suffix_is_proposed():
    tree = told(Suffix(), [1, 2, 3, 4, 5, 6, 9, 3, 7], [2, 3])
    assert tree.tokens == (3, 4, 5, 6, 9)  # behind 2 3, two candidates a token; 7 followed 3 alone
    assert tree.parents == (-1, 0, 1, 2, 3)


def test_several_continuations_make_a_tree_the_more_frequent_first():
    tree = told(Suffix(), [1, 2, 5, 7, 1, 2, 6, 8, 1, 2, 6, 9], [1, 2])
    assert [tree.tokens[node] for node in tree.children[0]] == [6, 5]


def test_of_equally_frequent_continuations_the_later_comes_first():
    tree = told(Suffix(nodes=2), [1, 2, 6, 1, 2, 5, 8], [1, 2])
    assert (tree.tokens, tree.parents) == ((2, 5, 6), (-1, 0, 0))


@pytest.mark.parametrize(("settings", "candidates"), [({"factor": 1}, 2), ({"factor": 1, "offset": 2}, 4), ({}, 4)])
def test_a_longer_suffix_may_propose_more(settings, candidates):
    assert len(told(Suffix(**settings), [1, 2, 3, 4, 5, 6, 7, 8], [1, 2])) == candidates + 1


def test_unlikely_candidates_are_left_out():
    assert len(told(Suffix(least=0.5), [1, 2, 3, 4, 5, 6], [1, 2])) < len(told(Suffix(), [1, 2, 3, 4, 5, 6], [1, 2]))


def test_nothing_is_proposed_where_nothing_matches():
    tree = told(Suffix(memory="suite"), [1, 2, 3], [4])
    assert (tree.tokens, tree.survival) == ((4,), (1.0,))


def test_survival_grows_with_what_matched_and_with_how_often():
    once, twice = told(Suffix(), [1, 2, 3, 9], [1, 2]), told(Suffix(), [1, 2, 3, 9, 1, 2, 3, 9], [1, 2])
    longer = told(Suffix(), [8, 1, 2, 3, 9], [8, 1, 2])
    assert once.survival[1] < min(twice.survival[1], longer.survival[1])


def test_a_document_is_forgotten_when_the_next_begins():
    drafter = Suffix()
    first = told(drafter, [1, 2, 3, 4, 5], [1, 2, 3])
    assert told(drafter, [9, 8, 7], [2]).tokens == (2,)
    assert told(drafter, [1, 2, 3, 4, 5], [1, 2, 3]) == first


def test_a_memory_of_the_suite_proposes_from_answers_to_other_prompts():
    drafter = Suffix(memory="suite")
    told(drafter, [1], [2, 3, 4, 5])
    assert told(drafter, [9, 8], [2, 3]).tokens == (3, 4, 5)
    assert told(drafter, [9, 6], [1]).tokens == (1,)  # prompts are no part of it


def test_a_memory_of_the_suite_leaves_out_answers_to_the_same_prompt():
    drafter = Suffix(memory="suite")
    told(drafter, [1], [2, 3, 4, 5])
    told(drafter, [9], [6, 7])
    assert told(drafter, [1], [2, 3]).tokens == (3,)
    assert told(drafter, [1], [6]).tokens == (6, 7)
    assert told(drafter, [9], [2, 3]).tokens == (3,)  # the last answer to a prompt is the one that counts
