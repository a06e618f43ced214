"""Maximum and sum of exponentials of every tile of a vocabulary: one pass for top-k, log-probabilities and draws.

The k largest of V numbers lie in the k tiles with the largest maxima, a log-sum-exp is put together from the tiles'
own, and a tile whose maximum is unlikely holds no likely token. So what follows reads a few tiles again, not V numbers.

Shapes: R rows, V vocabulary, N tiles of TILE numbers.
"""

import torch
import triton
import triton.language as tl

TILE = 128  # numbers a tile
TILES = 32  # a program


@triton.jit
def _tile_stats(x_ptr, max_ptr, sum_ptr, V, N, stride, scale, TILES: tl.constexpr, TILE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)  # before the product with the stride, which may pass 2^31
    tile = tl.program_id(1) * TILES + tl.arange(0, TILES)
    at = tile[:, None] * TILE + tl.arange(0, TILE)[None, :]
    x = tl.load(x_ptr + row * stride + at, mask=at < V, other=-float("inf")).to(tl.float32) * scale
    largest = tl.max(x, 1)
    base = tl.where(largest == -float("inf"), 0.0, largest)  # a tile of nothing but -inf sums to 0, not to NaN
    total = tl.sum(tl.exp(x - base[:, None]), 1)
    tl.store(max_ptr + row * N + tile, largest, mask=tile < N)
    tl.store(sum_ptr + row * N + tile, total, mask=tile < N)


def tile_stats(x_RV: torch.Tensor, scale: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Per tile of `x * scale` its maximum and the sum of exp(x * scale - maximum), fp32, (R, N) each.

    Args:
        x_RV: of any floating type, with columns side by side; rows may have any stride.
        scale: above 0.
    """
    rows, size = x_RV.shape
    assert x_RV.stride(1) == 1
    count = triton.cdiv(size, TILE)
    largest_RN = torch.empty(rows, count, dtype=torch.float32, device=x_RV.device)
    total_RN = torch.empty_like(largest_RN)
    tiles = min(TILES, triton.next_power_of_2(count))
    grid = (rows, triton.cdiv(count, tiles))
    _tile_stats[grid](
        x_RV, largest_RN, total_RN, size, count, x_RV.stride(0), scale, TILES=tiles, TILE=TILE, num_warps=4
    )
    return largest_RN, total_RN
