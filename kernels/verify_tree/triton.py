"""Verification of a tree on the device: what the target says behind every node, then one walk.

    tile_stats       maxima and sums of exponentials, 128 logits a tile                       (kernels.tiles)
    _say             behind every node its argmax, or the winner of its race                  a program a node
    _say_drawn       behind every node the accepted child, or a token of what its law leaves  a program a node
    _walk            from the root to the last accepted node; path, count and bonus token     a program a round

Of a race only tiles that may hold a likely token are read again. Where none of the likely is drawn, the walk races all
others, for it comes to few nodes. Numbers and keys of races are fp64: near 1 nothing is left of -log u in fp32.

Shapes: B rounds, N nodes, V vocabulary, T tiles, S seeds a round.
"""

from typing import NamedTuple

import torch
import triton
import triton.language as tl

from offbook.kernels.tiles import TILE, tile_stats
from offbook.kernels.verify_tree import race
from offbook.kernels.verify_tree.rounds import Trees

NOTHING = tl.constexpr(-1)  # is said behind a node whose logits are not finite; no candidate has this id
OTHERS = tl.constexpr(-2)  # instead of a token: one of those that are not likely
ALL_OTHERS = tl.constexpr(-1)  # as a token: whose number decides about them
FIRST_CHILD = tl.constexpr(-2)  # and whose decide about candidates that were drawn, downwards


class Plan(NamedTuple):
    """Sizes of a launch: tiles at once and warps of `_say`, numbers at once and warps where a whole row is read."""

    tiles: int
    warps: int
    numbers: int
    row_warps: int


def pick(size: int) -> Plan:
    """By the size of the vocabulary."""
    return Plan(4, 4, 1024, 4) if size <= 8192 else Plan(16, 8, 2048, 8)


@triton.jit
def _uniform(seed, token):
    """See `race.uniform`: SplitMix64; seed uint64, token int64."""
    mixed = seed + (token + 2).to(tl.uint64) * 0x9E3779B97F4A7C15
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB
    mixed = mixed ^ (mixed >> 31)
    return ((mixed >> 12).to(tl.float64) + 0.5) * 2.220446049250313e-16


@triton.jit
def _keys(weight, seed, token, races):
    """Of tokens that race, their weights divided by their noise, fp64; of others 0."""
    return tl.where(races, weight.to(tl.float64) / -tl.log(_uniform(seed, token.to(tl.int64))), 0.0)


@triton.jit
def _winner(key, token, V):
    """The token of the largest key, the first of several; V where all are 0."""
    top = tl.max(key, None)
    return tl.min(tl.where((key == top) & (key > 0), token, V), None)


@triton.jit
def _event(seed, total, rest):
    """Whether one of the unlikely is drawn, which together have `rest` of `total`."""
    return _uniform(seed, tl.full((), ALL_OTHERS, tl.int64)) * total.to(tl.float64) < rest.to(tl.float64)


@triton.jit
def _seed(seed_ptr, taken_ptr, at):
    """The seed of a round's position, counted from the first that is not taken yet."""
    if taken_ptr is not None:
        at += tl.load(taken_ptr)
    return tl.load(seed_ptr + at).to(tl.uint64)


@triton.jit(do_not_specialize=["N", "S"])
def _say(
    x_ptr, largest_ptr, sum_ptr, depth_ptr, seed_ptr, taken_ptr, said_ptr, law_ptr, list_ptr,
    N, V, T, S, stride, scale, likely,
    DRAW: tl.constexpr, TP: tl.constexpr, TILES: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    tile, one, within = tl.arange(0, TP), tl.arange(0, TILES), tl.arange(0, TILE)
    largest = tl.load(largest_ptr + row * T + tile, mask=tile < T, other=-float("inf"))
    total = tl.load(sum_ptr + row * T + tile, mask=tile < T, other=0.0)
    top = tl.max(largest, 0)
    finite = (top > -float("inf")) & (top < float("inf"))
    base = tl.where(finite, top, 0.0)
    share = tl.exp(largest - base)
    mass = share * total  # NaN wherever the row has one, whatever its maximum is said to be
    whole = tl.sum(mass, 0)
    finite = finite & (whole < float("inf"))
    if DRAW:
        bar = whole * likely
        may = (share > bar) & (tile < T)
        count = tl.sum(may.to(tl.int32), 0)
        tl.store(list_ptr + (row * T + tl.cumsum(may.to(tl.int32), 0) - 1), tile, mask=may)
        tl.debug_barrier()
        seed = _seed(seed_ptr, taken_ptr, row // N * S + tl.load(depth_ptr + row % N))
        best, token = tl.zeros((TILES, TILE), tl.float64), tl.full((TILES, TILE), 0, tl.int32) + V
        left = tl.zeros((TILES, TILE), tl.float32)
        for first in range(0, count, TILES):
            listed = tl.load(list_ptr + row * T + first + one, mask=first + one < count, other=T)
            at = listed[:, None] * TILE + within[None, :]
            x = tl.load(x_ptr + row * stride + at, mask=at < V, other=-float("inf")).to(tl.float32) * scale
            weight = tl.exp(x - base)
            key = _keys(weight, seed, at, weight > bar)
            left += tl.where(weight > bar, 0.0, weight)
            token = tl.where(key > best, at, token)  # of equal ones the first
            best = tl.maximum(key, best)
        rest = tl.sum(left, None) + tl.sum(tl.where(may, 0.0, mass), 0)
        said = _winner(best, token, V)
        said = tl.where(_event(seed, whole, rest) | (said == V), OTHERS, said)
        tl.store(law_ptr + 2 * row, base)
        tl.store(law_ptr + 2 * row + 1, bar)
    else:
        at = tl.min(tl.where((largest == top) & (tile < T), tile, T), 0) * TILE + within
        x = tl.load(x_ptr + row * stride + at, mask=at < V, other=-float("inf")).to(tl.float32) * scale
        said = tl.min(tl.where(x == top, at, V), 0)
    tl.store(said_ptr + row, tl.where(finite, said, NOTHING).to(tl.int64))


@triton.jit
def _unlikely(x_ptr, law_ptr, seed, V, scale, BLOCK: tl.constexpr):
    """The winner among the tokens of one row that are not likely."""
    base, bar, block = tl.load(law_ptr), tl.load(law_ptr + 1), tl.arange(0, BLOCK)
    best, token = tl.zeros((BLOCK,), tl.float64), tl.full((BLOCK,), 0, tl.int32) + V
    for first in range(0, V, BLOCK):
        at = first + block
        x = tl.load(x_ptr + at, mask=at < V, other=-float("inf")).to(tl.float32) * scale
        weight = tl.exp(x - base)
        key = _keys(weight, seed, at, weight <= bar)
        token = tl.where(key > best, at, token)
        best = tl.maximum(key, best)
    return _winner(best, token, V)


@triton.jit(do_not_specialize=["N", "S"])
def _walk(
    x_ptr, said_ptr, law_ptr, token_ptr, parent_ptr, depth_ptr, seed_ptr, taken_ptr, out_ptr,
    N, V, S, stride, scale, DRAW: tl.constexpr, NP: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    round = tl.program_id(0).to(tl.int64)
    node = tl.arange(0, NP)
    token = tl.load(token_ptr + round * N + node, mask=node < N, other=0)
    parent = tl.load(parent_ptr + node, mask=(node > 0) & (node < N), other=-1)
    said = tl.load(said_ptr + round * N + node, mask=node < N, other=0)
    path = tl.zeros((NP,), tl.int32)
    at, count, bonus = tl.full((), 0, tl.int32), tl.full((), 0, tl.int32), tl.full((), 0, tl.int64)
    while at < N:
        path = tl.where(node == count, at, path)
        count += 1
        bonus = tl.sum(tl.where(node == at, said, 0), 0)
        if DRAW:  # noqa: SIM102 (one is decided before the kernel is compiled)
            if bonus == OTHERS:
                row, seed = round * N + at, _seed(seed_ptr, taken_ptr, round * S + tl.load(depth_ptr + at))
                bonus = _unlikely(x_ptr + row * stride, law_ptr + 2 * row, seed, V, scale, BLOCK).to(tl.int64)
        at = tl.min(tl.where((parent == at) & (token == bonus) & (node > at), node, N), 0)
    out_ptr += round * (N + 2)
    tl.store(out_ptr, count.to(tl.int64))
    tl.store(out_ptr + 1, bonus)
    tl.store(out_ptr + 2 + node, path.to(tl.int64), mask=node < N)


@triton.jit
def _left_of(p, q_ptr, past_ptr, at, mask, places, V, TURNS: tl.constexpr):
    """What so many refused candidates leave of a law at some tokens, and which of these they were."""
    gone = at < 0
    for place in range(0, places):
        refused, whole, rest = tl.load(past_ptr), tl.load(past_ptr + 1), tl.load(past_ptr + 2)
        q = tl.load(q_ptr + place % TURNS * V + at, mask=mask, other=0.0).to(tl.float64)
        p = tl.maximum(p - tl.where(gone, 0.0, q) / whole, 0.0) / rest
        gone = gone | (at == refused.to(tl.int64))
        past_ptr += 3
    return p, gone


@triton.jit(do_not_specialize=["N", "S"])
def _say_drawn(
    p_ptr, q_ptr, token_ptr, parent_ptr, depth_ptr, seed_ptr, taken_ptr, said_ptr, past_ptr,
    N, V, S, likely, TURNS: tl.constexpr, NP: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    round, node, block = row // N, tl.arange(0, NP), tl.arange(0, BLOCK)
    p_ptr, q_ptr = p_ptr + row * V, q_ptr + row * TURNS * V
    past_ptr += row * 3 * (N + 1)  # of each refused candidate: its token, the mass of its law, what it left of p
    parent = tl.load(parent_ptr + node, mask=(node > 0) & (node < N), other=-1)
    seed = _seed(seed_ptr, taken_ptr, round * S + tl.load(depth_ptr + row % N))
    some = tl.load(p_ptr)
    finite = some == some  # a law is NaN everywhere or nowhere
    said, places = tl.full((), NOTHING, tl.int64), tl.full((), 0, tl.int32)
    child = tl.where(finite, tl.min(tl.where(parent == row % N, node, N), 0), N)
    tl.store(past_ptr + 1, 1.0)
    while child < N:
        tl.debug_barrier()
        x = tl.load(token_ptr + round * N + child)
        q_here, past_here = q_ptr + places % TURNS * V, past_ptr + 3 * places
        whole = tl.load(past_here + 1)
        p_x, _ = _left_of(tl.load(p_ptr + x).to(tl.float64), q_ptr, past_ptr, x, x >= 0, places, V, TURNS)
        share = p_x / (tl.load(q_here + x).to(tl.float64) / whole)
        accepted = (_uniform(seed, (-places + FIRST_CHILD).to(tl.int64)) < share) | (share >= 1.0)
        if accepted == 0:
            rest, later = tl.zeros((BLOCK,), tl.float64), tl.zeros((BLOCK,), tl.float64)
            q_next = q_ptr + (places + 1) % TURNS * V
            for first in range(0, V, BLOCK):
                at = (first + block).to(tl.int64)
                p = tl.load(p_ptr + at, mask=at < V, other=0.0).to(tl.float64)
                p, gone = _left_of(p, q_ptr, past_ptr, at, at < V, places, V, TURNS)
                q = tl.load(q_here + at, mask=at < V, other=0.0).to(tl.float64)
                rest += tl.maximum(p - tl.where(gone, 0.0, q) / whole, 0.0)
                q = tl.load(q_next + at, mask=at < V, other=0.0).to(tl.float64)
                later += tl.where(gone | (at == x), 0.0, q)
            left, after = tl.sum(rest, 0), tl.sum(later, 0)
            accepted = accepted | (left <= 0.0)  # p is q, up to rounding: nothing is left to draw
            tl.store(past_here, x.to(tl.float64))
            tl.store(past_here + 2, left)
            tl.store(past_here + 4, tl.where(after > 0.0, after, 1.0))  # all that could be drawn has been: none follows
        said = tl.where(accepted, x, said)
        places += 1
        child = tl.where(accepted, N, tl.min(tl.where((parent == row % N) & (node > child), node, N), 0))
    if finite & (said == NOTHING):
        tl.debug_barrier()
        said = _race_of_rest(p_ptr, q_ptr, past_ptr, seed, places, V, likely, TURNS, BLOCK).to(tl.int64)
    tl.store(said_ptr + row, said)


@triton.jit
def _race_of_rest(p_ptr, q_ptr, past_ptr, seed, places, V, likely, TURNS: tl.constexpr, BLOCK: tl.constexpr):
    """A token of what the refused candidates leave of a law."""
    block, said = tl.arange(0, BLOCK), tl.full((), 0, tl.int32) + V
    others = said < 0
    for pass_ in range(0, 2):  # the likely; then all others, if one of them is drawn
        if (pass_ == 0) | others:
            best, token = tl.zeros((BLOCK,), tl.float64), tl.full((BLOCK,), 0, tl.int32) + V
            total, rest = tl.zeros((BLOCK,), tl.float64), tl.zeros((BLOCK,), tl.float64)
            for first in range(0, V, BLOCK):
                at = first + block
                p = tl.load(p_ptr + at, mask=at < V, other=0.0).to(tl.float64)
                p, _ = _left_of(p, q_ptr, past_ptr, at.to(tl.int64), at < V, places, V, TURNS)
                races = (p > likely) == (pass_ == 0)
                total += p
                rest += tl.where(p > likely, 0.0, p)
                if tl.max((races & (p > 0)).to(tl.int32), 0) > 0:
                    key = _keys(p, seed, at, races)
                    token = tl.where(key > best, at, token)
                    best = tl.maximum(key, best)
            said = _winner(best, token, V)
            others = _event(seed, tl.sum(total, 0), tl.sum(rest, 0)) | (said == V)
    return said


def walk_given(logits_BNV: torch.Tensor, trees: Trees, temperature: float, plan: Plan | None = None) -> torch.Tensor:
    """Rounds of candidates that are given, (B, 2 + N): count, bonus token, path."""
    size = logits_BNV.shape[2]
    plan, draws, scale = plan or pick(size), temperature > 0, 1 / (temperature or 1.0)
    x_RV = logits_BNV.reshape(-1, size)
    x_RV = x_RV if x_RV.stride(1) == 1 else x_RV.contiguous()
    largest_RT, sum_RT = tile_stats(x_RV, scale)
    rows, tiles = largest_RT.shape
    said_R = x_RV.new_empty(rows, dtype=torch.int64)
    law_R2 = largest_RT.new_empty(rows, 2) if draws else None
    list_RT = x_RV.new_empty(rows, tiles, dtype=torch.int32) if draws else None
    _say[(rows,)](
        x_RV, largest_RT, sum_RT, trees.depths_N, trees.seeds_BS, trees.taken, said_R, law_R2, list_RT,
        trees.tokens_BN.shape[1], size, tiles, trees.seeds, x_RV.stride(0), scale, race.LIKELY,
        DRAW=draws, TP=max(16, triton.next_power_of_2(tiles)), TILES=plan.tiles, TILE=TILE, num_warps=plan.warps,
    )  # fmt: skip
    return _walked(x_RV, said_R, law_R2, trees, scale, plan)


def walk_drawn(p_BNV: torch.Tensor, q_BNTV: torch.Tensor, trees: Trees, plan: Plan | None = None) -> torch.Tensor:
    """Rounds of candidates that were drawn, (B, 2 + N): count, bonus token, path."""
    rounds, nodes, turns, size = q_BNTV.shape
    plan = plan or pick(size)
    p_RV, q_RTV = p_BNV.reshape(-1, size).contiguous(), q_BNTV.reshape(-1, turns, size).contiguous()
    said_R = p_RV.new_empty(rounds * nodes, dtype=torch.int64)
    past_R = p_RV.new_empty(rounds * nodes, nodes + 1, 3, dtype=torch.float64)
    _say_drawn[(rounds * nodes,)](
        p_RV, q_RTV, *trees, said_R, past_R, nodes, size, trees.seeds, race.LIKELY,
        TURNS=turns, NP=max(16, triton.next_power_of_2(nodes)), BLOCK=plan.numbers, num_warps=plan.row_warps,
    )  # fmt: skip
    return _walked(p_RV, said_R, None, trees, 1.0, plan)


def _walked(
    x_RV: torch.Tensor, said_R: torch.Tensor, law_R2: torch.Tensor | None, trees: Trees, scale: float, plan: Plan
) -> torch.Tensor:
    rounds, nodes = trees.tokens_BN.shape
    out_BM = said_R.new_empty(rounds, 2 + nodes)
    _walk[(rounds,)](
        x_RV, said_R, law_R2, *trees, out_BM, nodes, x_RV.shape[1], trees.seeds, x_RV.stride(0), scale,
        DRAW=law_R2 is not None, NP=max(16, triton.next_power_of_2(nodes)), BLOCK=plan.numbers,
        num_warps=1 if law_R2 is None else plan.row_warps,
    )  # fmt: skip
    return out_BM
