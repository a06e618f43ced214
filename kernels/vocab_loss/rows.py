"""What becomes of logits once they are there, in torch: losses of their rows, and in their place the gradient.

Rows are taken a few at a time, so that all sweeps over them but the first find them in the cache. What is stored is
formed in fp32 (fp64 for fp64) and rounded once: the label's entry q - 1, and the difference of two nearly equal laws.

Shapes: C rows of a chunk, B of them at a time, V vocabulary, W ids that the teacher has too, K of its likeliest.
"""

import torch

from offbook.kernels.vocab_loss.terms import TeacherLogits, TeacherTop, Terms

BLOCK_BYTES = 1 << 18  # at a time, of each thread of a CPU; with a few temporaries about what its cache holds

Triple = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def row_losses(logits_CV: torch.Tensor, terms: Terms, *, gradient: bool) -> Triple:
    """Negative log-likelihoods, divergences and entropies (C,); see `Losses`.

    Args:
        logits_CV: of the student; `gradient` leaves the gradient of Σ w nll + Σ u divergence in their place.
        terms: of these rows; a teacher as logits or as its likeliest.
        gradient: whether it is asked for.
    """
    count, size = logits_CV.shape
    dtype = torch.promote_types(logits_CV.dtype, torch.float32)
    a_thread = max(1, BLOCK_BYTES // (size * dtype.itemsize))  # rows, which threads share out among them
    at_a_time = a_thread * torch.get_num_threads() if logits_CV.device.type == "cpu" else count
    blocks = [slice(first, min(first + at_a_time, count)) for first in range(0, count, at_a_time)]
    found = [_block(logits_CV[rows], terms.some(rows), dtype, gradient=gradient) for rows in blocks]
    nll, divergence, entropy = (torch.cat(side) for side in zip(*found, strict=True))
    return nll, divergence, entropy


def _block(logits_BV: torch.Tensor, terms: Terms, dtype: torch.dtype, *, gradient: bool) -> Triple:
    z_BV = logits_BV.to(dtype)
    nll_B = divergence_B = entropy_B = z_BV.new_zeros(len(z_BV))
    slope_BV: torch.Tensor | None = None
    if terms.labels_N is not None:
        nll_B, slope_BV = _labels(z_BV, terms, gradient=gradient)
    if terms.teacher is not None:
        likeliest = isinstance(terms.teacher, TeacherTop)
        divergence_B, entropy_B, of_teacher_BW = (_likeliest if likeliest else _dense)(z_BV, terms, gradient=gradient)
        if slope_BV is None or of_teacher_BW is None:
            slope_BV = of_teacher_BW
        else:
            slope_BV[:, : of_teacher_BW.shape[1]] += of_teacher_BW
    if slope_BV is not None:
        logits_BV[:, : slope_BV.shape[1]].copy_(slope_BV)
        logits_BV[:, slope_BV.shape[1] :].zero_()
    return nll_B, divergence_B, entropy_B


def _labels(z_BV: torch.Tensor, terms: Terms, *, gradient: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Negative log-likelihoods, and w (q - the label)."""
    assert terms.labels_N is not None
    assert terms.weights_N is not None
    labelled_B = terms.labels_N >= 0
    labels_B1 = terms.labels_N.clamp(min=0)[:, None]
    log_q_BV = z_BV.log_softmax(dim=-1)
    nll_B = -log_q_BV.gather(1, labels_B1)[:, 0].masked_fill(~labelled_B, 0.0)
    if not gradient:
        return nll_B, None
    slope_BV = log_q_BV.exp_()
    slope_BV.scatter_(1, labels_B1, slope_BV.gather(1, labels_B1) - 1)
    slope_BV *= (terms.weights_N.to(z_BV.dtype) * labelled_B)[:, None]
    return nll_B, slope_BV


def _dense(
    z_BV: torch.Tensor, terms: Terms, *, gradient: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Divergences and entropies, and u (q - p) / τ over the ids of both."""
    assert isinstance(terms.teacher, TeacherLogits)
    assert terms.divergence_weights_N is not None
    width = min(terms.teacher.logits_NW.shape[1], z_BV.shape[1])
    log_q_BW = _log_law(z_BV[:, :width], terms)
    log_p_BW = _log_law(terms.teacher.logits_NW[:, :width].to(z_BV.dtype), terms)
    p_BW = log_p_BW.exp()
    divergence_B, entropy_B = _summed(p_BW, log_p_BW, log_q_BW)
    if not gradient:
        return divergence_B, entropy_B, None
    slope_BW = log_q_BW.exp_().sub_(p_BW)
    slope_BW *= (terms.divergence_weights_N.to(z_BV.dtype) / terms.temperature)[:, None]
    return divergence_B, entropy_B, slope_BW


def _likeliest(
    z_BV: torch.Tensor, terms: Terms, *, gradient: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Divergences and entropies, and u (q Σ p - p) / τ."""
    assert isinstance(terms.teacher, TeacherTop)
    assert terms.divergence_weights_N is not None
    p_BK, ids_BK = terms.teacher.probs_NK.to(z_BV.dtype), terms.teacher.ids_NK
    log_q_BV = _log_law(z_BV, terms)
    divergence_B, entropy_B = _summed(p_BK, p_BK.log(), log_q_BV.gather(1, ids_BK))
    if not gradient:
        return divergence_B, entropy_B, None
    slope_BV = log_q_BV.exp_().mul_(p_BK.sum(dim=1, keepdim=True))
    slope_BV.scatter_(1, ids_BK, slope_BV.gather(1, ids_BK) - p_BK)
    slope_BV *= (terms.divergence_weights_N.to(z_BV.dtype) / terms.temperature)[:, None]
    return divergence_B, entropy_B, slope_BV


def _log_law(z_BV: torch.Tensor, terms: Terms) -> torch.Tensor:
    return (z_BV if terms.temperature == 1 else z_BV / terms.temperature).log_softmax(dim=-1)


def _summed(p_BK: torch.Tensor, log_p_BK: torch.Tensor, log_q_BK: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Σ p (log p - log q) and - Σ p log p, where 0 · log 0 is 0."""
    entropy_B, divergence_B = -(log_p_BK * p_BK).sum(dim=-1), (log_p_BK - log_q_BK).mul_(p_BK).sum(dim=-1)
    if p_BK.is_cpu and not divergence_B.isnan().any():  # a GPU would be waited for
        return divergence_B, entropy_B
    never_BK = p_BK == 0
    log_p_BK = log_p_BK.masked_fill(never_BK, 0.0)
    apart_BK = (log_p_BK - log_q_BK).masked_fill_(never_BK, 0.0)
    return apart_BK.mul_(p_BK).sum(dim=-1), -(log_p_BK * p_BK).sum(dim=-1)
