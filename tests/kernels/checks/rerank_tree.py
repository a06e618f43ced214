"""What no faulty kernel of `rerank_tree` passes: trees against the plain reference, and against a rebuild by lists."""

from collections.abc import Callable

import torch

from offbook.kernels.rerank_tree import Reranked, reference, rerank_tree

MUTANTS: tuple[tuple[str, str, str], ...] = (
    ("of equal candidates all are kept", "<= N - 1 - tl.sum(better, 0)", "<= N - 1"),
    ("negative scores are ordered the wrong way round", "bits ^ 0x7FFFFFFF, bits", "bits, bits"),
    ("the mask of the pool's end is dropped", "where(i < P, key, -2147483649)", "where(i < PP, key, -2147483649)"),
    ("one candidate too few is counted", ">= N - 1\n", ">= N - 2\n"),
    ("parents keep the numbers of the pool", "tl.gather(place, tl.maximum(parent, 0).to(tl.int32), 0)", "parent + 1"),
    ("the root's position is forgotten", "first + depth, mask=t < N", "depth, mask=t < N"),
    (
        "ancestors are not looked up far enough",
        "        for _ in tl.static_range(LEVELS):",
        "        for _ in tl.static_range(LEVELS - 2):",
    ),
    ("the second word repeats the first", "tl.where(t // 64 == word,", "tl.where(t // 64 >= 0,"),
    ("nobody waits for what other threads store", "    tl.debug_barrier()  # what follows", "    # what follows"),
    ("NaN is not told", "(score != score)", "(score != score) & (i < 0)"),
)


def checks() -> list[Callable[[], None]]:
    return [small_pools, ties, a_tree_of_several_words, scores_without_an_order]


def pool(size: int, *, seed: int, steps: float = 0.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Scores that never increase along a path, in multiples of `steps`, so that many are equal; tokens; parents."""
    generator = torch.Generator().manual_seed(seed)
    fall, token = torch.rand(size, generator=generator), torch.randint(1_000, (size,), generator=generator)
    if steps:
        fall = (fall / steps).floor() * steps
    parents, scores = [-1] * min(3, size), [-float(fall[i]) for i in range(min(3, size))]
    for i in range(len(parents), size):
        parents.append(int(torch.randint(max(0, i - 12), i, (), generator=generator)))
        scores.append(scores[parents[-1]] - float(fall[i]))
    return torch.tensor(scores), token, torch.tensor(parents)


def compare(
    scores: torch.Tensor, tokens: torch.Tensor, parents: torch.Tensor, keep: int, start: int | None
) -> Reranked:
    """What the kernel finds, where it is what the reference finds."""
    root = torch.tensor(77)
    first = None if start is None else torch.tensor(start)
    found = rerank_tree(scores, tokens, parents, root, keep=keep, start=first, implementation="triton")
    for one, other in zip(found, reference.rerank(scores, tokens, parents, root, first, keep), strict=True):
        assert torch.equal(one, other)
    return found


def small_pools() -> None:
    for size, keep, start in ((1, 1, None), (3, 5, 4), (40, 15, 100), (200, 63, None)):
        compare(*pool(size, seed=size), keep, start)


def ties() -> None:
    """Also between the two zeros."""
    compare(*pool(60, seed=1, steps=0.5), 20, 7)
    compare(torch.tensor([-0.0, 0.0, -0.0, -1.0, 0.0]), torch.arange(5), torch.tensor([-1, -1, 0, 0, 1]), 3, None)


def a_tree_of_several_words() -> None:
    """Deep, so that ancestors lie in the first word of nodes in the second, whose last bit is a sign."""
    size = 130
    scores = -torch.arange(1, size + 1).float() / 7
    found = compare(scores, torch.arange(size), torch.arange(-1, size - 1), size - 2, 5)
    assert found.words_NW[128].tolist() == [-1, -1, 1]
    assert found.positions_N[128] == 133


def scores_without_an_order() -> None:
    scores, tokens, parents = pool(20, seed=3)
    scores[7] = float("nan")
    found = rerank_tree(scores, tokens, parents, tokens[0], keep=5, implementation="triton")
    assert found.undefined == 1
    assert reference.rerank(scores, tokens, parents, tokens[0], None, 5)[0][0] == 1
