"""Loss and gradient of a vocabulary in one pass: a chunk of rows at a time, of the rows that count, logits reused.

    logits of a chunk        z = x Wᵀ                         into a buffer that all chunks share
    losses of its rows       z <- the loss's gradient in z    `row_losses`, or a kernel in its place
    gradients                dx = z W,  dW += zᵀ x

Three products, as few as autograd needs, and never more logits than the buffer holds. A chunk is as large as a budget
of bytes lets it be: every further one reads and writes dW once more. The weights of the tokens are inside, so that the
gradient is known before anybody asks for it; a backward pass only multiplies it by the loss's own slope.

Products are in the dtype of the states, whatever the head's: with half-precision states and a head in fp32 it is what
autocast does. dW is added up in fp32 where there are several chunks of half precision.

Shapes: N tokens, R of them count, C in a chunk, H hidden, V vocabulary.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import torch

from offbook.kernels.vocab_loss.rows import Triple
from offbook.kernels.vocab_loss.terms import Losses, TeacherHead, TeacherLogits, Terms

CPU_BUDGET = 1 << 27  # bytes of logits at a time; on a CPU, whose memory is read no faster for being read in one piece
GPU_BUDGET = 1 << 30


class RowLosses(Protocol):
    """See `offbook.kernels.vocab_loss.rows.row_losses`, which is one."""

    def __call__(self, logits_CV: torch.Tensor, terms: Terms, *, gradient: bool) -> Triple:
        """Losses of a chunk's rows; with `gradient` the gradient takes the place of the logits."""
        ...


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How it is computed.

    Attributes:
        row_losses: of a chunk.
        hidden: whether the gradient of the states is asked for.
        head: whether the head's is.
        compact: whether rows are looked at, so that none is computed that does not count. On a GPU the host then waits
            for their number.
        budget: bytes of logits at a time, the teacher's too; None for what suits the device.
    """

    row_losses: RowLosses
    hidden: bool
    head: bool
    compact: bool
    budget: int | None


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of it; gradients are those of the loss, None where nobody asks for them."""

    losses: Losses
    hidden_NH: torch.Tensor | None
    head_VH: torch.Tensor | None


def one_pass(hidden_NH: torch.Tensor, head_VH: torch.Tensor, terms: Terms, plan: Plan) -> Found:
    """Losses and gradients; nothing here has a gradient of its own."""
    with torch.no_grad(), torch.autocast(hidden_NH.device.type, enabled=False):
        if not plan.compact:
            return _all_rows(hidden_NH, head_VH, terms, plan)
        counts_N = terms.counting()
        if bool(counts_N.all()):
            return _all_rows(hidden_NH, head_VH, terms, plan)
        rows_R = counts_N.nonzero()[:, 0]
        found = _all_rows(hidden_NH[rows_R], head_VH, terms.some(rows_R), plan)
        return _spread(found, rows_R, len(hidden_NH))


def chunks(count: int, bytes_a_row: int, budget: int) -> list[slice]:
    """So many rows in as few chunks as the budget allows, all about as long and none longer than the first."""
    number = -(-count // max(1, min(count, budget // bytes_a_row))) if count else 0
    edges = [-(-count * i // number) for i in range(number + 1)] if number else []
    return [slice(start, end) for start, end in pairwise(edges)]


def _all_rows(hidden_RH: torch.Tensor, head_VH: torch.Tensor, terms: Terms, plan: Plan) -> Found:
    gradient = plan.hidden or plan.head
    budget = plan.budget or (CPU_BUDGET if hidden_RH.device.type == "cpu" else GPU_BUDGET)
    weight_VH = head_VH.to(hidden_RH.dtype)
    teach, width = _teaching(terms, head_VH.shape[0])
    a_row = (head_VH.shape[0] + width) * hidden_RH.dtype.itemsize
    parts = chunks(len(hidden_RH), a_row, budget)
    logits_CV = hidden_RH.new_empty(parts[0].stop if parts else 0, head_VH.shape[0])
    slope_RH = torch.empty_like(hidden_RH, memory_format=torch.contiguous_format) if plan.hidden else None
    total = _HeadGradient(head_VH, hidden_RH.dtype, len(parts)) if plan.head else None
    found = []
    for part in parts:
        some_CH, z_CV = hidden_RH[part], logits_CV[: part.stop - part.start]
        torch.mm(some_CH, weight_VH.T, out=z_CV)
        found.append(plan.row_losses(z_CV, teach(part), gradient=gradient))
        if slope_RH is not None:
            torch.mm(z_CV, weight_VH, out=slope_RH[part])
        if total is not None:
            total.add(z_CV, some_CH)
    losses = _together(found, terms, hidden_RH)
    return Found(losses=losses, hidden_NH=slope_RH, head_VH=None if total is None else total.found())


def _teaching(terms: Terms, size: int) -> tuple[Callable[[slice], Terms], int]:
    """The terms of a chunk, a teacher's logits computed, and how many of these a row has at once."""
    teacher = terms.teacher
    if not isinstance(teacher, TeacherHead):
        return terms.some, 0
    head_WG = teacher.head_WG[:size].to(teacher.hidden_NG.dtype)
    buffers: list[torch.Tensor] = []  # one, as long as the first chunk

    def some(part: slice) -> Terms:
        count = part.stop - part.start
        if not buffers:
            buffers.append(teacher.hidden_NG.new_empty(count, len(head_WG)))
        logits_CW = torch.mm(teacher.hidden_NG[part], head_WG.T, out=buffers[0][:count])
        return replace(replace(terms, teacher=None).some(part), teacher=TeacherLogits(logits_NW=logits_CW))

    return some, len(head_WG)


class _HeadGradient:
    """dW, added up over so many chunks."""

    def __init__(self, head_VH: torch.Tensor, dtype: torch.dtype, parts: int) -> None:
        self.dtype, self.begun = head_VH.dtype, False
        self.full = dtype.itemsize >= 4
        self.alone = parts == 1 and head_VH.dtype == dtype
        kept = dtype if self.full or self.alone else torch.float32
        self.total_VH = torch.empty_like(head_VH, dtype=kept, memory_format=torch.contiguous_format)
        if parts == 0 or not (self.full or self.alone):
            self.total_VH.zero_()

    def add(self, slope_CV: torch.Tensor, hidden_CH: torch.Tensor) -> None:
        total_VH = self.total_VH
        if self.full:
            torch.addmm(total_VH, slope_CV.T, hidden_CH, beta=int(self.begun), out=total_VH)  # 0 leaves NaN out too
        elif self.alone:
            torch.mm(slope_CV.T, hidden_CH, out=total_VH)
        elif total_VH.is_cuda:
            torch.addmm(total_VH, slope_CV.T, hidden_CH, out_dtype=torch.float32, out=total_VH)
        else:
            total_VH.add_(slope_CV.T @ hidden_CH)
        self.begun = True

    def found(self) -> torch.Tensor:
        return self.total_VH.to(self.dtype)


def _together(found: list[Triple], terms: Terms, hidden_RH: torch.Tensor) -> Losses:
    """The losses of all chunks; zeros where there is no row."""
    if not found:
        dtype = torch.promote_types(hidden_RH.dtype, torch.float32)
        nll_R, divergence_R, entropy_R = (hidden_RH.new_zeros(0, dtype=dtype) for _ in range(3))
    elif len(found) == 1:
        nll_R, divergence_R, entropy_R = found[0]
    else:
        nll_R, divergence_R, entropy_R = (torch.cat(side) for side in zip(*found, strict=True))
    loss = nll_R.new_zeros(())
    if terms.weights_N is not None:
        loss = loss + (terms.weights_N.to(nll_R.dtype) * nll_R).sum()
    if terms.divergence_weights_N is not None:
        loss = loss + (terms.divergence_weights_N.to(nll_R.dtype) * divergence_R).sum()
    return Losses(loss=loss, nll_N=nll_R, divergence_N=divergence_R, entropy_N=entropy_R)


def _spread(found: Found, rows_R: torch.Tensor, tokens: int) -> Found:
    """What came of the rows that count, among all."""

    def among_all(values: torch.Tensor) -> torch.Tensor:
        return values.new_zeros(tokens, *values.shape[1:]).index_copy_(0, rows_R, values)

    losses = found.losses
    return Found(
        losses=Losses(
            loss=losses.loss,
            nll_N=among_all(losses.nll_N),
            divergence_N=among_all(losses.divergence_N),
            entropy_N=among_all(losses.entropy_N),
        ),
        hidden_NH=None if found.hidden_NH is None else among_all(found.hidden_NH),
        head_VH=found.head_VH,
    )
