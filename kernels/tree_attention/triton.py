"""Attention of few rows over a long cache: split over keys, so that every processor reads a part of them, then merged.

Two launches, `_split` and `_merge`; one where a single part is enough. A program of the first holds up to BM query rows
of one key head, all of its query heads side by side, and goes through tiles of BN key rows with the running maximum and
sum of a softmax in powers of two. Tiles of the prefix come first, then, beginning anew where the prefix ends, tiles of
the tree, each inside of one word. Tiles that every row sees whole take a loop without a mask.

Lengths of the prefix are read on the device, and the parts share what there is, so a captured graph serves all lengths.

Shapes: B batch, H query heads, G key heads, F = H / G, T query rows, S key rows, N rows of the tree, D head size.
"""

import functools
from typing import NamedTuple

import torch
import triton
import triton.language as tl

LOG2E = 1.4426950408889634
WORD = tl.constexpr(64)


class Config(NamedTuple):
    """Query rows (heads of one key head counted) and key rows of a tile, warps, stages; rows that a program merges."""

    rows: int
    keys: int
    warps: int
    stages: int
    merged: int = 4


@triton.jit
def _tile(ptr, step, first, limit, CUT: tl.constexpr, D: tl.constexpr, DP: tl.constexpr, BN: tl.constexpr):
    """BN rows from `first` on; where CUT those from `limit` on are zero and not read, nor is what pads a row."""
    n = tl.arange(0, BN)
    d = tl.arange(0, DP)
    at = ptr + tl.cast(first, tl.int64) * step + n[:, None] * step + d[None, :]
    if CUT:
        tile = tl.load(at, mask=(first + n < limit)[:, None] & (d < D)[None, :], other=0.0)
    elif D == DP:
        tile = tl.load(at)
    else:
        tile = tl.load(at, mask=(d < D)[None, :], other=0.0)
    return tile


@triton.jit
def _tanh(x):
    """Cephes' tanhf: a polynomial near 0, where a quotient of exponentials would lose what is small."""
    y = tl.where(tl.abs(x) > 20.0, 20.0, tl.abs(x))  # NaN stays
    z = y * y
    p = ((-5.70498872745e-3 * z + 2.06390887954e-2) * z - 5.37397155531e-2) * z + 1.33314422036e-1
    near = y + y * z * (p * z - 3.33332819422e-1)
    far = 1.0 - 2.0 / (tl.exp(2.0 * y) + 1.0)
    y = tl.where(y < 0.625, near, far)
    return tl.where(x < 0.0, -y, y)


@triton.jit
def _scores(q, k, scale, cap, SOFTCAP: tl.constexpr):
    """In powers of two: `scale` or `cap` holds log2(e)."""
    x = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
    if SOFTCAP:
        x = cap * _tanh(x)
    return x


@triton.jit
def _fold(x, v, most, total, acc):
    """One more tile in the running softmax; hidden scores are -inf, and `most` begins above it."""
    top = tl.maximum(most, tl.max(x, 1))
    p = tl.exp2(x - top[:, None])
    shrink = tl.exp2(most - top)
    acc = acc * shrink[:, None] + tl.dot(p.to(v.dtype), v, input_precision="ieee")
    return top, total * shrink + tl.sum(p, 1), acc


@triton.jit(do_not_specialize=["seen_B", "seen_T", "place_B", "tree_B", "T", "S", "N", "window", "splits"])
def _split(
    q_ptr, k_ptr, v_ptr, seen_ptr, length_ptr, place_ptr, tree_ptr, out_ptr, part_ptr, level_ptr,
    q_B, q_H, q_T, k_B, k_G, k_S, v_B, v_G, v_S, seen_B, seen_T, seen_S, length_B, place_B, tree_B, out_B, out_T, out_H,
    T, S, N, window, splits, scale, cap,
    G: tl.constexpr, F: tl.constexpr, D: tl.constexpr, DP: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
    WORDS: tl.constexpr, WINDOW: tl.constexpr, SOFTCAP: tl.constexpr, ALONE: tl.constexpr,
):  # fmt: skip
    head = tl.program_id(1)
    split = tl.program_id(2)
    b = (head // G).to(tl.int64)  # before products with strides, which may pass 2^31
    g = (head % G).to(tl.int64)
    row = tl.program_id(0) * BM + tl.arange(0, BM)  # a token's query heads of this key head side by side
    t = (row // F).to(tl.int64)
    h = g * F + row % F
    here = t < T
    d = tl.arange(0, DP)
    n = tl.arange(0, BN)
    inside = here[:, None] & (d < D)[None, :]
    q = tl.load(q_ptr + b * q_B + t[:, None] * q_T + h[:, None] * q_H + d[None, :], mask=inside, other=0.0)
    k_ptr += b * k_B + g * k_G
    v_ptr += b * v_B + g * v_G
    seen_ptr += b * seen_B

    # Tiles of the prefix, then of the tree.
    prefix = S
    end = S
    if WORDS:
        prefix = tl.minimum(tl.load(length_ptr + b * length_B).to(tl.int32), S)
        end = tl.minimum(prefix + N, S)
    prefix_tiles = tl.cdiv(prefix, BN)
    tiles = prefix_tiles + tl.cdiv(end - prefix, BN)
    skip = 0  # tiles that lie too far behind for every row
    sure = 0  # the first tile that does not for any
    if WINDOW:
        oldest = tl.load(place_ptr + b * place_B + t, mask=here, other=0).to(tl.int32) - window + 1  # that a row sees
        skip = tl.minimum(tl.maximum(tl.min(tl.where(here, oldest, 2147483647), 0), 0) // BN, prefix_tiles)
        sure = tl.cdiv(tl.maximum(tl.max(tl.where(here, oldest, 0), 0), 0), BN)
    each = tl.cdiv(tiles - skip, splits)
    first = tl.minimum(skip + split * each, tiles)
    last = tl.minimum(first + each, tiles)
    plain = last  # tiles from here to `rest` need no mask
    rest = last
    if WORDS:
        rest = tl.minimum(tl.maximum(prefix // BN, first), last)
        plain = tl.minimum(tl.maximum(sure, first), rest)

    most = tl.full((BM,), -1e30, tl.float32)
    total = tl.zeros((BM,), tl.float32)
    acc = tl.zeros((BM, DP), tl.float32)
    for i in range(plain, rest):
        k = _tile(k_ptr, k_S, i * BN, end, False, D, DP, BN)
        x = _scores(q, k, scale, cap, SOFTCAP)
        v = _tile(v_ptr, v_S, i * BN, end, False, D, DP, BN)
        most, total, acc = _fold(x, v, most, total, acc)
    for c in range(0, plain - first + last - rest):
        tile = first + c + tl.where(first + c < plain, 0, rest - plain)
        behind = tile - prefix_tiles  # tiles, from where the tree begins
        start = tl.where(behind < 0, tile * BN, prefix + behind * BN)
        limit = tl.where(behind < 0, prefix, end)
        key = start + n
        if WORDS:
            bit = tl.maximum(behind, 0) * BN
            word = tl.load(seen_ptr + t * seen_T + bit // WORD * seen_S, mask=here, other=0)
            word = tl.where(behind < 0, -1, word) >> bit % WORD
            low, high = word.to(tl.int32), (word >> 32).to(tl.int32)  # shifts of 64 bits would take twice the registers
            half = tl.where((n < 32)[None, :], low[:, None], high[:, None])
            seen = ((half >> (n % 32)[None, :]) & 1) != 0
            seen = seen & (key < limit)[None, :]
            if WINDOW:
                of_tree = (behind >= 0) & (key < limit)
                position = tl.load(tree_ptr + b * tree_B + (key - prefix), mask=of_tree, other=0).to(tl.int32)
                position = tl.where(behind < 0, key, position)
                seen = seen & (position[None, :] >= oldest[:, None])
        else:
            there = here[:, None] & (key < limit)[None, :]
            seen = tl.load(seen_ptr + t[:, None] * seen_T + key[None, :] * seen_S, mask=there, other=0) != 0
        if tl.max(tl.max(seen.to(tl.int32), 1), 0) > 0:  # branches are blind to each other: most tiles are nobody's
            k = _tile(k_ptr, k_S, start, limit, True, D, DP, BN)
            x = tl.where(seen, _scores(q, k, scale, cap, SOFTCAP), -float("inf"))
            v = _tile(v_ptr, v_S, start, limit, True, D, DP, BN)
            most, total, acc = _fold(x, v, most, total, acc)

    nothing = total == 0.0  # not so of NaN, which has to be seen
    total = tl.where(nothing, 1.0, total)
    acc = acc / total[:, None]
    if ALONE:
        out_ptr += b * out_B + t[:, None] * out_T + h[:, None] * out_H + d[None, :]
        tl.store(out_ptr, acc.to(out_ptr.dtype.element_ty), mask=inside)
    else:
        at = (split.to(tl.int64) * tl.num_programs(1) + head) * T * F + row
        tl.store(part_ptr + at[:, None] * D + d[None, :], acc, mask=inside)
        tl.store(level_ptr + at, tl.where(nothing, -1e30, most + tl.log2(total)), mask=here)


@triton.jit(do_not_specialize=["T"])
def _merge(
    part_ptr, level_ptr, out_ptr, out_B, out_T, out_H, T,
    G: tl.constexpr, F: tl.constexpr, D: tl.constexpr, DP: tl.constexpr, BR: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    head = tl.program_id(1)
    b = (head // G).to(tl.int64)
    g = (head % G).to(tl.int64)
    row = tl.program_id(0) * BR + tl.arange(0, BR)
    t = (row // F).to(tl.int64)
    here = t < T
    d = tl.arange(0, DP)
    inside = here[:, None] & (d < D)[None, :]
    at = head.to(tl.int64) * T * F + row
    step = tl.num_programs(1).to(tl.int64) * T * F
    most = tl.full((BR,), -1e30, tl.float32)
    for s in tl.static_range(SPLITS):
        most = tl.maximum(most, tl.load(level_ptr + at + s * step, mask=here, other=-1e30))
    total = tl.zeros((BR,), tl.float32)
    acc = tl.zeros((BR, DP), tl.float32)
    for s in tl.static_range(SPLITS):
        weight = tl.exp2(tl.load(level_ptr + at + s * step, mask=here, other=-1e30) - most)
        part = tl.load(part_ptr + (at + s * step)[:, None] * D + d[None, :], mask=inside, other=0.0)
        total += weight
        acc += weight[:, None] * part
    out_ptr += b * out_B + t[:, None] * out_T + (g * F + row % F)[:, None] * out_H + d[None, :]
    tl.store(out_ptr, (acc / total[:, None]).to(out_ptr.dtype.element_ty), mask=inside)


def pick(rows: int, head_dim: int, dtype: torch.dtype) -> Config:
    """The tile for `rows` query rows a key head, the largest that registers hold.

    Tensor cores of a Hopper want 64 rows at once; fewer are padded to 16 or 32. Numbers of 32 bits are multiplied
    exactly and without tensor cores, which takes the operands into registers: small tiles.
    """
    wide = max(16, triton.next_power_of_2(head_dim))
    merged = max(1, 128 // wide)
    if dtype == torch.float32:
        return Config(rows=16, keys=32 if wide <= 64 else 16, warps=8, stages=2, merged=merged)
    tall = 16 if rows <= 16 else 32 if rows <= 32 else 64
    if wide > 128:
        return Config(rows=tall, keys=32, warps=8 if tall == 64 else 4, stages=2, merged=merged)
    return Config(rows=tall, keys=32, warps=4, stages=3, merged=merged)


def pick_splits(programs: int, keys: int, processors: int) -> int:
    """Parts of the keys: as few as give every processor two programs, none of fewer than 128 keys, a power of two."""
    wanted = min(2 * processors // max(1, programs), keys // 128, 32)
    return 1 << max(1, wanted).bit_length() - 1


def attend(
    q_BHTD: torch.Tensor,
    k_BGSD: torch.Tensor,
    v_BGSD: torch.Tensor,
    visible: torch.Tensor,
    *,
    scale: float,
    length_B: torch.Tensor | None = None,
    rows: int = 0,
    positions_BT: torch.Tensor | None = None,
    tree_positions_BN: torch.Tensor | None = None,
    window: int | None = None,
    softcap: float | None = None,
    config: Config | None = None,
    splits: int | None = None,
) -> torch.Tensor:
    """See `tree_attention`; the result (B, H, T, D) has the heads of a row side by side in memory.

    `visible` holds the words of a `TreeMask`, (B or 1, T, W), if there is its `length_B`; else it is a boolean mask,
    (B or 1, T, S), with the window counted in. Tile and number of parts are those of the tables unless they are named.
    """
    B, H, T, D = q_BHTD.shape
    G, S = k_BGSD.shape[1], k_BGSD.shape[2]
    F = H // G
    q, k, v = (x if x.stride(-1) == 1 else x.contiguous() for x in (q_BHTD, k_BGSD, v_BGSD))
    seen = visible.expand(B, -1, -1)
    length_stride = place_stride = tree_stride = 0
    place = tree = None
    if length_B is None:
        assert window is None
        seen = seen.view(torch.uint8)
    else:
        length_B = length_B.reshape(-1).expand(B)
        length_stride = length_B.stride(0)
    if window is not None:
        assert positions_BT is not None
        assert tree_positions_BN is not None
        place, tree = (x if x.stride(-1) == 1 else x.contiguous() for x in (positions_BT, tree_positions_BN))
        place, tree = place.expand(B, -1), tree.expand(B, -1)
        place_stride, tree_stride = place.stride(0), tree.stride(0)
    c = config or pick(T * F, D, q.dtype)
    blocks = triton.cdiv(T * F, c.rows)
    if splits is None:
        splits = pick_splits(blocks * B * G, S, _processors(q.device))
    out = torch.empty(B, T, H, D, dtype=q.dtype, device=q.device)
    part = level = None
    if splits > 1:
        part = torch.empty(splits, B * G, T * F, D, dtype=torch.float32, device=q.device)
        level = torch.empty(splits, B * G, T * F, dtype=torch.float32, device=q.device)
    wide = max(16, triton.next_power_of_2(D))
    _split[blocks, B * G, splits](
        q, k, v, seen, length_B, place, tree, out, part, level,
        q.stride(0), q.stride(1), q.stride(2), k.stride(0), k.stride(1), k.stride(2),
        v.stride(0), v.stride(1), v.stride(2), seen.stride(0), seen.stride(1), seen.stride(2),
        length_stride, place_stride, tree_stride, out.stride(0), out.stride(1), out.stride(2),
        T, S, rows, 0 if window is None else window, splits,
        scale * LOG2E if softcap is None else scale / softcap, 0.0 if softcap is None else softcap * LOG2E,
        G=G, F=F, D=D, DP=wide, BM=c.rows, BN=c.keys,
        WORDS=length_B is not None, WINDOW=window is not None, SOFTCAP=softcap is not None, ALONE=splits == 1,
        num_warps=c.warps, num_stages=c.stages,
    )  # fmt: skip
    if splits > 1:
        _merge[triton.cdiv(T * F, c.merged), B * G](
            part, level, out, out.stride(0), out.stride(1), out.stride(2), T,
            G=G, F=F, D=D, DP=wide, BR=c.merged, SPLITS=splits, num_warps=1,
        )  # fmt: skip
    return out.transpose(1, 2)


@functools.cache
def _processors(device: torch.device) -> int:
    """Of a GPU; those of a Hopper where there is none."""
    return int(torch.cuda.get_device_properties(device).multi_processor_count) if device.type == "cuda" else 132
