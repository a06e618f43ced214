"""Verification by kernels against the rules on the host: walks, draws token by token, their law, drawn candidates."""

import math

import numpy as np
import pytest
import torch

from offbook.kernels.verify_tree import (
    NOTHING,
    _verify_drawn_tree,
    _verify_tree,
    draw,
    noise,
    race,
    verify_drawn_tree,
    verify_tree,
)
from offbook.kernels.verify_tree.rounds import Trees, rounds_drawn, rounds_given
from tests.kernels.checks import verify_tree as verify_checks
from tests.kernels.random_trees import random_rounds, say_of

CLOSE = 1e-5  # two keys of a race that are as near, relative to the larger: rounding may decide
FP32, FP16, BF16 = torch.float32, torch.float16, torch.bfloat16
GREEDY = [  # nodes and tokens; the interpreter takes milliseconds a node
    *[(1, 1, FP32), (3, 7, FP16), (9, 127, BF16), (2, 129, FP32), (13, 300, FP16), (13, 300, BF16)],
    *[(70, 70, FP32), (2, 4_999, FP16), (2, 4_999, BF16)],
]
DRAWING = [(1, 1, FP32), (3, 7, BF16), (7, 127, FP16), (2, 129, FP32), (5, 300, FP16), (5, 300, BF16), (9, 300, FP32)]


def given(logits_BNV, trees: Trees, temperature: float) -> torch.Tensor:
    """By kernels, where the logits lie."""
    return verify_tree(
        logits_BNV, *trees[:3], temperature=temperature, seeds_S=trees.seeds_BS, taken=trees.taken
    ).told.cpu()


def moved(trees: Trees, device: str) -> Trees:
    return Trees(*(None if side is None else side.to(device) for side in trees))


def logits_of(rounds: int, nodes: int, size: int, *, spread: float = 2.0, seed: int = 0) -> torch.Tensor:
    return torch.randn(rounds, nodes, size, generator=torch.Generator().manual_seed(seed)) * spread


@pytest.mark.parametrize("kernel_device", ["forward"], indirect=True)  # those of mutants are run shuffled
def test_the_decisive_checks_pass(kernel_device):
    for check in verify_checks.checks():
        check()


@pytest.mark.parametrize(("nodes", "size", "dtype"), GREEDY)
def test_greedy_rounds_are_walked_as_by_the_host(kernel_device, nodes, size, dtype):
    trees = random_rounds(nodes, rounds=1, nodes=nodes, vocabulary=size, device="cpu", draws=False)
    logits_BNV = logits_of(1, nodes, size).to(dtype)
    say_of(logits_BNV, trees, 0.8, seed=size)
    found = given(logits_BNV.to(kernel_device), moved(trees, kernel_device), 0.0)
    assert torch.equal(found, rounds_given(logits_BNV, trees, 0.0))


@pytest.mark.parametrize(("nodes", "size", "dtype"), DRAWING)
def test_drawn_rounds_are_walked_as_by_the_host(kernel_device, nodes, size, dtype):
    rounds = 2 if nodes < 5 else 1
    trees = random_rounds(nodes, rounds=rounds, nodes=nodes, vocabulary=size, device="cpu")
    logits_BNV = logits_of(rounds, nodes, size).to(dtype)
    say_of(logits_BNV, trees, 0.5, seed=size)
    found = given(logits_BNV.to(kernel_device), moved(trees, kernel_device), 0.8)
    assert torch.equal(found, rounds_given(logits_BNV, trees, 0.8))


def test_deep_trees_are_walked_to_their_ends(kernel_device):
    """Chains, and a chain among others; accepted to the last node."""
    parents = torch.tensor([-1, 0, 0, 1, 3, 4, 0, 6])
    trees = Trees(torch.arange(8)[None], parents, torch.tensor([0, 1, 1, 2, 3, 4, 1, 2]), None, None)
    logits_BNV = torch.zeros(1, 8, 20)
    for node in (1, 3, 4, 5, 7):
        logits_BNV[0, parents[node], node] = 5.0
    found = given(logits_BNV.to(kernel_device), moved(trees, kernel_device), 0.0)
    assert found[0].tolist() == [5, 0, 0, 1, 3, 4, 5, 0, 0, 0]


def test_nodes_that_are_none_fill_a_tree_up_to_a_size(kernel_device):
    trees = random_rounds(2, rounds=1, nodes=6, vocabulary=30, device="cpu")
    logits_BNV = logits_of(1, 10, 30)
    say_of(logits_BNV[:, :6], trees, 0.9, seed=0)
    whole = Trees(
        torch.nn.functional.pad(trees.tokens_BN, (0, 4), value=3),
        torch.nn.functional.pad(trees.parents_N, (0, 4), value=-1),
        torch.nn.functional.pad(trees.depths_N, (0, 4)),
        trees.seeds_BS,
        None,
    )
    expected = rounds_given(logits_BNV[:, :6], trees, 1.0)
    found = given(logits_BNV.to(kernel_device), moved(whole, kernel_device), 1.0)
    assert torch.equal(found[:, :8], expected)
    assert not found[:, 8:].any()


@pytest.mark.parametrize("view", ["part of wider rows", "every second row", "column by column"])
def test_logits_may_lie_anyhow(kernel_device, view):
    trees = moved(random_rounds(1, rounds=1, nodes=3, vocabulary=40, device="cpu"), kernel_device)
    wide = logits_of(1, 6, 80).to(kernel_device)
    logits_NV = {
        "part of wider rows": wide[0, :3, 3:43],
        "every second row": wide[0, ::2, :40],
        "column by column": wide[0, :3, :40].t().contiguous().t(),
    }[view]
    told = [
        verify_tree(logits, trees.tokens_BN[0], *trees[1:3], temperature=1.0, seeds_S=trees.seeds_BS[0]).told.tolist()
        for logits in (logits_NV, logits_NV.clone(memory_format=torch.contiguous_format))
    ]
    assert told[0] == told[1]


def test_a_draw_is_the_hosts_token_by_token_but_where_rounding_decides(kernel_device):
    """Of flat and of peaked laws; the truth is the race in fp64."""
    n, size = (40, 700) if kernel_device == "cpu" else (4_000, 4_999)
    trees = random_rounds(0, rounds=n, nodes=1, vocabulary=size, device="cpu")
    spread = torch.linspace(0.2, 4.0, n)[:, None, None]
    logits_BNV = logits_of(n, 1, size, spread=1.0) * spread
    said = given(logits_BNV.to(kernel_device), moved(trees, kernel_device), 0.9)[:, 1].numpy()
    probs, seeds = (
        (logits_BNV[:, 0].double() / 0.9).softmax(dim=-1).numpy(),
        trees.seeds_BS[:, 0].numpy().astype(np.uint64),
    )
    parted = np.flatnonzero(said != draw(probs, seeds))
    assert len(parted) <= 1 + n // 10_000, f"{len(parted)} of {n} draws are others"
    keys = probs[parted] / noise(seeds[parted], np.arange(size))
    assert all(row[said[i]] > (1 - CLOSE) * row.max() for i, row in zip(parted, keys, strict=True))


def test_draws_follow_the_law(kernel_device):
    """By chi-square, with tokens that are likely, together unlikely, and impossible."""
    n = 50 if kernel_device == "cpu" else 100_000
    p = torch.tensor([0.3, 0.0, 0.05, 0.25, 0.1, 0.02, 0.28])
    trees = random_rounds(5, rounds=n, nodes=1, vocabulary=7, device=kernel_device)
    likely, race.LIKELY = race.LIKELY, 0.15
    try:
        said = given((p.log() * 0.7).expand(n, 1, 7).to(kernel_device), trees, 0.7)[:, 1]
    finally:
        race.LIKELY = likely
    counts = said.bincount(minlength=7).double()
    assert counts[1] == 0
    expected = n * p[p > 0].double() / p.sum()
    statistic = float(((counts[p > 0] - expected) ** 2 / expected).sum())
    assert statistic < 35.9, "of 5 degrees of freedom, once in a million above"


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("value", [math.nan, math.inf], ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of numpy, which computes with what is not finite
def test_a_walk_that_comes_to_logits_that_are_not_finite_says_nothing(kernel_device, value, temperature):
    logits_BNV = torch.full((3, 3, 150), -9.0)
    logits_BNV[:, 0, 5] = logits_BNV[:, 1, 6] = 19.0
    logits_BNV[0, 2] = value  # behind the sibling that is refused
    logits_BNV[1, 1, 140] = value
    logits_BNV[2, 0] = -math.inf
    sides = (torch.tensor([[1, 5, 4]] * 3), torch.tensor([-1, 0, 0]), torch.tensor([0, 1, 1]))
    trees = moved(Trees(*sides, torch.arange(6).reshape(3, 2), None), kernel_device)
    told = given(logits_BNV.to(kernel_device), trees, temperature)
    assert told[:, :3].tolist() == [[2, 6, 0], [2, NOTHING, 0], [1, NOTHING, 0]]


def test_tokens_left_out_are_never_said(kernel_device):
    logits_BNV = logits_of(12, 1, 300)
    logits_BNV[:, :, 128:256] = -math.inf
    logits_BNV[:, :, ::3] = -math.inf
    trees = random_rounds(8, rounds=12, nodes=1, vocabulary=300, device="cpu")
    for temperature in (0.0, 1.0):
        told = given(logits_BNV.to(kernel_device), moved(trees, kernel_device), temperature)
        assert torch.equal(told, rounds_given(logits_BNV, trees, temperature))
        assert (logits_BNV[torch.arange(12), 0, told[:, 1]] > -math.inf).all()


def test_a_position_has_its_seed_whoever_comes_to_it(kernel_device):
    """The stream of a document's seeds, and how many are taken, in place of the seeds of a round."""
    trees = moved(random_rounds(4, rounds=3, nodes=2, vocabulary=50, device="cpu"), kernel_device)
    logits_BNV = logits_of(3, 2, 50).to(kernel_device)
    expected = given(logits_BNV, trees._replace(seeds_BS=trees.seeds_BS[:, 9:]), 1.0)
    assert torch.equal(given(logits_BNV, trees._replace(taken=torch.tensor(9, device=kernel_device)), 1.0), expected)
    assert not torch.equal(given(logits_BNV, trees, 1.0), expected)


def laws(rounds: int, turns: int, size: int, *, sharp: float, seed: int) -> tuple[torch.Tensor, torch.Tensor, Trees]:
    """A tree with three siblings, two behind the second of them, all drawn from their laws."""
    generator = torch.Generator().manual_seed(seed)
    parents = [-1, 0, 0, 0, 2, 2]
    p_BNV = (torch.randn(rounds, 6, size, generator=generator) * sharp).softmax(dim=-1)
    mixed = torch.randn(rounds, 6, turns, size, generator=generator)
    q_BNTV = (p_BNV[:, :, None].log() * 0.5 + mixed).softmax(dim=-1)
    tokens_BN, rows = torch.zeros(rounds, 6, dtype=torch.int64), torch.arange(rounds)
    for node, children in ((0, (1, 2, 3)), (2, (4, 5))):
        left_BTV = q_BNTV[:, node].clone()
        for place, child in enumerate(children):
            tokens_BN[:, child] = left_BTV[:, place % turns].multinomial(1, generator=generator)[:, 0]
            left_BTV[rows, :, tokens_BN[:, child]] = 0.0
    seeds_BS = torch.randint(2**63 - 1, (rounds, 3), generator=generator)
    return p_BNV, q_BNTV, Trees(tokens_BN, torch.tensor(parents), torch.tensor([0, 1, 1, 1, 2, 2]), seeds_BS, None)


def drawn(p_BNV, q_BNTV, trees: Trees, device: str) -> torch.Tensor:
    there = moved(trees, device)
    return verify_drawn_tree(
        p_BNV.to(device), q_BNTV.to(device), *there[:3], seeds_S=there.seeds_BS, taken=there.taken
    ).told.cpu()


@pytest.mark.parametrize(("turns", "size", "sharp"), [(1, 4, 1.0), (2, 70, 3.0), (1, 1500, 2.0), (2, 1500, 2.0)])
def test_drawn_candidates_are_judged_as_by_the_host(kernel_device, turns, size, sharp):
    rounds = 3 if kernel_device == "cpu" else 400
    p_BNV, q_BNTV, trees = laws(rounds, turns, size, sharp=sharp, seed=size)
    assert torch.equal(drawn(p_BNV, q_BNTV, trees, kernel_device), rounds_drawn(p_BNV, q_BNTV, trees))


def test_laws_with_impossible_tokens_and_equal_laws_are_judged_as_by_the_host(kernel_device):
    p_BNV, q_BNTV, trees = laws(4, 1, 8, sharp=1.5, seed=3)
    rows = torch.arange(4)
    for node in (0, 2):  # what was drawn must not be impossible under the draft's law; under the target's it may
        p_BNV[rows, node, trees.tokens_BN[:, 1]] = 0.0
    p_BNV[2:] = q_BNTV[2:, :, 0]
    p_BNV /= p_BNV.sum(dim=-1, keepdim=True)
    assert torch.equal(drawn(p_BNV, q_BNTV, trees, kernel_device), rounds_drawn(p_BNV, q_BNTV, trees))


def test_the_unlikely_are_drawn_from_a_residual_too(kernel_device):
    p_BNV, q_BNTV, trees = laws(4, 2, 40, sharp=0.3, seed=9)
    likely, race.LIKELY = race.LIKELY, 0.03
    try:
        expected = rounds_drawn(p_BNV, q_BNTV, trees)
        assert torch.equal(drawn(p_BNV, q_BNTV, trees, kernel_device), expected)
    finally:
        race.LIKELY = likely


@pytest.mark.parametrize("implementation", ["reference", "triton"])
def test_the_operations_are_registered_as_torch_wants_them(kernel_device, implementation):
    trees = moved(random_rounds(6, rounds=1, nodes=3, vocabulary=12, device="cpu"), kernel_device)
    logits_BNV = logits_of(1, 3, 12).to(kernel_device)
    checked = ("test_schema", "test_faketensor", "test_autograd_registration")
    torch.library.opcheck(_verify_tree, (logits_BNV, *trees, 1.0, implementation), test_utils=checked)
    p_BNV, q_BNTV = logits_BNV.softmax(dim=-1), logits_BNV[:, :, None].softmax(dim=-1)
    torch.library.opcheck(_verify_drawn_tree, (p_BNV, q_BNTV, *trees, implementation), test_utils=checked)


def test_a_name_that_no_implementation_has_is_refused():
    with pytest.raises(ValueError, match="expected an implementation among auto, reference, triton, got fast"):
        verify_tree(torch.zeros(1, 4), *torch.zeros(3, 1, dtype=torch.int64), implementation="fast")


def test_a_round_is_captured_in_a_graph_and_nothing_is_read_by_the_host(kernel_device):
    if kernel_device == "cpu":
        pytest.skip("of a GPU")
    trees = moved(random_rounds(6, rounds=1, nodes=30, vocabulary=4_999, device="cpu"), "cuda")
    logits_BNV, taken = logits_of(1, 30, 4_999).cuda(), torch.zeros((), dtype=torch.int64, device="cuda")
    trees = trees._replace(taken=taken)
    p_BNV, q_BNTV = logits_BNV.softmax(dim=-1), logits_BNV[:, :, None].softmax(dim=-1)

    def play() -> list[torch.Tensor]:
        rest = {"seeds_S": trees.seeds_BS, "taken": taken}
        return [
            verify_tree(logits_BNV, *trees[:3]).told,
            verify_tree(logits_BNV, *trees[:3], temperature=1.0, **rest).told,
            verify_drawn_tree(p_BNV, q_BNTV, *trees[:3], **rest).told,
        ]

    play()
    torch.cuda.set_sync_debug_mode("error")
    try:
        eager = play()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = play()
    graph.replay()
    assert all(torch.equal(one, other) for one, other in zip(eager, captured, strict=True))
