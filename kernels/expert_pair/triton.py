"""Experts on few rows in two launches, whatever their number.

`_inner` gives every expert's activated inner rows, and one program of it the gate's weights. `_outer` multiplies them
with the second matrices, each expert's output in columns of its own until the end, where they are weighed and added.

In every product the weights are the tall side (M) and the rows u the narrow one: 16 rows then are one tile of a tensor
core, and what counts is how fast weights come. They are read once, where they lie, each matrix by its own pointer.

Shapes: R rows, H hidden, I inner width, N experts, G outputs of the gate.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import triton
import triton.language as tl

FILLED = 112  # programs that keep the 132 multiprocessors of an H200 busy
SHARED_BYTES = 163840  # what a program may have on its way; sm_80 has little more
COLUMNS = 128  # of `_outer`'s result: experts, rounded up, times rows
WARPS = 4


@triton.jit
def _of(pointers, number, COUNT: tl.constexpr):
    found = pointers[0]
    for other in tl.static_range(1, COUNT):
        found = tl.where(number == other, pointers[other], found)
    return found


@triton.jit
def _two_largest(scores, g, first, COUNT: tl.constexpr, SIGN: tl.constexpr, LAST: tl.constexpr):
    """The softmax of the two largest of COUNT scores from `first` on, at their places; SIGN is of the second's."""
    mine = (g >= first) & (g < first + COUNT)
    left = tl.where(mine, scores, -float("inf"))
    high = tl.max(left, 0)
    at_high = tl.min(tl.where(mine & (left == high[None, :]), g, LAST), 0)  # the first, where some are alike
    left = tl.where(g == at_high[None, :], -float("inf"), left)
    low = tl.max(left, 0)
    at_low = tl.min(tl.where(mine & (left == low[None, :]) & (g != at_high[None, :]), g, LAST), 0)
    odds = tl.exp(low - high)
    share = 1.0 / (1.0 + odds)
    weights = tl.where(g == at_high[None, :], share[None, :], 0.0)
    weights += tl.where(g == at_low[None, :], (SIGN * odds * share)[None, :], 0.0)
    nan = tl.sum(tl.where(mine & (scores != scores), scores, 0.0), 0)  # a maximum may leave it out
    return weights + tl.where(mine, nan[None, :], 0.0)


@triton.jit
def _log_softmax(scores, g, COUNT: tl.constexpr):
    left = tl.where(g < COUNT, scores, -float("inf"))
    high = tl.max(left, 0)
    return scores - (high + tl.log(tl.sum(tl.exp(left - high[None, :]), 0)))[None, :]


@triton.jit
def _gelu(x):
    return 0.5 * x * (1.0 + tl.erf(x * 0.7071067811865476))


@triton.jit(do_not_specialize=["R"])
def _inner(
    u_ptr,
    first_ptrs,
    up_ptrs,
    inner_ptr,
    weights_ptr,
    R,
    H,
    I,
    stride_u,
    COUNT: tl.constexpr,
    GATES: tl.constexpr,
    SIGN: tl.constexpr,
    PAIR: tl.constexpr,
    BR: tl.constexpr,
    BI: tl.constexpr,
    BH: tl.constexpr,
):
    tiles = tl.cdiv(I, BI)
    number = tl.program_id(0) // tiles  # of the expert; the gate is one matrix more, of a single tile
    outputs = tl.where(number == COUNT, GATES, I)
    i = tl.program_id(0) % tiles * BI + tl.arange(0, BI)
    r = tl.program_id(1) * BR + tl.arange(0, BR)
    h = tl.arange(0, BH)
    weight = i.to(tl.int64)[:, None] * H + h[None, :]
    at_u = u_ptr + r.to(tl.int64)[:, None] * stride_u + h[None, :]
    at_first = _of(first_ptrs, number, COUNT + 1) + weight
    first = tl.zeros((BI, BR), tl.float32)
    if PAIR:
        at_up = _of(up_ptrs, number, COUNT + 1) + weight
        up = tl.zeros((BI, BR), tl.float32)
    for begin in range(0, H, BH):
        inside = (begin + h < H)[None, :]
        u = tl.trans(tl.load(at_u + begin, (r < R)[:, None] & inside, other=0.0))
        w = tl.load(at_first + begin, (i < outputs)[:, None] & inside, other=0.0)
        first = tl.dot(w, u, first, input_precision="ieee")
        if PAIR:
            w = tl.load(at_up + begin, (i < outputs)[:, None] & inside, other=0.0)
            up = tl.dot(w, u, up, input_precision="ieee")
    kept = (i < outputs)[:, None] & (r < R)[None, :]
    if number == COUNT:
        if PAIR:
            weights = _two_largest(first, i[:, None], 0, COUNT, 1.0, BI)
            weights += _two_largest(first, i[:, None], COUNT, COUNT, SIGN, BI)
        else:
            weights = _log_softmax(first, i[:, None], COUNT)
        at_weights = weights_ptr + r[None, :] * GATES + i[:, None]
        tl.store(at_weights, weights.to(weights_ptr.dtype.element_ty), kept)
    else:
        activated = first * tl.sigmoid(first) * up if PAIR else _gelu(first)
        at_inner = inner_ptr + (number * R + r).to(tl.int64)[None, :] * I + i[:, None]
        tl.store(at_inner, activated.to(inner_ptr.dtype.element_ty), kept)


@triton.jit(do_not_specialize=["R"])
def _outer(
    inner_ptr,
    down_ptrs,
    weights_ptr,
    out_ptr,
    R,
    H,
    I,
    COUNT: tl.constexpr,
    PLACES: tl.constexpr,
    BRANCHES: tl.constexpr,
    BR: tl.constexpr,
    BH: tl.constexpr,
    BI: tl.constexpr,
):
    h = tl.program_id(0) * BH + tl.arange(0, BH)
    rows = tl.program_id(1) * BR + tl.arange(0, BR)
    column = tl.arange(0, PLACES * BR)  # a row of u under an expert
    place = column // BR
    r = tl.program_id(1) * BR + column % BR
    i = tl.arange(0, BI)
    steps = tl.cdiv(I, BI)
    apart = tl.zeros((BH, PLACES * BR), tl.float32)
    # One loop through all experts, so that the next one's weights are on their way while one ends. Columns of others
    # are zero, and nothing is loaded for them.
    for step in range(0, COUNT * steps):
        number = step // steps
        at = step % steps * BI + i
        inside = (at < I)[None, :]
        at_w = _of(down_ptrs, number, COUNT) + h.to(tl.int64)[:, None] * I + at[None, :]
        w = tl.load(at_w, (h < H)[:, None] & inside, other=0.0)
        at_inner = inner_ptr + (number * R + r).to(tl.int64)[:, None] * I + at[None, :]
        inner = tl.load(at_inner, ((place == number) & (r < R))[:, None] & inside, other=0.0)
        apart = tl.dot(w, tl.trans(inner), apart, input_precision="ieee")
    known = (place < COUNT) & (r < R)
    if BRANCHES == 0:
        at = out_ptr + (r * COUNT + place).to(tl.int64)[None, :] * H + h[:, None]
        tl.store(at, apart.to(out_ptr.dtype.element_ty), (h < H)[:, None] & known[None, :])
    for branch in tl.static_range(BRANCHES):
        weight = tl.load(weights_ptr + (r * 2 + branch) * COUNT + place, known, other=0.0)
        summed = tl.sum(tl.reshape(apart * weight[None, :], (BH, PLACES, BR)), 1)
        at = out_ptr + (branch * R + rows).to(tl.int64)[None, :] * H + h[:, None]
        tl.store(at, summed.to(out_ptr.dtype.element_ty), (h < H)[:, None] & (rows < R)[None, :])


class Tiles(NamedTuple):
    """How a launch goes through weight matrices.

    Attributes:
        outputs: rows of a matrix that a program has.
        depth: columns of it that are multiplied at a time.
        stages: how many of these are loaded ahead.
    """

    outputs: int
    depth: int
    stages: int


def rows_at_once(rows: int, experts: int) -> int:
    """Rows of u in a program; more of them are further programs, which read the weights again."""
    block: int = min(max(16, triton.next_power_of_2(rows)), COLUMNS // triton.next_power_of_2(experts))
    return block


def pick(outputs: int, *, matrices: int, side_by_side: int, columns: int, itemsize: int) -> Tiles:
    """Tiles as tall as leaves every multiprocessor one, and as deep as shared memory holds several times.

    Args:
        outputs: rows of each matrix.
        matrices: that programs share among them.
        side_by_side: matrices of which one program reads the same places.
        columns: of the other side.
        itemsize: bytes of a number.
    """
    tall = next((tile for tile in (64, 32) if matrices * triton.cdiv(outputs, tile) >= FILLED), 16)
    deep = 128 if tall == 64 or columns > 32 else 256
    if itemsize == 4:
        deep = 32  # exact products have no tensor core and hold their operands in registers
    stage_bytes = (side_by_side * tall + columns) * deep * itemsize
    return Tiles(tall, deep, max(2, min(4, SHARED_BYTES // stage_bytes)))


def expert_pair(
    u_RH: torch.Tensor,
    gate_GH: torch.Tensor,
    gate_proj: Sequence[torch.Tensor],
    up_proj: Sequence[torch.Tensor],
    down_proj: Sequence[torch.Tensor],
    *,
    second: str | None,
    tiles: tuple[Tiles, Tiles] | None = None,
) -> torch.Tensor:
    """Mixture and second prediction behind one another, (2, R, H), or (1, R, H) without the second."""
    out_BRH = u_RH.new_empty(1 if second is None else 2, *u_RH.shape)
    weights_RG = u_RH.new_empty(u_RH.shape[0], gate_GH.shape[0], dtype=torch.float32)
    sign = -1.0 if second == "contrast" else 1.0
    _launch(u_RH, gate_GH, gate_proj, up_proj, down_proj, weights_RG, out_BRH, sign, tiles)
    return out_BRH


def experts_apart(
    u_RH: torch.Tensor,
    gate_NH: torch.Tensor,
    fc: Sequence[torch.Tensor],
    proj: Sequence[torch.Tensor],
    *,
    tiles: tuple[Tiles, Tiles] | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs (R, N, H) and logarithms of weights (R, N)."""
    rows, count = u_RH.shape[0], len(proj)
    out_RNH, log_weights_RN = u_RH.new_empty(rows, count, u_RH.shape[1]), u_RH.new_empty(rows, count)
    _launch(u_RH, gate_NH, fc, None, proj, log_weights_RN, out_RNH, 1.0, tiles)
    return out_RNH, log_weights_RN


def _launch(
    u_RH: torch.Tensor,
    gate_GH: torch.Tensor,
    first: Sequence[torch.Tensor],
    up: Sequence[torch.Tensor] | None,
    down: Sequence[torch.Tensor],
    weights_RG: torch.Tensor,
    out: torch.Tensor,
    sign: float,
    tiles: tuple[Tiles, Tiles] | None,
) -> None:
    u_RH = u_RH if u_RH.stride(1) == 1 else u_RH.contiguous()
    (rows, hidden), inner, gates, count = u_RH.shape, down[0].shape[1], gate_GH.shape[0], len(down)
    assert gates == (count if up is None else 2 * count) <= 16, "a program has the whole gate"
    inner_NRI = u_RH.new_empty(count, rows, inner)
    block, places, size = rows_at_once(rows, count), triton.next_power_of_2(count), u_RH.element_size()
    one, two = tiles or (
        pick(inner, matrices=count, side_by_side=1 if up is None else 2, columns=block, itemsize=size),
        pick(hidden, matrices=1, side_by_side=1, columns=places * block, itemsize=size),
    )
    groups = triton.cdiv(rows, block)
    _inner[(count * triton.cdiv(inner, one.outputs) + 1, groups)](
        u_RH,
        _laid_out((*first, gate_GH)),
        None if up is None else _laid_out((*up, gate_GH)),
        inner_NRI,
        weights_RG,
        rows,
        hidden,
        inner,
        u_RH.stride(0),
        COUNT=count,
        GATES=gates,
        SIGN=sign,
        PAIR=up is not None,
        BR=block,
        BI=one.outputs,
        BH=one.depth,
        num_warps=WARPS,
        num_stages=one.stages,
    )
    _outer[(triton.cdiv(hidden, two.outputs), groups)](
        inner_NRI,
        _laid_out(down),
        weights_RG,
        out,
        rows,
        hidden,
        inner,
        COUNT=count,
        PLACES=places,
        BRANCHES=0 if up is None else out.shape[0],
        BR=block,
        BH=two.outputs,
        BI=two.depth,
        num_warps=WARPS,
        num_stages=two.stages,
    )


def _laid_out(matrices: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Row by row without a gap, as parameters lie anyway."""
    return tuple(matrix.contiguous() for matrix in matrices)
