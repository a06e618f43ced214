"""Head, log-softmax and weighted loss in plain torch, all logits at once: the specification.

    loss = Σ_n w_n · (- log q_n(y_n)) + Σ_n u_n · KL(p_n ‖ q^τ_n)

q is the softmax of the student's logits over all V ids, q^τ that of its logits over τ, and p the teacher's, over τ too,
or its likeliest probabilities as they are. A teacher with other ids than the student, as where families pad one
vocabulary to several widths, is compared over those that both have. 0 · log 0 counts as 0. Logits are rounded to the
dtype of the states, as a head's own product is, and everything behind them is fp32 (fp64 for fp64).

Shapes: N tokens, H hidden, V vocabulary, W ids of both, K of the teacher's likeliest.
"""

import torch
from torch.nn import functional

from offbook.kernels.vocab_loss.terms import Losses, Teacher, TeacherHead, TeacherTop, Terms, checked


def vocab_loss(
    hidden_NH: torch.Tensor,
    head_VH: torch.Tensor,
    labels_N: torch.Tensor | None,
    weights_N: torch.Tensor | None,
    *,
    teacher: Teacher | None = None,
    divergence_weights_N: torch.Tensor | None = None,
    temperature: float = 1.0,
) -> Losses:
    """See `offbook.kernels.vocab_loss.vocab_loss`; gradients are autograd's."""
    logits_NV = functional.linear(hidden_NH, head_VH.to(hidden_NH.dtype))
    return loss_of_logits(
        logits_NV,
        labels_N,
        weights_N,
        teacher=teacher,
        divergence_weights_N=divergence_weights_N,
        temperature=temperature,
    )


def loss_of_logits(
    logits_NV: torch.Tensor,
    labels_N: torch.Tensor | None,
    weights_N: torch.Tensor | None,
    *,
    teacher: Teacher | None = None,
    divergence_weights_N: torch.Tensor | None = None,
    temperature: float = 1.0,
) -> Losses:
    """The same behind logits, for models that make more of them than a product."""
    terms = checked(len(logits_NV), labels_N, weights_N, teacher, divergence_weights_N, temperature)
    z_NV = logits_NV.to(torch.promote_types(logits_NV.dtype, torch.float32))
    nothing_N = z_NV.new_zeros(len(z_NV))
    nll_N = nothing_N if terms.labels_N is None else _nll(z_NV, terms.labels_N)
    divergence_N, entropy_N = (nothing_N, nothing_N) if terms.teacher is None else _divergence(z_NV, terms)
    loss = z_NV.new_zeros(())
    if terms.weights_N is not None:
        loss = loss + (terms.weights_N.to(z_NV.dtype) * nll_N).sum()
    if terms.divergence_weights_N is not None:
        loss = loss + (terms.divergence_weights_N.to(z_NV.dtype) * divergence_N).sum()
    return Losses(loss=loss, nll_N=nll_N.detach(), divergence_N=divergence_N.detach(), entropy_N=entropy_N)


def token_nll(hidden_NH: torch.Tensor, head_VH: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
    """See `offbook.kernels.vocab_loss.token_nll`."""
    return vocab_loss(hidden_NH, head_VH, labels_N, labels_N.new_ones(len(labels_N), dtype=torch.float32)).nll_N


def _nll(z_NV: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
    labels_N = labels_N.clamp(min=-1)
    return functional.cross_entropy(z_NV, labels_N, ignore_index=-1, reduction="none")


def _divergence(z_NV: torch.Tensor, terms: Terms) -> tuple[torch.Tensor, torch.Tensor]:
    """KL(p ‖ q^τ) (N,), with a gradient to q alone, and the entropy of p (N,)."""
    teacher, z_NV = terms.teacher, z_NV / terms.temperature
    if isinstance(teacher, TeacherTop):
        p_NK = teacher.probs_NK.detach().to(z_NV.dtype)
        log_q_NK = z_NV.log_softmax(dim=-1).gather(-1, teacher.ids_NK)
        return _summed(p_NK, p_NK.log(), log_q_NK)
    assert teacher is not None
    if isinstance(teacher, TeacherHead):
        logits_NW = functional.linear(teacher.hidden_NG, teacher.head_WG.to(teacher.hidden_NG.dtype))
    else:
        logits_NW = teacher.logits_NW
    width = min(logits_NW.shape[1], z_NV.shape[1])
    log_p_NW = (logits_NW[:, :width].detach().to(z_NV.dtype) / terms.temperature).log_softmax(dim=-1)
    return _summed(log_p_NW.exp(), log_p_NW, z_NV[:, :width].log_softmax(dim=-1))


def _summed(p_NK: torch.Tensor, log_p_NK: torch.Tensor, log_q_NK: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    never_NK = p_NK == 0
    log_p_NK = log_p_NK.masked_fill(never_NK, 0.0)
    apart_NK = (log_p_NK - log_q_NK).masked_fill(never_NK, 0.0)
    return (p_NK * apart_NK).sum(dim=-1), -(p_NK * log_p_NK).sum(dim=-1)
