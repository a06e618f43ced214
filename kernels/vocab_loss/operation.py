"""The operation as torch's compiler, its checks and its graphs see it: two custom operators around the chunked pass.

Outside of the tests it is Triton's way only; on a CPU a call of an operator would be in the way of small losses.

Shapes: N tokens, H hidden, V vocabulary, W ids of a teacher, G its hidden size, K of its likeliest.
"""

from typing import Any

import torch

from offbook.kernels.implementation import triton_runs
from offbook.kernels.vocab_loss.chunked import GPU_BUDGET, Plan, RowLosses, chunks, one_pass
from offbook.kernels.vocab_loss.rows import row_losses
from offbook.kernels.vocab_loss.terms import Losses, Teacher, TeacherHead, TeacherLogits, TeacherTop, Terms

Six = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def through_operation(
    hidden_NH: torch.Tensor,
    head_VH: torch.Tensor,
    terms: Terms,
    *,
    hidden: bool,
    head: bool,
    compact: bool,
    budget: int,
    implementation: str = "triton",
) -> Losses:
    """`vocab_loss` by the operator; `budget` 0 is what suits the device."""
    teacher = terms.teacher
    states, logits, likeliest = (
        teacher if isinstance(teacher, kind) else None for kind in (TeacherHead, TeacherLogits, TeacherTop)
    )
    loss, nll_N, divergence_N, entropy_N, _, _ = vocab_loss_operation(
        hidden_NH,
        head_VH,
        terms.labels_N,
        terms.weights_N,
        terms.divergence_weights_N,
        states.hidden_NG if isinstance(states, TeacherHead) else None,
        states.head_WG if isinstance(states, TeacherHead) else None,
        logits.logits_NW if isinstance(logits, TeacherLogits) else None,
        likeliest.ids_NK if isinstance(likeliest, TeacherTop) else None,
        likeliest.probs_NK if isinstance(likeliest, TeacherTop) else None,
        terms.temperature,
        hidden,
        head,
        compact,
        budget,
        implementation,
    )
    return Losses(loss=loss, nll_N=nll_N, divergence_N=divergence_N, entropy_N=entropy_N)


@torch.library.custom_op("offbook::vocab_loss", mutates_args=())
def vocab_loss_operation(
    hidden: torch.Tensor,
    head: torch.Tensor,
    labels: torch.Tensor | None,
    weights: torch.Tensor | None,
    divergence_weights: torch.Tensor | None,
    teacher_hidden: torch.Tensor | None,
    teacher_head: torch.Tensor | None,
    teacher_logits: torch.Tensor | None,
    teacher_ids: torch.Tensor | None,
    teacher_probs: torch.Tensor | None,
    temperature: float,
    with_hidden: bool,
    with_head: bool,
    compact: bool,
    budget: int,
    implementation: str,
) -> Six:
    """Loss, what each token has of it (three times N), and the gradients of states and head, empty if not asked for."""
    teacher: Teacher | None = None
    if teacher_hidden is not None and teacher_head is not None:
        teacher = TeacherHead(hidden_NG=teacher_hidden, head_WG=teacher_head)
    elif teacher_logits is not None:
        teacher = TeacherLogits(logits_NW=teacher_logits)
    elif teacher_ids is not None and teacher_probs is not None:
        teacher = TeacherTop(ids_NK=teacher_ids, probs_NK=teacher_probs)
    terms = Terms(
        labels_N=labels,
        weights_N=weights,
        teacher=teacher,
        divergence_weights_N=divergence_weights,
        temperature=temperature,
    )
    plan = Plan(
        row_losses=_row_losses(hidden, implementation),
        hidden=with_hidden,
        head=with_head,
        compact=compact,
        budget=budget or None,
    )
    found = one_pass(hidden, head, terms, plan)
    losses = found.losses
    nothing = [hidden.new_empty(0), head.new_empty(0)]
    gradients = [
        empty if side is None else side for side, empty in zip((found.hidden_NH, found.head_VH), nothing, strict=True)
    ]
    each = [losses.nll_N, losses.divergence_N, losses.entropy_N]
    return losses.loss, each[0], each[1], each[2], gradients[0], gradients[1]


@vocab_loss_operation.register_fake
def _(hidden: torch.Tensor, head: torch.Tensor, *more: Any) -> Six:
    with_hidden, with_head = more[9:11]
    dtype = torch.promote_types(hidden.dtype, torch.float32)
    each = [hidden.new_empty(hidden.shape[0], dtype=dtype) for _ in range(3)]
    return (
        hidden.new_empty((), dtype=dtype),
        each[0],
        each[1],
        each[2],
        hidden.new_empty(hidden.shape if with_hidden else 0),
        head.new_empty(head.shape if with_head else 0),
    )


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Six) -> None:
    ctx.mark_non_differentiable(*output[1:])
    ctx.save_for_backward(output[1], output[2], output[4], output[5])
    ctx.with_hidden, ctx.with_head = inputs[11:13]
    ctx.of_head = inputs[1].dtype


def _differentiate(ctx: Any, slope: torch.Tensor, *_: Any) -> tuple[torch.Tensor | None, ...]:
    nll, divergence, hidden, head = ctx.saved_tensors
    needs = ctx.needs_input_grad
    return (
        hidden * slope.to(hidden.dtype) if ctx.with_hidden else None,
        head * slope.to(head.dtype) if ctx.with_head else None,
        None,
        nll * slope if needs[3] else None,
        divergence * slope if needs[4] else None,
        *[None] * 11,
    )


vocab_loss_operation.register_autograd(_differentiate, setup_context=_keep)


@torch.library.custom_op("offbook::token_nll", mutates_args=())
def token_nll_operation(
    hidden: torch.Tensor, head: torch.Tensor, labels: torch.Tensor, compact: bool, budget: int, implementation: str
) -> torch.Tensor:
    """Negative log-likelihoods (N,); on Triton without any logits where the states' dtype has tensor cores."""
    weight = head.to(hidden.dtype)
    if triton_runs(hidden, implementation):
        from offbook.kernels.vocab_loss import triton as kernels

        if kernels.takes(hidden, weight):
            return _without_logits(hidden, weight, labels, compact=compact, budget=budget or GPU_BUDGET)
    ones = labels.new_ones(labels.shape[0], dtype=torch.float32)
    terms = Terms(labels_N=labels, weights_N=ones, teacher=None, divergence_weights_N=None, temperature=1.0)
    rows = _row_losses(hidden, implementation)
    plan = Plan(row_losses=rows, hidden=False, head=False, compact=compact, budget=budget or None)
    return one_pass(hidden, weight, terms, plan).losses.nll_N


@token_nll_operation.register_fake
def _(
    hidden: torch.Tensor, head: torch.Tensor, labels: torch.Tensor, compact: bool, budget: int, implementation: str
) -> torch.Tensor:
    return hidden.new_empty(hidden.shape[0], dtype=torch.promote_types(hidden.dtype, torch.float32))


def _without_logits(
    hidden_NH: torch.Tensor, head_VH: torch.Tensor, labels_N: torch.Tensor, *, compact: bool, budget: int
) -> torch.Tensor:
    from offbook.kernels.vocab_loss import triton as kernels

    if compact and bool((labels_N < 0).any()):
        rows_R = (labels_N >= 0).nonzero()[:, 0]
        some = hidden_NH[rows_R], head_VH, labels_N[rows_R]
        found = _without_logits(*some, compact=False, budget=budget) if len(rows_R) else hidden_NH.new_zeros(0).float()
        return found.new_zeros(len(labels_N)).index_copy_(0, rows_R, found)
    a_row = kernels.bytes_a_token(head_VH)
    parts = chunks(len(hidden_NH), a_row, budget)
    return torch.cat([kernels.head_nll(hidden_NH[part], head_VH, labels_N[part]) for part in parts])


def _row_losses(hidden: torch.Tensor, implementation: str) -> RowLosses:
    if not triton_runs(hidden, implementation):
        return row_losses
    from offbook.kernels.vocab_loss import triton as kernels

    rows: RowLosses = kernels.row_losses
    return rows
