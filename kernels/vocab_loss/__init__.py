"""Loss of a language-model head: weighted negative log-likelihood, and divergence from a teacher, without its logits.

    losses = vocab_loss(hidden_NH, head_VH, labels_N, weights_N)      # gradients to states and head, weights inside
    nll_N  = token_nll(hidden_NH, head_VH, labels_N)                  # a measurement, no gradient

The gradient is computed together with the loss, see `chunked.py`; the specification is `reference.py`.

Shapes: N tokens, H hidden, V vocabulary.
"""

from typing import Any

import torch

from offbook.kernels.implementation import triton_runs
from offbook.kernels.vocab_loss.chunked import Found, Plan, one_pass
from offbook.kernels.vocab_loss.operation import through_operation, token_nll_operation
from offbook.kernels.vocab_loss.reference import loss_of_logits
from offbook.kernels.vocab_loss.rows import row_losses
from offbook.kernels.vocab_loss.terms import Losses, Teacher, TeacherHead, TeacherLogits, TeacherTop, Terms, checked

__all__ = [
    "Losses",
    "Teacher",
    "TeacherHead",
    "TeacherLogits",
    "TeacherTop",
    "loss_of_logits",
    "token_nll",
    "vocab_loss",
]

TRITON_DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def vocab_loss(
    hidden_NH: torch.Tensor,
    head_VH: torch.Tensor,
    labels_N: torch.Tensor | None,
    weights_N: torch.Tensor | None,
    *,
    teacher: Teacher | None = None,
    divergence_weights_N: torch.Tensor | None = None,
    temperature: float = 1.0,
    compact: bool = True,
    budget: int | None = None,
    implementation: str = "auto",
) -> Losses:
    """Σ_n w_n · (- log q_n(y_n)) + Σ_n u_n · KL(p_n ‖ q^τ_n), with q = softmax(W h).

    Its gradient reaches states, head and both kinds of weights, and no teacher. Tokens are weighed before the sum, for
    a gradient that was computed together with the loss cannot be weighed token by token afterwards.

    Args:
        hidden_NH: states that the head reads; products are in their dtype.
        head_VH: W.
        labels_N: y, below 0 for none; None where there is no such term.
        weights_N: w, of any sign.
        teacher: p; its ids are the first of the student's, or more than these.
        divergence_weights_N: u; a τ² that keeps the gradient's size belongs here.
        temperature: τ, of both laws; a teacher's likeliest are taken as they are.
        compact: leaves out tokens that add nothing, and reports 0 for them. On a GPU the host waits for their number;
            without, all are computed and reported, also under a CUDA graph.
        budget: bytes of logits at a time; None for what suits the device.
        implementation: "triton", "reference" (chunks in plain torch), or "auto".

    Raises:
        ValueError: see `checked`, or an implementation that there is not.
    """
    terms = checked(len(hidden_NH), labels_N, weights_N, teacher, divergence_weights_N, temperature)
    gradient = torch.is_grad_enabled()
    hidden, head = gradient and hidden_NH.requires_grad, gradient and head_VH.requires_grad
    if hidden_NH.dtype in TRITON_DTYPES and triton_runs(hidden_NH, implementation):
        return through_operation(
            hidden_NH, head_VH, terms, hidden=hidden, head=head, compact=compact, budget=budget or 0
        )
    plan = Plan(row_losses=row_losses, hidden=hidden, head=head, compact=compact, budget=budget)
    weighted = any(w is not None and w.requires_grad for w in (weights_N, divergence_weights_N))
    if not (hidden or head or (gradient and weighted)):
        return one_pass(hidden_NH, head_VH, terms, plan).losses
    loss, nll_N, divergence_N, entropy_N = _OnePass.apply(  # type: ignore[no-untyped-call]  # torch leaves it untyped
        hidden_NH, head_VH, weights_N, divergence_weights_N, terms, plan
    )
    return Losses(loss=loss, nll_N=nll_N, divergence_N=divergence_N, entropy_N=entropy_N)


def token_nll(
    hidden_NH: torch.Tensor,
    head_VH: torch.Tensor,
    labels_N: torch.Tensor,
    *,
    compact: bool = True,
    budget: int | None = None,
    implementation: str = "auto",
) -> torch.Tensor:
    """- log q_n(y_n) of every token (N,) in nats, fp32 (fp64 for fp64), 0 for labels below 0; without gradient.

    Args:
        hidden_NH: states that the head reads.
        head_VH: W.
        labels_N: y.
        compact: see `vocab_loss`.
        budget: see `vocab_loss`.
        implementation: see `vocab_loss`.

    Raises:
        ValueError: an implementation that there is not.
    """
    if hidden_NH.dtype in TRITON_DTYPES and triton_runs(hidden_NH, implementation):
        nll_N: torch.Tensor = token_nll_operation(
            hidden_NH.detach(), head_VH.detach(), labels_N, compact=compact, budget=budget or 0, implementation="triton"
        )
        return nll_N
    ones_N = labels_N.new_ones(len(labels_N), dtype=torch.float32)
    terms = checked(len(hidden_NH), labels_N, ones_N, None, None, 1.0)
    plan = Plan(row_losses=row_losses, hidden=False, head=False, compact=compact, budget=budget)
    return one_pass(hidden_NH, head_VH, terms, plan).losses.nll_N


class _OnePass(torch.autograd.Function):
    """The pass in plain torch with its backward, which has the gradient already."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden_NH: torch.Tensor,
        head_VH: torch.Tensor,
        weights_N: torch.Tensor | None,
        divergence_weights_N: torch.Tensor | None,
        terms: Terms,
        plan: Plan,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        found: Found = one_pass(hidden_NH, head_VH, terms, plan)
        losses = found.losses
        ctx.save_for_backward(found.hidden_NH, found.head_VH, losses.nll_N, losses.divergence_N)
        ctx.mark_non_differentiable(losses.nll_N, losses.divergence_N, losses.entropy_N)
        return losses.loss, losses.nll_N, losses.divergence_N, losses.entropy_N

    @staticmethod
    def backward(ctx: Any, slope: torch.Tensor, *_: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        hidden_NH, head_VH, nll_N, divergence_N = ctx.saved_tensors
        if slope.device.type != "cpu" or slope != 1:  # 1 nearly always; asking a GPU would be to wait for it
            hidden_NH, head_VH = (
                side if side is None else side * slope.to(side.dtype) for side in (hidden_NH, head_VH)
            )
        of_weights = [
            values * slope if wanted else None
            for values, wanted in zip((nll_N, divergence_N), ctx.needs_input_grad[2:4], strict=True)
        ]
        return hidden_NH, head_VH, *of_weights, None, None
