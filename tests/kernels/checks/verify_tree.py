"""What no faulty kernel of `verify_tree` passes: walks and draws, each against the rules on the host."""

from collections.abc import Callable

import torch

from offbook.kernels.verify_tree import race, verify_tree
from offbook.kernels.verify_tree.rounds import NOTHING, Trees, rounds_drawn, rounds_given
from tests.kernels.random_trees import random_rounds, say_of

MUTANTS: tuple[tuple[str, str, str], ...] = (
    ("the number of a token is its neighbour's", "(token + 2).to(tl.uint64)", "(token + 1).to(tl.uint64)"),
    ("a shift is one too far", "(mixed >> 27)", "(mixed >> 28)"),
    ("the last tile that may hold a likely token is left out", "first + one < count, ", "first + one < count - 1, "),
    ("tokens of tiles that are not read again are forgotten", "tl.sum(tl.where(may, 0.0, mass), 0)", "0.0"),
    (
        "the temperature is forgotten where a row is read again",
        'tl.load(x_ptr + at, mask=at < V, other=-float("inf")).to(tl.float32) * scale',
        'tl.load(x_ptr + at, mask=at < V, other=-float("inf")).to(tl.float32)',
    ),
    ("rounds share their seeds", "row // N * S + tl.load", "row % 1 * S + tl.load"),
    ("seeds that were taken are taken again", "at += tl.load(taken_ptr)", "at += 0"),
    (
        "of equal logits the last is chosen",
        "tl.min(tl.where(x == top, at, V), 0)",
        "tl.max(tl.where(x == top, at, -1), 0)",
    ),
    ("the walk goes on from nodes that it has not come to", "(parent == at) & (token == bonus)", "(token == bonus)"),
    ("a row that is not finite says something", "tl.where(finite, said, NOTHING)", "tl.where(row >= 0, said, NOTHING)"),
    ("the residual is not renormalised", "/ whole, 0.0) / rest", "/ whole, 0.0)"),
    ("refused siblings stay in the draft law", "gone = gone | (at == refused.to(tl.int64))", "gone = gone | (at < 0)"),
    ("laws do not take turns", "q_ptr + places % TURNS * V, past_ptr", "q_ptr, past_ptr"),
    ("all siblings ask the same number", "(-places + FIRST_CHILD)", "(0 * places + FIRST_CHILD)"),
)

TOKENS = [1, 9, 4, 7]  # three siblings, and one that is none; their probabilities, the target's and by two draft laws:
HALF = ([0.0, 0.0, 0.61, 0.39], [0.9, 0.05, 0.04, 0.01], [0.9, 0.05, 0.04, 0.01])
TURNS = ([0.0, 0.41, 0.14, 0.45], [0.9, 0.01, 0.04, 0.05], [0.0, 0.8, 0.1, 0.1])
TENTH = ([0.0, 0.6, 0.3, 0.1], [0.1, 0.5, 0.3, 0.1], [0.1, 0.5, 0.3, 0.1])


def checks() -> list[Callable[[], None]]:
    """In the order of what they cost."""
    return [greedy_walks, rows_that_are_not_finite, draws, draws_of_the_unlikely, drawn_candidates]


def greedy_walks() -> None:
    """Through trees of nine nodes, over three tiles of which the last is not full, at times with two largest logits."""
    trees = random_rounds(3, rounds=6, nodes=9, vocabulary=5, device="cpu", draws=False)
    logits_BNV = torch.randn(6, 9, 300, generator=torch.Generator().manual_seed(0)).mul(2).round()
    say_of(logits_BNV, trees, 0.8, seed=0)
    logits_BNV[:, ::2] = logits_BNV[:, ::2].clamp(max=3.0)  # some rows have many equal ones
    _compare(logits_BNV, trees, 0.0)


def rows_that_are_not_finite() -> None:
    """On the walk, where it ends, and elsewhere, where it does not matter."""
    trees = random_rounds(5, rounds=2, nodes=4, vocabulary=20, device="cpu")
    logits_BNV = torch.zeros(2, 4, 20)
    say_of(logits_BNV, trees, 1.0, seed=1)
    whole = rounds_given(logits_BNV, trees, 0.0)
    last = int(whole[0, 1 + int(whole[0, 0])])
    beside = next(node for node in range(4) if node not in whole[0, 2 : 2 + int(whole[0, 0])].tolist())
    logits_BNV[0, last, 7] = float("nan")
    logits_BNV[1, beside, 7] = float("nan")
    assert _compare(logits_BNV, trees, 0.0)[0, 1] == NOTHING
    assert _compare(logits_BNV, trees, 1.0)[0, 1] == NOTHING


def draws() -> None:
    """By seeds that are half used up, over six tiles, which are two steps."""
    trees = random_rounds(7, rounds=8, nodes=2, vocabulary=700, device="cpu")
    trees = trees._replace(taken=torch.tensor(9))
    logits_BNV = torch.randn(8, 2, 700, generator=torch.Generator().manual_seed(2)) * 1.5
    _compare(logits_BNV, trees, 0.7)


def draws_of_the_unlikely() -> None:
    """Where half of the mass is unlikely, some of it in tiles without a likely token."""
    logits_BNV = torch.randn(16, 1, 300, generator=torch.Generator().manual_seed(4)) * 1.2
    logits_BNV[:, :, 3], logits_BNV[:, :, 70] = 6.5, 6.2
    trees = random_rounds(11, rounds=16, nodes=1, vocabulary=300, device="cpu")
    likely, race.LIKELY = race.LIKELY, 0.05
    try:
        told = _compare(logits_BNV, trees, 1.3)
    finally:
        race.LIKELY = likely
    unlikely = (told[:, 1] != 3) & (told[:, 1] != 70)
    assert 3 <= int(unlikely.sum()) <= 13
    assert (told[unlikely, 1] >= 128).any(), "one of another tile"


def drawn_candidates() -> None:
    """Three siblings of which the first is impossible for the target, so that the others are asked too.

    Rounds of four kinds, over two blocks of the vocabulary; what mistakes do to them does not hang on luck:

    - One law. The third stands with probability 1/2; it always would if the first stayed in the draft's law, and half
      of the time another answer comes of the number that the first has asked.
    - Two laws. The second, from the second law, stands with probability 5/9; under the first law it always would.
    - A residual of a tenth, all on the second, which therefore stands; not renormalised, it mostly falls.
    - Nothing is known of the target behind the root.
    """
    from offbook.kernels.verify_tree import triton as kernels

    rounds = [HALF] * 6 + [TURNS] * 6 + [TENTH] * 2 + [HALF]
    p_BNV, q_BNTV = torch.full((len(rounds), 4, 12), float("nan")), torch.zeros(len(rounds), 4, 2, 12)
    p_BNV[:, 0] = 0.0
    for number, (p, *laws) in enumerate(rounds):
        p_BNV[number, 0, TOKENS] = torch.tensor(p)
        q_BNTV[number, 0][:, TOKENS] = torch.tensor(laws)
    p_BNV[::2, 1:] = 1 / 12  # behind the siblings; in every other round nothing is known there
    p_BNV[-1, 0] = float("nan")
    seeds_BS = torch.randint(2**63 - 1, (len(rounds), 2), generator=torch.Generator().manual_seed(6))
    tokens_BN = torch.tensor([[0, *TOKENS[:3]]]).expand(len(rounds), 4).contiguous()
    trees = Trees(tokens_BN, torch.tensor([-1, 0, 0, 0]), torch.tensor([0, 1, 1, 1]), seeds_BS, None)
    told = kernels.walk_drawn(p_BNV, q_BNTV, trees, kernels.pick(12)._replace(numbers=8))
    assert torch.equal(told, rounds_drawn(p_BNV, q_BNTV, trees))
    assert told[12:14, 3].tolist() == [2, 2]
    assert told[14, :2].tolist() == [1, NOTHING]


def _compare(logits_BNV: torch.Tensor, trees: Trees, temperature: float) -> torch.Tensor:
    """What kernels find, where it is what the rules on the host find."""
    expected = rounds_given(logits_BNV, trees, temperature)
    told = verify_tree(
        logits_BNV,
        *trees[:3],
        temperature=temperature,
        seeds_S=trees.seeds_BS,
        taken=trees.taken,
        implementation="triton",
    ).told
    assert torch.equal(told, expected)
    return told
