"""Masks in words say what their boolean forms say, row by row and bit by bit."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from offbook.kernels.tree_attention import (
    TreeMask,
    block_bidirectional_words,
    block_causal_words,
    causal_words,
    pack_words,
    prefix_and_tree,
    tree_attention,
    unpack_words,
)
from tests.kernels.test_tree_attention import by_hand
from tests.kernels.tree_rows import tree_rows


@given(rows=st.integers(1, 5), columns=st.integers(1, 140), seed=st.integers(0, 9))
def test_packed_and_unpacked_a_mask_is_the_same(rows, columns, seed):
    visible = torch.rand(2, rows, columns, generator=torch.Generator().manual_seed(seed)) < 0.5
    words = pack_words(visible)
    assert words.shape == (2, rows, -(-columns // 64))
    assert torch.equal(unpack_words(words, columns), visible)


def test_bit_63_is_the_sign_and_bit_64_begins_a_word():
    visible = torch.zeros(1, 65, dtype=torch.bool)
    visible[0, 63] = visible[0, 64] = True
    assert pack_words(visible).tolist() == [[-(2**63), 1]]


def test_causal_rows_see_themselves_and_what_is_before():
    assert causal_words(3).tolist() == [[0b1], [0b11], [0b111]]
    assert causal_words(66)[65].tolist() == [-1, 0b11]


def test_a_causal_block_sees_the_shared_rows_and_its_own_beginning():
    words = block_causal_words([2, 1, 2], shared=2)
    assert words[:, 0].tolist() == [0b1, 0b11, 0b0111, 0b1111, 0b10011, 0b0100011, 0b1100011]


def test_a_bidirectional_block_sees_all_of_itself_and_its_context():
    assert block_bidirectional_words([2, 3])[:, 0].tolist() == [0b11, 0b11, 0b11100, 0b11100, 0b11100]
    words = block_bidirectional_words([2, 1], context=4, seen=[1, 3])
    assert words[:, 0].tolist() == [0b011_0001, 0b011_0001, 0b100_0111]
    assert block_bidirectional_words([1], context=64).tolist() == [[-1, 1]]


def test_a_tree_mask_is_all_of_the_prefix_and_the_bits_behind_it():
    mask = TreeMask(
        words_BTW=torch.tensor([[[0b01], [0b11]]]),
        length_B=torch.tensor([0, 3]),
        rows=2,
        positions_BN=torch.tensor([[0, 1], [3, 4]]),
    )
    assert mask.visible(6).int().tolist() == [
        [[1, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0]],
        [[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0]],
    ]
    assert mask.exists(6).sum(1).tolist() == [2, 5]
    assert mask.key_positions(5)[1].tolist() == [0, 1, 2, 3, 4]
    assert mask.key_positions(5)[0, :2].tolist() == [0, 1]


@pytest.mark.parametrize(("words", "rows"), [(torch.zeros(1, 1, 1).long(), 65), (torch.zeros(1, 1, 1), 1)])
def test_more_rows_than_bits_and_words_that_are_no_integers_are_refused(words, rows):
    with pytest.raises(AssertionError):
        TreeMask(words_BTW=words, length_B=torch.tensor(1), rows=rows)


@pytest.mark.parametrize("window", [None, 3])
def test_the_reference_reads_words_and_nothing_behind_the_tree(window):
    rows = tree_rows(heads=2, nodes=6, lengths=[9, 4], size=4)
    found = tree_attention(rows.q, rows.k, rows.v, rows.mask, scale=0.3, positions_BT=rows.positions_BT, window=window)
    for b, length in enumerate((9, 4)):
        keys = length + 6
        places = {"positions": rows.positions_BT[b : b + 1], "window": window}
        places["key_positions"] = torch.cat([torch.arange(length), rows.positions_BT[b]])[None]
        q, k, v = rows.q[b : b + 1], rows.k[b : b + 1, :, :keys], rows.v[b : b + 1, :, :keys]
        expected = by_hand(q, k, v, rows.mask.visible(keys)[b : b + 1], scale=0.3, **places)
        torch.testing.assert_close(found[b : b + 1], expected)


def test_a_prefix_and_a_tree_are_a_boolean_mask_where_no_kernel_reads_words():
    tree = torch.tensor([[True, False], [True, True]])
    mask = prefix_and_tree(tree, 2)
    assert mask.int().tolist() == [[[1, 1, 1, 0], [1, 1, 1, 1]]]
    assert prefix_and_tree(tree, 0)[0].tolist() == tree.tolist()


def test_where_only_the_device_knows_the_length_a_prefix_and_a_tree_are_words():
    tree = torch.ones(3, 3, dtype=torch.bool).tril()
    mask = prefix_and_tree(tree, torch.tensor(4))
    assert torch.equal(mask.visible(7), prefix_and_tree(tree, 4))
