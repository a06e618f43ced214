"""Row kernels of the vocabulary's loss, and a head whose logits are never stored.

`row_losses` has one program a row. It reads the row's logits, and leaves the gradient in their place:

    a label        in a loop over blocks, twice; or, where a row fits on chip, held there and read once
    a teacher      two log-sum-exps, then one pass for divergence, entropy and gradient, each difference formed in fp32
    its likeliest  as with a label, and behind a barrier the few entries that are likely once more, formed anew

`head_nll` multiplies tiles of states and head, and keeps of each tile of logits what the loss needs: its rows' maximum,
sum of exponentials and the label's logit. A few programs an SM walk over all tiles; both operands come by descriptor.

Shapes: C rows, V vocabulary, W ids of both student and teacher, K likeliest ids, N tokens, H hidden.
"""

import torch
import triton
import triton.language as tl
from triton.tools.tensor_descriptor import TensorDescriptor

from offbook.kernels.vocab_loss.sizes import Rows, Tiles, pick, pick_tiles
from offbook.kernels.vocab_loss.terms import TeacherLogits, TeacherTop, Terms


@triton.jit
def _log_sum(z_ptr, size, scale, BLOCK: tl.constexpr):
    """Of a row the largest z * scale, and log Σ exp(z * scale - largest); together they are rounded more coarsely."""
    lane = tl.arange(0, BLOCK)
    largest = -float("inf")
    total = 0.0
    for first in range(0, size, BLOCK):
        at = first + lane
        z = tl.load(z_ptr + at, mask=at < size, other=-float("inf"), eviction_policy="evict_last").to(tl.float32)
        z = z * scale
        now = tl.maximum(largest, tl.max(z, 0))
        base = tl.where(now == -float("inf"), 0.0, now)  # of nothing but -inf so far
        total = total * tl.exp(largest - base) + tl.sum(tl.exp(z - base), 0)
        largest = now
    return largest, tl.log(total)


@triton.jit
def _label(z_ptr, label_ptr, weight_ptr, row):
    """A row's label, its weight and its logit, which has to be read before anything is stored in its place."""
    label = tl.load(label_ptr + row)
    weight = tl.where(label >= 0, tl.load(weight_ptr + row), 0.0)
    return label, weight, tl.load(z_ptr + tl.maximum(label, 0)).to(tl.float32)


@triton.jit
def _pull(z, base, log_sum, at, label, weight):
    """Slope w (q - the label); the label's entry is formed in fp32 and rounded once."""
    q = tl.exp(z - base - log_sum)
    return weight * tl.where(at == label, q - 1.0, q)


@triton.jit
def _labelled_rows(
    z_ptr, label_ptr, weight_ptr, nll_ptr, V, stride, GRADIENT: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)  # before the product with the stride, which may pass 2^31
    z_ptr += row * stride
    label, weight, chosen = _label(z_ptr, label_ptr, weight_ptr, row)
    base, log_sum = _log_sum(z_ptr, V, 1.0, BLOCK)
    tl.store(nll_ptr + row, tl.where(label >= 0, base - chosen + log_sum, 0.0))
    if GRADIENT:
        tl.debug_barrier()  # every thread has read the label's logit
        lane = tl.arange(0, BLOCK)
        for first in range(0, V, BLOCK):
            at = first + lane
            z = tl.load(z_ptr + at, mask=at < V, other=-float("inf"), eviction_policy="evict_first").to(tl.float32)
            slope = _pull(z, base, log_sum, at, label, weight)
            tl.store(z_ptr + at, slope.to(z_ptr.dtype.element_ty), mask=at < V)


@triton.jit
def _held_rows(
    z_ptr, label_ptr, weight_ptr, nll_ptr, V, stride, GRADIENT: tl.constexpr, HOLD: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    z_ptr += row * stride
    label, weight, chosen = _label(z_ptr, label_ptr, weight_ptr, row)
    lane = tl.arange(0, BLOCK)
    held = ()
    largest = tl.full((BLOCK,), -float("inf"), tl.float32)
    for block in tl.static_range(HOLD):
        at = block * BLOCK + lane
        z = tl.load(z_ptr + at, mask=at < V, other=-float("inf"))
        held = held + (z,)  # type: ignore[assignment]  # noqa: RUF005  # Triton's tuples know no other way
        largest = tl.maximum(largest, z.to(tl.float32))
    base = tl.max(largest, 0)
    sums = tl.zeros((BLOCK,), tl.float32)
    for block in tl.static_range(HOLD):
        sums += tl.exp(held[block].to(tl.float32) - base)
    log_sum = tl.log(tl.sum(sums, 0))
    tl.store(nll_ptr + row, tl.where(label >= 0, base - chosen + log_sum, 0.0))
    if GRADIENT:
        tl.debug_barrier()
        for block in tl.static_range(HOLD):
            at = block * BLOCK + lane
            slope = _pull(held[block].to(tl.float32), base, log_sum, at, label, weight)
            tl.store(z_ptr + at, slope.to(z_ptr.dtype.element_ty), mask=at < V)


@triton.jit
def _taught_rows(
    z_ptr, t_ptr, label_ptr, weight_ptr, share_ptr, nll_ptr, divergence_ptr, entropy_ptr, V, W, stride, t_stride, scale,
    LABELS: tl.constexpr, ALIKE: tl.constexpr, GRADIENT: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """ALIKE: the label's law is the one compared with the teacher, at temperature 1 over the same ids."""
    row = tl.program_id(0).to(tl.int64)
    z_ptr += row * stride
    t_ptr += row * t_stride
    if LABELS:
        label, weight, chosen = _label(z_ptr, label_ptr, weight_ptr, row)
    share = tl.load(share_ptr + row) * scale
    q_base, q_log = _log_sum(z_ptr, W, scale, BLOCK)
    p_base, p_log = _log_sum(t_ptr, W, scale, BLOCK)
    if LABELS:
        base, log_sum = q_base, q_log
        if not ALIKE:
            base, log_sum = _log_sum(z_ptr, V, 1.0, BLOCK)
        tl.store(nll_ptr + row, tl.where(label >= 0, base - chosen + log_sum, 0.0))
    end = W
    if GRADIENT:
        end = V
        tl.debug_barrier()
    lane = tl.arange(0, BLOCK)
    divergence = 0.0
    entropy = 0.0
    for first in range(0, end, BLOCK):
        at = first + lane
        both = at < W
        z = tl.load(z_ptr + at, mask=at < V, other=-float("inf")).to(tl.float32)
        t = tl.load(t_ptr + at, mask=both, other=-float("inf")).to(tl.float32) * scale
        p = tl.exp(t - p_base - p_log)
        log_p = tl.where(p > 0, t - p_base - p_log, 0.0)
        log_q = tl.where(both, z * scale - q_base, 0.0) - q_log  # finite in lanes behind the row
        divergence += tl.sum(p * tl.where(p > 0, log_p - log_q, 0.0), 0)
        entropy -= tl.sum(p * log_p, 0)
        if GRADIENT:
            slope = share * (tl.where(both, tl.exp(log_q), 0.0) - p)
            if LABELS:
                slope += _pull(z, base, log_sum, at, label, weight)
            tl.store(z_ptr + at, slope.to(z_ptr.dtype.element_ty), mask=at < V)
    tl.store(divergence_ptr + row, divergence)
    tl.store(entropy_ptr + row, entropy)


@triton.jit
def _topped_rows(
    z_ptr, id_ptr, prob_ptr, label_ptr, weight_ptr, share_ptr, nll_ptr, divergence_ptr, entropy_ptr, V, stride, scale,
    LABELS: tl.constexpr, ALIKE: tl.constexpr, GRADIENT: tl.constexpr, K: tl.constexpr, KP: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    z_ptr += row * stride
    k = tl.arange(0, KP)
    ids = tl.load(id_ptr + row * K + k, mask=k < K, other=0)
    p = tl.load(prob_ptr + row * K + k, mask=k < K, other=0.0).to(tl.float32)
    likely = tl.load(z_ptr + ids, mask=k < K, other=0.0).to(tl.float32)  # as the label, before anything is stored
    if LABELS:
        label, weight, chosen = _label(z_ptr, label_ptr, weight_ptr, row)
    share = tl.load(share_ptr + row) * scale
    q_base, q_log = _log_sum(z_ptr, V, scale, BLOCK)
    log_p = tl.log(tl.where(p > 0, p, 1.0))
    log_q = tl.where(k < K, likely * scale - q_base, 0.0) - q_log
    tl.store(divergence_ptr + row, tl.sum(p * tl.where(p > 0, log_p - log_q, 0.0), 0))
    tl.store(entropy_ptr + row, -tl.sum(p * log_p, 0))
    mass = tl.sum(p, 0)
    if LABELS:
        base, log_sum = q_base, q_log
        if not ALIKE:
            base, log_sum = _log_sum(z_ptr, V, 1.0, BLOCK)
        tl.store(nll_ptr + row, tl.where(label >= 0, base - chosen + log_sum, 0.0))
    if GRADIENT:
        tl.debug_barrier()
        lane = tl.arange(0, BLOCK)
        for first in range(0, V, BLOCK):
            at = first + lane
            z = tl.load(z_ptr + at, mask=at < V, other=-float("inf")).to(tl.float32)
            slope = share * mass * tl.exp(z * scale - q_base - q_log)
            if LABELS:
                slope += _pull(z, base, log_sum, at, label, weight)
            tl.store(z_ptr + at, slope.to(z_ptr.dtype.element_ty), mask=at < V)
        slope = share * (mass * tl.exp(log_q) - p)
        if LABELS:
            slope += _pull(tl.where(k < K, likely, base), base, log_sum, ids, label, weight)
        tl.debug_barrier()  # other threads have stored at these ids
        tl.store(z_ptr + ids, slope.to(z_ptr.dtype.element_ty), mask=k < K)


@triton.jit(do_not_specialize=["N"])
def _head_stats(
    x_desc, w_desc, label_ptr, max_ptr, sum_ptr, chosen_ptr, N, V, H, programs,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr, GROUP: tl.constexpr, MASK: tl.constexpr,
):  # fmt: skip
    """MASK: the last tile has columns behind V, where descriptors load zeros."""
    across = tl.cdiv(V, COLUMNS)
    down = tl.cdiv(N, ROWS)
    for tile in tl.range(tl.program_id(0), across * down, programs):
        first = tile // (GROUP * across) * GROUP  # a group of row tiles shares the columns it has loaded
        height = tl.minimum(down - first, GROUP)
        within = tile % (GROUP * across)
        row_tile = first + within % height
        column_tile = within // height
        z = tl.zeros((ROWS, COLUMNS), tl.float32)
        for depth in range(0, H, DEPTH):
            x = x_desc.load([row_tile * ROWS, depth])
            w = w_desc.load([column_tile * COLUMNS, depth])
            z = tl.dot(x, tl.trans(w), z)
        row = row_tile * ROWS + tl.arange(0, ROWS)
        column = column_tile * COLUMNS + tl.arange(0, COLUMNS)
        if MASK:
            z = tl.where((column < V)[None, :], z, -float("inf"))
        label = tl.load(label_ptr + row, mask=row < N, other=-1)
        mine = (label >= column_tile * COLUMNS) & (label < column_tile * COLUMNS + COLUMNS)
        chosen = tl.sum(tl.where(column[None, :] == label[:, None], z, 0.0), 1)
        tl.store(chosen_ptr + row, chosen, mask=mine & (row < N))
        largest = tl.max(z, 1)
        at = column_tile.to(tl.int64) * N + row
        tl.store(max_ptr + at, largest, mask=row < N)
        tl.store(sum_ptr + at, tl.sum(tl.exp(z - largest[:, None]), 1), mask=row < N)


def row_losses(
    logits_CV: torch.Tensor, terms: Terms, *, gradient: bool, rows: Rows | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """See `offbook.kernels.vocab_loss.rows.row_losses`; `rows` other than `pick` chooses are for tests."""
    count, V = logits_CV.shape
    assert logits_CV.stride(1) == 1
    teacher, labels = terms.teacher, terms.labels_N is not None
    block, hold, warps = rows or pick(V, logits_CV.dtype, teacher=teacher is not None)
    made = torch.empty if labels else torch.zeros, torch.zeros if teacher is None else torch.empty
    nll, divergence, entropy = (
        make(count, dtype=torch.float32, device=logits_CV.device) for make in (made[0], made[1], made[1])
    )
    label = None if terms.labels_N is None else terms.labels_N.contiguous()
    weight = None if terms.weights_N is None else terms.weights_N.float().contiguous()
    grid, stride, of_label = (count,), logits_CV.stride(0), (label, weight)
    how = {"GRADIENT": gradient, "BLOCK": block, "num_warps": warps}
    if teacher is None and hold:
        _held_rows[grid](logits_CV, *of_label, nll, V, stride, HOLD=hold, **how)
    elif teacher is None:
        _labelled_rows[grid](logits_CV, *of_label, nll, V, stride, **how)
    else:
        assert terms.divergence_weights_N is not None
        given = (*of_label, terms.divergence_weights_N.float().contiguous(), nll, divergence, entropy)
        how |= {"LABELS": labels, "ALIKE": terms.temperature == 1}
        if isinstance(teacher, TeacherTop):
            ids, probs = teacher.ids_NK.contiguous(), teacher.probs_NK.contiguous()
            K = ids.shape[1]
            how |= {"K": K, "KP": triton.next_power_of_2(K)}
            _topped_rows[grid](logits_CV, ids, probs, *given, V, stride, 1 / terms.temperature, **how)
        else:
            assert isinstance(teacher, TeacherLogits)
            t = teacher.logits_NW if teacher.logits_NW.stride(1) == 1 else teacher.logits_NW.contiguous()
            W = min(V, t.shape[1])
            how["ALIKE"] = how["ALIKE"] and W == V
            _taught_rows[grid](logits_CV, t, *given, V, W, stride, t.stride(0), 1 / terms.temperature, **how)
    return nll, divergence, entropy


def takes(hidden_NH: torch.Tensor, head_VH: torch.Tensor) -> bool:
    """Whether `head_nll` can read these: half precision, and rows that begin where descriptors may."""
    sides = (hidden_NH, head_VH)
    half = hidden_NH.dtype == head_VH.dtype and hidden_NH.dtype.itemsize == 2 and len(hidden_NH) > 0
    return half and all(x.stride(1) == 1 and x.stride(0) % 8 == 0 and x.data_ptr() % 16 == 0 for x in sides)


def bytes_a_token(head_VH: torch.Tensor) -> int:
    """What `head_nll` keeps of a token while it works: a maximum and a sum a tile of the vocabulary."""
    return 8 * -(-len(head_VH) // pick_tiles().columns)


def head_nll(
    hidden_NH: torch.Tensor, head_VH: torch.Tensor, labels_N: torch.Tensor, *, tiles: Tiles | None = None
) -> torch.Tensor:
    """Negative log-likelihoods (N,), fp32, 0 for labels below 0; what `tiles` are is for tests."""
    (N, H), V, device = hidden_NH.shape, len(head_VH), hidden_NH.device
    rows, columns, depth, warps, stages = tiles or pick_tiles()
    across = triton.cdiv(V, columns)
    largest = torch.empty(across, N, dtype=torch.float32, device=device)
    total, chosen = torch.empty_like(largest), torch.empty(N, dtype=torch.float32, device=device)
    x = TensorDescriptor(hidden_NH, [N, H], [hidden_NH.stride(0), 1], [rows, depth])
    w = TensorDescriptor(head_VH, [V, H], [head_VH.stride(0), 1], [columns, depth])
    programs = torch.cuda.get_device_properties(device).multi_processor_count if hidden_NH.is_cuda else 132
    programs = min(programs, across * triton.cdiv(N, rows))
    _head_stats[(programs,)](
        x, w, labels_N.contiguous(), largest, total, chosen, N, V, H, programs, ROWS=rows, COLUMNS=columns,
        DEPTH=depth, GROUP=8, MASK=V % columns != 0, num_warps=warps, num_stages=stages,
    )  # fmt: skip
    base = largest.amax(dim=0)
    log_sum = (total * (largest - base).exp()).sum(dim=0).log()
    return torch.where(labels_N >= 0, base - chosen + log_sum, 0.0)
