"""A few decisive cases of tree attention, and mistakes that they find."""

from collections.abc import Callable

import torch

from offbook.kernels.tree_attention import TreeMask, block_causal_words
from tests.kernels.three_ways import no_worse
from tests.kernels.tree_rows import holds_three_ways, tree_rows


def checks() -> list[Callable[[], None]]:
    """Each raises where the kernels are wrong."""
    return [
        a_tree_of_two_words_sees_its_ancestors_behind_a_prefix,
        heads_read_the_keys_of_their_group_in_a_batch_of_different_lengths,
        a_window_counts_positions_and_a_cap_bounds_scores,
        many_parts_say_what_one_says,
        branches_are_blind_to_each_other,
        a_boolean_mask_holds_key_by_key,
    ]


def a_tree_of_two_words_sees_its_ancestors_behind_a_prefix() -> None:
    holds_three_ways(tree_rows(heads=1, nodes=66, lengths=[70]))


def heads_read_the_keys_of_their_group_in_a_batch_of_different_lengths() -> None:
    holds_three_ways(tree_rows(heads=6, groups=2, nodes=7, lengths=[64, 0, 131], size=12, dtype=torch.bfloat16))


def a_window_counts_positions_and_a_cap_bounds_scores() -> None:
    rows = tree_rows(heads=2, nodes=9, lengths=[150], size=24)
    for window in (2, 20, 75):
        holds_three_ways(rows, window=window, softcap=1.5, scale=2.0)


def many_parts_say_what_one_says() -> None:
    from offbook.kernels.tree_attention import triton as kernels

    rows = tree_rows(heads=2, nodes=6, lengths=[100, 37])
    tile = kernels.Config(rows=16, keys=16, warps=4, stages=2, merged=16)
    options = {"scale": 0.5, "length_B": rows.mask.length_B, "rows": rows.mask.rows, "config": tile}
    one, four, many = (
        kernels.attend(rows.q, rows.k, rows.v, rows.mask.words_BTW, splits=splits, **options) for splits in (1, 4, 16)
    )
    assert bool(one.isfinite().all())
    no_worse(four, one, one.double())
    no_worse(many, one, one.double())


def branches_are_blind_to_each_other() -> None:
    rows = tree_rows(heads=1, nodes=90, lengths=[0], spare=0)
    words_BTW = block_causal_words([30, 1, 40], shared=19)[None]
    holds_three_ways(rows, TreeMask(words_BTW=words_BTW.to(rows.q.device), length_B=rows.mask.length_B, rows=90))


def a_boolean_mask_holds_key_by_key() -> None:
    rows = tree_rows(heads=4, groups=2, nodes=5, lengths=[131, 131], spare=0)
    generator = torch.Generator().manual_seed(1)
    visible_BTS = torch.rand(2, 5, 136, generator=generator) < 0.4
    visible_BTS[:, :, 64:128] = False  # nobody sees a whole tile
    holds_three_ways(rows, visible_BTS.to(rows.q.device))


MUTANTS = (
    ("no mask", "x = tl.where(seen, _scores(", "x = tl.where(seen | True, _scores("),
    ("natural scale", "scale * LOG2E if", "scale if"),
    (
        "the last tile of the prefix taken for whole",
        "tl.maximum(prefix // BN, first)",
        "tl.maximum(prefix_tiles, first)",
    ),
    ("the first word for every row of the tree", "bit // WORD * seen_S", "0 * seen_S"),
    ("bits from the beginning in every tile", ">> bit % WORD", ">> bit % 1"),
    ("heads and groups exchanged", "h = g * F + row % F", "h = g + row % F * G"),
    ("a sum that forgets its scale", "total * shrink + tl.sum(p, 1)", "total + tl.sum(p, 1)"),
    ("values that forget their scale", "acc * shrink[:, None] + tl.dot", "acc + tl.dot"),
    ("a window one too wide", "(position[None, :] >= oldest[:, None])", "(position[None, :] >= oldest[:, None] - 1)"),
    ("a window of the oldest row for all", "sure = tl.cdiv(tl.maximum(tl.max(", "sure = tl.cdiv(tl.maximum(tl.min("),
    ("parts of equal weight", "weight = tl.exp2(", "weight = 1.0 + 0.0 * tl.exp2("),
    (
        "a part too short by a tile",
        "last = tl.minimum(first + each, tiles)",
        "last = tl.minimum(first + each, tiles - 1)",
    ),
    ("a cap before the scale", "x = cap * _tanh(x)", "x = cap * x"),
    ("one length for the whole batch", "tl.load(length_ptr + b * length_B)", "tl.load(length_ptr)"),
)
