"""Token Recycling: what rows hold, which tree they make, and what is kept for the next document."""

import pytest
import torch

from offbook.baselines.decoding.token_recycling import RANKS, RANKS_BELOW, TokenRecycling
from offbook.engine.decoding.tree import Tree

VOCABULARY = 20


def began(prompt: list[int], first: int, **settings) -> TokenRecycling:
    drafter = TokenRecycling(**settings)
    begin(drafter, prompt, first)
    return drafter


def begin(drafter: TokenRecycling, prompt: list[int], first: int) -> None:
    drafter.begin(torch.tensor([prompt]), capacity=40)
    observe(drafter, *prompt[1:], first)


def observe(drafter: TokenRecycling, *tokens: int) -> None:
    rows = torch.tensor([*tokens, -1])
    drafter.observe(rows, torch.zeros(len(rows), 0), len(tokens))


def logits(*likeliest: list[int]) -> torch.Tensor:
    rows = torch.zeros(len(likeliest), VOCABULARY)
    for row, tokens in zip(rows, likeliest, strict=True):
        row[tokens] = torch.arange(len(tokens), 0, -1, dtype=torch.float32)
    return rows


def test_the_likeliest_successors_of_verified_tokens_make_the_next_tree():
    drafter = began([1], 2, nodes=4)
    assert drafter.propose().tokens == (2,)
    drafter.learn(Tree((2, 7), (-1, 0)), logits([3, 4], [5, 6]))  # 7 was not accepted and is learned too
    observe(drafter, 3, 7)
    tree = drafter.propose()
    assert tree.tokens[:3] == (7, 5, 6)
    assert tree.survival[:3] == (1.0, RANKS[0], RANKS[1])


def test_a_path_goes_on_as_long_as_its_tokens_have_rows():
    drafter = began([1], 2, nodes=2)
    drafter.learn(Tree((2, 3, 4), (-1, 0, 1)), logits([3], [4], [2]))
    tree = drafter.propose()
    assert (tree.tokens, tree.parents) == ((2, 3, 4), (-1, 0, 1))
    assert tree.survival == pytest.approx((1.0, RANKS[0], RANKS[0] * RANKS_BELOW[0]))


def test_of_two_rows_of_one_token_the_last_stands():
    drafter = began([1], 2, nodes=1)
    drafter.learn(Tree((2, 5, 2), (-1, 0, 1)), logits([3], [4], [6]))
    assert drafter.propose().tokens == (2, 6)


def test_the_prompt_gives_the_tokens_that_followed_in_it_the_latest_first():
    drafter = began([2, 3, 2, 4, 2, 3, 9], 2, nodes=4)
    tree = drafter.propose()
    assert [tree.tokens[node] for node in tree.children[0]] == [3, 4]
    observe(drafter, 8, 2)  # of the answer only the logits count
    assert [tree.tokens[node] for node in drafter.propose().children[0]] == [3, 4]


def test_a_document_is_forgotten_unless_the_memory_is_the_suites():
    for memory, tokens in (("document", (2,)), ("suite", (2, 3))):
        drafter = began([1], 2, nodes=1, memory=memory)
        drafter.learn(Tree((2,), (-1,)), logits([3]))
        begin(drafter, [5, 6], 2)
        assert drafter.propose().tokens == tokens
