"""Trees of the best candidates, by the kernel and by the plain reference, against a rebuild by lists."""

import pytest
import torch

from offbook.kernels.rerank_tree import _rerank_tree, rerank_tree
from tests.kernels.checks import rerank_tree as rerank_checks
from tests.kernels.checks.rerank_tree import pool


def by_lists(scores: torch.Tensor, tokens: torch.Tensor, parents: torch.Tensor, keep: int) -> dict[str, list[int]]:
    """One candidate after the other; words as whole numbers."""
    best = sorted(range(len(scores)), key=lambda i: (-float(scores[i]), i))[:keep]
    places = {-1: 0} | {candidate: place for place, candidate in enumerate(sorted(best), start=1)}
    found: dict[str, list[int]] = {"tokens": [77], "parents": [-1], "depths": [0], "sees": [1]}
    for candidate in sorted(best):
        above = places[int(parents[candidate])]
        found["tokens"].append(int(tokens[candidate]))
        found["parents"].append(above)
        found["depths"].append(found["depths"][above] + 1)
        found["sees"].append(found["sees"][above] | 1 << places[candidate])
    return found


def words_of(number: int, count: int) -> list[int]:
    """64 bits each, of which the last is a sign."""
    parts = [(number >> 64 * word) & (2**64 - 1) for word in range(count)]
    return [part - 2**64 if part >= 2**63 else part for part in parts]


@pytest.mark.parametrize("implementation", ["auto", "reference"])
@pytest.mark.parametrize(
    ("size", "keep", "steps"), [(1, 1, 0.0), (70, 31, 0.0), (70, 31, 0.5), (401, 64, 0.25), (3, 9, 0.0)]
)
def test_the_best_candidates_make_a_tree(kernel_device, size, keep, steps, implementation):
    scores, tokens, parents = pool(size, seed=size, steps=steps)
    expected = by_lists(scores, tokens, parents, keep)
    sides = [side.to(kernel_device) for side in (scores, tokens, parents, torch.tensor(77), torch.tensor(100))]
    found = rerank_tree(*sides[:4], keep=keep, start=sides[4], implementation=implementation)
    assert found.undefined == 0
    assert found.tokens_N.tolist() == expected["tokens"]
    assert found.parents_N.tolist() == expected["parents"]
    assert found.depths_N.tolist() == expected["depths"]
    assert found.positions_N.tolist() == [100 + depth for depth in expected["depths"]]
    assert found.words_NW.tolist() == [words_of(sees, found.words_NW.shape[1]) for sees in expected["sees"]]
    kept = sorted(sorted(range(size), key=lambda i: (-float(scores[i]), i))[:keep])
    assert found.scores_N.tolist() == [0.0, *scores[kept].tolist()]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_scores_of_other_types_are_compared_in_fp32(kernel_device, dtype):
    scores, tokens, parents = pool(50, seed=5)
    sides = [side.to(kernel_device) for side in (scores.to(dtype), tokens, parents, tokens[0])]
    found, expected = (rerank_tree(*sides, keep=20, implementation=name) for name in ("triton", "reference"))
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_the_decisive_checks_pass(kernel_device):
    if kernel_device == "cuda":
        pytest.skip("these are of interpreted kernels")
    for check in rerank_checks.checks():
        check()


@pytest.mark.parametrize("implementation", ["reference", "triton"])
def test_the_operation_is_registered_as_torch_wants_it(kernel_device, implementation):
    sides = [side.to(kernel_device) for side in (*pool(20, seed=0), torch.tensor(3), torch.tensor(9))]
    torch.library.opcheck(_rerank_tree, (*sides, 8, implementation))


def test_a_tree_is_captured_in_a_graph_and_nothing_is_read_by_the_host(kernel_device):
    if kernel_device == "cpu":
        pytest.skip("of a GPU")
    sides = [side.cuda() for side in (*pool(401, seed=0), torch.tensor(3))]
    rerank_tree(*sides, keep=60)
    torch.cuda.set_sync_debug_mode("error")
    try:
        eager = rerank_tree(*sides, keep=60)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = rerank_tree(*sides, keep=60)
    graph.replay()
    assert all(torch.equal(one, other) for one, other in zip(eager, captured, strict=True))
