"""Cache compaction as one launch: a program for each layer, head, and keys or values.

Shapes: N keys and values of all layers, B batch, G key/value heads, S cache rows, D head size; n rows of a path.
"""

import torch
import triton
import triton.language as tl

LEAST = 8  # rows of a block: paths of all usual lengths are one kernel
BLOCK_BYTES = 8192  # that a program of one warp holds, 64 registers a thread


@triton.jit(do_not_specialize=["start", "n"])
def _compact(
    storage_ptr,
    start_ptr,
    path_ptr,
    count_ptr,
    start,
    n,
    B,
    G,
    D,
    stride_n,
    stride_b,
    stride_g,
    stride_s,
    stride_d,
    stride_path,
    ROWS: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    slab = tl.program_id(0).to(tl.int64)
    storage_ptr += slab // (B * G) * stride_n + slab // G % B * stride_b + slab % G * stride_g
    first = start
    if start_ptr is not None:
        first += tl.load(start_ptr)
    stands = n
    if count_ptr is not None:
        stands = tl.minimum(n, tl.load(count_ptr))
    d = tl.arange(0, BLOCK_D)
    # Block by block: the path ascends, so no later source lies where an earlier block has written.
    for begin in range(0, stands, ROWS):
        to = begin + tl.arange(0, ROWS)
        source = tl.load(path_ptr + to * stride_path, mask=to < stands, other=0)
        moves = (to < stands) & (source != to)
        mask = moves[:, None] & (d < D)[None, :]
        rows = tl.load(storage_ptr + (first + source).to(tl.int64)[:, None] * stride_s + d[None, :] * stride_d, mask)
        tl.debug_barrier()  # within a block source and destination overlap: all is read before anything is written
        tl.store(storage_ptr + (first + to).to(tl.int64)[:, None] * stride_s + d[None, :] * stride_d, rows, mask)


def pick(n: int, head_dim: int, itemsize: int) -> tuple[int, int]:
    """Rows and columns of the block that a program holds at once."""
    columns = triton.next_power_of_2(head_dim)
    most = max(1, BLOCK_BYTES // (columns * itemsize))
    return min(max(LEAST, triton.next_power_of_2(n)), most), columns


def compact_cache(
    storage: torch.Tensor,
    start: int,
    start_on_device: torch.Tensor | None,
    path: torch.Tensor,
    count: torch.Tensor | None,
    *,
    rows: int | None = None,
) -> None:
    """See the reference; rows are counted from `start` plus what is on the device. `rows` of a block, for tests."""
    assert storage.dim() <= 5
    while storage.dim() < 5:
        storage = storage[None]
    layers, batch, heads, _, head_dim = storage.shape
    n = path.shape[0]
    most, columns = pick(n, head_dim, storage.element_size())
    _compact[(layers * batch * heads,)](
        storage,
        start_on_device,
        path,
        count,
        start,
        n,
        batch,
        heads,
        head_dim,
        *storage.stride(),
        path.stride(0),
        ROWS=rows or most,
        BLOCK_D=columns,
        num_warps=1,
        num_stages=1,
    )
