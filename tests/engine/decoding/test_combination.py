"""Two drafters as one: who proposes, and what the second is told when."""

import pytest
import torch

from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.engine.decoding.combination import Combination
from offbook.engine.decoding.tree import Tree
from tests.engine.tiny_drafters import Scripted


class Second(Scripted):
    """Proposes one token, 9, and is told what the target said."""

    def __init__(self) -> None:
        super().__init__(max_nodes=2)
        self.networks = (torch.nn.Identity(),)
        self.learned = 0

    def propose(self) -> Tree:
        return Tree.chain([self.text[-1], 9])

    def learn(self, tree: Tree, logits_NV: torch.Tensor) -> None:
        self.learned += len(logits_NV)


def combined(sure: float) -> Combination:
    made = Combination(PromptLookup(num_tokens=3), Second(), sure=sure)
    made.begin(torch.tensor([[1, 2, 3, 1]]), capacity=20)
    rows = torch.tensor([2, 3, 1, 2])
    made.observe(rows, rows[:, None].float(), 4)
    return made


def test_the_first_proposes_where_it_is_sure_and_the_second_is_told_nothing():
    both = combined(sure=0.5)
    assert both.propose().tokens == (2, 3, 1, 2)
    assert both.second.told == []


def test_the_second_is_asked_where_the_first_is_not_sure_or_finds_nothing():
    assert combined(sure=0.9).propose().tokens == (2, 9)
    both = combined(sure=0.0)
    both.observe(torch.tensor([7]), torch.zeros(1, 1), 1)
    assert both.propose().tokens == (7, 9)


def test_the_second_gets_all_rows_in_one_piece_when_it_is_asked():
    both = combined(sure=0.5)
    both.observe(torch.tensor([3, 8, -1]), torch.tensor([[5.0], [6.0], [float("nan")]]), 2)
    both.propose()
    (told,) = both.second.told
    assert told[0].tolist() == [2, 3, 1, 2, 3, 8]
    assert told[1].flatten().tolist() == [2.0, 3.0, 1.0, 2.0, 5.0, 6.0]
    both.observe(torch.tensor([4]), torch.ones(1, 1), 1)
    both.propose()
    assert both.second.told[1][0].tolist() == [4]


def test_what_was_kept_for_the_second_is_forgotten_with_the_document():
    both = combined(sure=0.5)
    both.begin(torch.tensor([[5, 6]]), capacity=20)
    both.observe(torch.tensor([6, 7]), torch.zeros(2, 1), 2)
    both.propose()
    assert [told.tolist() for told, _ in both.second.told] == [[6, 7]]


def test_it_has_the_larger_tree_both_networks_the_seconds_taps_and_learns_for_both():
    both = combined(sure=0.5)
    assert (both.max_nodes, both.taps, len(both.networks)) == (4, (-1,), 1)
    both.learn(Tree((1,), (-1,)), torch.zeros(1, 3))
    assert both.second.learned == 1


def test_what_cannot_be_combined_is_refused():
    with pytest.raises(ValueError, match="reads tokens only, got Second, which reads hidden states"):
        Combination(Second(), PromptLookup(), sure=0.5)
    with pytest.raises(ValueError, match=r"expected sure to be a probability, got 1\.5"):
        Combination(PromptLookup(), Second(), sure=1.5)
