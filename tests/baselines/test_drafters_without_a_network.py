"""Every drafter without a network, decoded with: documents do not reach into each other, trees are whole."""

import pytest
import torch

from offbook.baselines.decoding.ngram_table import NgramTable, Table
from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.baselines.decoding.suffix import Suffix
from offbook.baselines.decoding.token_recycling import TokenRecycling
from offbook.engine.decoding.combination import Combination
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.drafter import Drafter
from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.counted import counted
from tests.engine.targets import VOCABULARY, target

A, B = [5, 9, 5, 9, 5, 9, 2], [40, 11, 8, 30, 22, 5, 9]
MADE = {
    "prompt_lookup": PromptLookup,
    "suffix": lambda **settings: Suffix(nodes=6, **settings),
    "token_recycling": lambda **settings: TokenRecycling(nodes=6, **settings),
    "ngram_table": lambda: NgramTable(table(), nodes=6, least=0.0),
    "combination": lambda: Combination(PromptLookup(), TokenRecycling(), sure=0.5),
}


def table() -> Table:
    known = Answer(id="a", prompt_tokens=(1, 2), answer_tokens=tuple(range(VOCABULARY)))
    return Table([counted([known], n) for n in (1, 2, 3)])


def decoded(drafter: Drafter, prompts: list[list[int]], temperature: float) -> list[Generation]:
    decoder = SpeculativeDecoder(target(damped=True), drafter)
    return [
        decoder.generate(
            torch.tensor([prompt]),
            sampling=Sampling(temperature=temperature),
            limits=Limits(max_new_tokens=24),
            generator=torch.Generator().manual_seed(0),
        )
        for prompt in prompts
    ]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("name", MADE)
def test_a_document_is_decoded_the_same_way_round_for_round_whatever_came_before_it(name, temperature):
    first, other, again = decoded(MADE[name](), [A, B, A], temperature)
    assert (again.tokens, again.rounds) == (first.tokens, first.rounds)
    assert other.tokens != first.tokens
    assert sum(round_.drafted for round_ in first.rounds) > 0


@pytest.mark.parametrize("name", ["suffix", "token_recycling"])
def test_a_memory_of_the_suite_changes_rounds_and_no_token(name):
    prompts = [A, B, [7, 5, 9], A]
    plain, remembering = (decoded(MADE[name](memory=memory), prompts, 0.0) for memory in ("document", "suite"))
    assert [one.tokens for one in plain] == [one.tokens for one in remembering]
    assert plain[0].rounds == remembering[0].rounds
    assert [one.rounds for one in plain] != [one.rounds for one in remembering]


@pytest.mark.parametrize("name", MADE)
def test_every_tree_has_estimates_and_siblings_of_different_tokens(name):
    drafter = MADE[name]()
    propose, trees = drafter.propose, []
    drafter.propose = lambda: trees.append(propose()) or trees[-1]
    decoded(drafter, [A, B], 0.0)
    assert max(map(len, trees)) > 1
    for tree in trees:
        assert len(tree) <= drafter.max_nodes
        assert tree.survival is not None
        siblings = list(zip(tree.parents, tree.tokens, strict=True))
        assert len(set(siblings)) == len(siblings)
