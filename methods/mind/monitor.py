"""What is logged of a question's weights: how many paths, how even, how far the scores follow the student, how steady.

Legend: K perspectives of one question, n values of a sample.
"""

import torch


def observe(
    scores_K: torch.Tensor,
    losses_K: torch.Tensor,
    path_mask_K: torch.Tensor,
    alpha_K: torch.Tensor,
    earlier_alpha_K: torch.Tensor,
) -> dict[str, float]:
    """Numbers of one question.

    Args:
        scores_K: s.
        losses_K: ℓ.
        path_mask_K: which paths there are.
        alpha_K: α.
        earlier_alpha_K: α when this question was last seen, NaN where it never was.

    Returns:
        `kept` |I|; `entropy` of α in nats; `spearman` of s and −ℓ; `jitter`, the total variation between this α and
        the earlier one (0 at a first visit).
    """
    jitter = 0.5 * (alpha_K - earlier_alpha_K).abs().sum().nan_to_num(0.0)
    return {
        "kept": float((alpha_K > 0).sum()),
        "entropy": float(torch.special.entr(alpha_K).sum()),
        "spearman": spearman(scores_K[path_mask_K], -losses_K[path_mask_K]),
        "jitter": float(jitter),
    }


def spearman(x_n: torch.Tensor, y_n: torch.Tensor) -> float:
    """Rank correlation, ties sharing their mean rank; 0 where one side does not vary."""
    a, b = (r - r.mean() for r in (_ranks(x_n), _ranks(y_n)))
    scale = a.norm() * b.norm()
    return float(a @ b / scale) if scale > 0 else 0.0


def rank_change(x_n: torch.Tensor, y_n: torch.Tensor) -> float:
    """Share of pairs that stand in another order in y than in x, or are equal in one of them alone; 0 without pairs."""
    n = len(x_n)
    if n < 2:
        return 0.0
    before, now = ((v[:, None] - v[None, :]).sign() for v in (x_n, y_n))
    return float((before != now).sum()) / (n * (n - 1))


def _ranks(x_n: torch.Tensor) -> torch.Tensor:
    smaller, same = x_n[:, None] > x_n[None, :], x_n[:, None] == x_n[None, :]
    return smaller.sum(1).double() + 0.5 * same.sum(1)
