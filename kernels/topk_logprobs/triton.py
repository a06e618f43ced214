"""Exact top-k by tile maxima: one pass over the logits, then one program a row that reads k tiles of them again.

What is compared is one integer of 64 bits: in its upper half the number, as an integer of the same order, in its lower
half how far its place is from the last one. So a maximum finds value and place at once, of equal numbers the first
wins, and no two entries are equal: what was taken is struck out by its key, and -inf is a number like any other.

Shapes: R rows, V vocabulary, N tiles of TILE numbers, T of them read again, K taken.
"""

import torch
import triton
import triton.language as tl

from offbook.kernels.tiles import TILE, tile_stats

TAKEN = tl.constexpr(-(2**63))  # below the key of any number
A_THREAD = 64  # keys of the tiles that are read again


@triton.jit
def _key(x, place):
    bits = tl.where(x == 0.0, 0.0, x).to(tl.int32, bitcast=True)  # -0.0 is 0.0
    order = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # negative numbers have larger bits the smaller they are
    return (order.to(tl.int64) << 32) | (0x7FFFFFFF - place).to(tl.int64)


@triton.jit
def _number(key):
    order = (key >> 32).to(tl.int32)
    return (order ^ ((order >> 31) & 0x7FFFFFFF)).to(tl.float32, bitcast=True)


@triton.jit
def _place(key):
    return 0x7FFFFFFF - key.to(tl.int32)  # the lower half


@triton.jit
def _top(
    x_ptr,
    max_ptr,
    sum_ptr,
    value_ptr,
    index_ptr,
    V,
    N,
    stride,
    K: tl.constexpr,
    K_POWER: tl.constexpr,
    T: tl.constexpr,
    T_POWER: tl.constexpr,
    N_POWER: tl.constexpr,
    TILE: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)  # before the product with the stride, which may pass 2^31
    tile = tl.arange(0, N_POWER)
    largest = tl.load(max_ptr + row * N + tile, mask=tile < N, other=-float("inf"))
    total = tl.load(sum_ptr + row * N + tile, mask=tile < N, other=0.0)
    top = tl.max(largest, 0)
    base = tl.where(top == -float("inf"), 0.0, top)
    log_sum = base + tl.log(tl.sum(total * tl.exp(largest - base), 0))

    tiles = tl.where(tile < N, _key(largest, tile), TAKEN)
    slot = tl.arange(0, T_POWER)
    chosen = tl.full((T_POWER,), 0x7FFFFFFF, tl.int64)  # tile 0
    for turn in range(T):
        best_tile = tl.max(tiles, 0)
        chosen = tl.where(slot == turn, best_tile, chosen)
        tiles = tl.where(tiles == best_tile, TAKEN, tiles)

    at = _place(chosen)[:, None] * TILE + tl.arange(0, TILE)[None, :]
    held = (slot[:, None] < T) & (at < V)
    x = tl.load(x_ptr + row * stride + at, mask=held, other=-float("inf")).to(tl.float32)
    entries = tl.where(held, _key(x, at), TAKEN)
    rank = tl.arange(0, K_POWER)
    found = tl.full((K_POWER,), 0, tl.int64)
    for turn in range(K):
        best = tl.max(tl.max(entries, 1), 0)
        found = tl.where(rank == turn, best, found)
        entries = tl.where(entries == best, TAKEN, entries)
    tl.store(value_ptr + row * K + rank, _number(found) - log_sum, mask=rank < K)
    tl.store(index_ptr + row * K + rank, _place(found).to(tl.int64), mask=rank < K)


def pick(tiles: int, chosen: int) -> int:
    """Warps of a program that selects among so many tiles (a power of 2) and reads so many (another) again.

    One warp, whose maxima need no barrier, as long as its registers hold everything.
    """
    return max(1, chosen * TILE // (32 * A_THREAD), tiles // 1024)


def top(logits: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities (fp32) and places (int64) of the k largest of the last dimension, or of all if these are fewer.

    Args:
        logits: fp32, fp16 or bf16, of any shape and strides; columns that do not lie side by side are copied.
        k: how many; every one costs a turn, and each further tile registers.
    """
    size = logits.shape[-1]
    k = min(k, size)
    shape = (*logits.shape[:-1], k)
    value = torch.empty(shape, dtype=torch.float32, device=logits.device)
    index = torch.empty(shape, dtype=torch.int64, device=logits.device)
    if value.numel() == 0:
        return value, index
    x_RV = logits.reshape(-1, size)
    if x_RV.stride(1) != 1:
        x_RV = x_RV.clone(memory_format=torch.contiguous_format)
    largest_RN, total_RN = tile_stats(x_RV)
    count = largest_RN.shape[1]
    chosen = min(k, count)  # every tile holds an entry at least
    powers = tuple(map(triton.next_power_of_2, (k, chosen, count)))
    _top[(x_RV.shape[0],)](
        x_RV,
        largest_RN,
        total_RN,
        value,
        index,
        size,
        count,
        x_RV.stride(0),
        K=k,
        K_POWER=powers[0],
        T=chosen,
        T_POWER=powers[1],
        N_POWER=powers[2],
        TILE=TILE,
        num_warps=pick(powers[2], powers[1]),
    )
    return value, index
