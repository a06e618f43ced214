"""The best candidates of a pool as a tree, by one program: choose, number anew, look up.

The worst score that is kept is found bit by bit, by 32 counts, for which floats are read as integers in the same order;
sorting a pool of 512 takes 45 exchanges. Ancestors and depths are found by looking twice as far each time.

Shapes: P pool, N nodes including the root, W words.
"""

import torch
import triton
import triton.language as tl


@triton.jit(do_not_specialize=["P", "N"])
def _rerank(
    score_ptr, token_ptr, parent_ptr, root_ptr, start_ptr, told_ptr, word_ptr, kept_ptr,
    P, N, PP: tl.constexpr, NP: tl.constexpr, LEVELS: tl.constexpr, W: tl.constexpr,
):  # fmt: skip
    i, t = tl.arange(0, PP), tl.arange(0, NP)
    score = tl.load(score_ptr + i, mask=i < P, other=0.0).to(tl.float32)
    undefined = tl.sum((score != score).to(tl.int32), 0) > 0
    score = tl.where(score == 0.0, 0.0, score)  # minus zero is no worse
    bits = score.to(tl.int32, bitcast=True)
    key = tl.where(bits < 0, bits ^ 0x7FFFFFFF, bits).to(tl.int64)
    key = tl.where(i < P, key, -2147483649)  # below all others
    worst, one = tl.full((), -2147483648, tl.int64), tl.full((), 1, tl.int64)
    for step in range(0, 32):
        tried = worst + (one << (31 - step))
        enough = tl.sum((key >= tried).to(tl.int32), 0) >= N - 1
        worst = tl.where(enough, tried, worst)
    better, equal = (key > worst).to(tl.int32), (key == worst).to(tl.int32)
    kept = (better == 1) | (
        (equal == 1) & (tl.cumsum(equal, 0) <= N - 1 - tl.sum(better, 0))
    )  # the first of equal ones
    place = tl.cumsum(kept.to(tl.int32), 0) * kept.to(tl.int32)
    token = tl.load(token_ptr + i, mask=i < P, other=0)
    parent = tl.load(parent_ptr + i, mask=i < P, other=-1)
    above = tl.where(parent < 0, 0, tl.gather(place, tl.maximum(parent, 0).to(tl.int32), 0))
    tl.store(told_ptr + 1 + place, token, mask=kept)
    tl.store(told_ptr + 1 + N + place, above.to(tl.int64), mask=kept)
    tl.store(kept_ptr + place, score, mask=kept)
    tl.store(told_ptr, undefined.to(tl.int64))
    tl.store(told_ptr + 1, tl.load(root_ptr))
    tl.store(told_ptr + 1 + N, tl.full((), -1, tl.int64))
    tl.store(kept_ptr, 0.0)
    tl.debug_barrier()  # what follows reads what other threads have stored
    parents = tl.maximum(tl.load(told_ptr + 1 + N + t, mask=t < N, other=0), 0).to(tl.int32)
    depth, up = (t > 0).to(tl.int64), parents
    for _ in tl.static_range(LEVELS):
        depth += tl.gather(depth, up, 0)
        up = tl.gather(up, up, 0)
    first = tl.full((), 0, tl.int64)
    if start_ptr is not None:
        first += tl.load(start_ptr)
    tl.store(told_ptr + 1 + 2 * N + t, depth, mask=t < N)
    tl.store(told_ptr + 1 + 3 * N + t, first + depth, mask=t < N)
    for word in tl.static_range(W):
        seen = tl.where(t // 64 == word, tl.full((NP,), 1, tl.int64) << (t % 64).to(tl.int64), 0)
        up = parents
        for _ in tl.static_range(LEVELS):
            seen = seen | tl.gather(seen, up, 0)
            up = tl.gather(up, up, 0)
        tl.store(word_ptr + t * W + word, seen, mask=t < N)


def rerank(
    scores_P: torch.Tensor,
    tokens_P: torch.Tensor,
    parents_P: torch.Tensor,
    root: torch.Tensor,
    start: torch.Tensor | None,
    keep: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """See `reference.rerank`."""
    size = scores_P.shape[0]
    nodes = 1 + min(keep, size)
    told_M = tokens_P.new_empty(1 + 4 * nodes)
    words_NW = tokens_P.new_empty(nodes, triton.cdiv(nodes, 64))
    kept_N = scores_P.new_empty(nodes, dtype=torch.float32)
    PP = max(16, triton.next_power_of_2(size))
    _rerank[(1,)](
        scores_P, tokens_P, parents_P, root, start, told_M, words_NW, kept_N,
        size, nodes, PP=PP, NP=max(16, triton.next_power_of_2(nodes)),
        LEVELS=(nodes - 1).bit_length(), W=words_NW.shape[1], num_warps=1 if PP <= 512 else 4,
    )  # fmt: skip
    return told_M, words_NW, kept_N
