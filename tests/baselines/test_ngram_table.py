"""The n-gram table: probabilities by hand, the text before the table, the tree, what is forgotten."""

import pytest
import torch

from offbook.baselines.decoding.ngram_table import TABLE_K, TEXT_K, NgramTable, Table
from offbook.engine.decoding.tree import Tree
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.counted import counted


def table(*answers: tuple[int, ...], order: int = 4) -> Table:
    made = [Answer(id=str(n), prompt_tokens=(0,), answer_tokens=answer) for n, answer in enumerate(answers)]
    return Table([counted(made, n) for n in range(1, order + 1)])


def told(drafter: NgramTable, prompt: list[int], answer: list[int]) -> Tree:
    drafter.begin(torch.tensor([prompt]), capacity=100)
    for tokens in ([*prompt[1:], answer[0]], *([token] for token in answer[1:])):
        rows = torch.tensor([*tokens, -1])
        drafter.observe(rows, torch.zeros(len(rows), 0), len(tokens))
    tree = drafter.propose()
    assert tree.tokens[0] == answer[-1]
    return tree


def test_a_longer_context_leaves_a_part_to_the_shorter():
    found = table((1, 2, 1, 3), (1, 2), order=2)
    unigram = {0: 0, 1: 3 / 6, 2: 2 / 6, 3: 1 / 6}
    left = TABLE_K[0] * 2
    behind_1 = {token: (count + left * unigram[token]) / (3 + left) for token, count in ((2, 2), (3, 1), (1, 0))}
    assert found.behind(()) == pytest.approx({1: 1 / 2, 2: 1 / 3, 3: 1 / 6})
    assert found.behind((1,)) == pytest.approx(behind_1)


def test_an_unknown_context_is_answered_by_its_longest_known_end():
    found = table((1, 2, 3, 4), (5, 2, 3, 6))
    assert found.behind((9, 2, 3)) == found.behind((2, 3))
    assert found.behind((9, 9, 9)) == found.behind(())
    assert found.behind((1, 2, 3)) != found.behind((2, 3))


def test_the_table_proposes_a_tree_whose_survival_is_a_product():
    drafter = NgramTable(table((1, 2, 3, 4), (1, 2, 5, 4)), nodes=3, least=0.0)
    tree = told(drafter, [8], [1, 2])
    assert [tree.tokens[node] for node in tree.children[0]] == [3, 5]
    step = drafter.table.behind((8, 1, 2))[3], drafter.table.behind((1, 2, 3))[4]
    assert tree.survival == pytest.approx((1.0, step[0], step[0], step[0] * step[1]))
    assert tree.tokens == (2, 3, 5, 4)


def test_what_the_text_said_comes_before_what_the_table_says():
    drafter = NgramTable(table((1, 2, 3)), nodes=2, least=0.0)
    assert told(drafter, [8], [1, 2]).tokens[1] == 3
    tree = told(drafter, [6, 1, 2, 7, 9], [6, 1, 2])
    assert tree.tokens[1] == 7
    left_3 = TEXT_K[2] / (1 + TEXT_K[2])  # of the one context of the text; its ends occurred nowhere else
    assert tree.survival[1] == pytest.approx((1 - left_3) + left_3 * drafter.table.behind((6, 1, 2)).get(7, 0.0))


def test_a_context_of_the_text_is_followed_below_the_root():
    drafter = NgramTable(table(tuple(range(20, 40))), nodes=3)
    assert told(drafter, [1, 2, 3, 4, 5, 8], [1, 2]).tokens[1:4] == (3, 4, 5)


def test_unlikely_candidates_are_left_out():
    many = table(*((1, token) for token in range(2, 9)))
    assert len(told(NgramTable(many, least=0.0), [0], [1])) == 16
    assert len(told(NgramTable(many, least=0.5), [0], [1])) == 1


def test_a_document_is_forgotten_and_the_table_stays_as_it_is():
    drafter = NgramTable(table((1, 2, 3), (4, 5, 6)))
    first = told(drafter, [7, 8, 1], [2, 3, 7])
    assert told(drafter, [3, 9], [7]) != first
    assert told(drafter, [7, 8, 1], [2, 3, 7]) == first
