"""Head, log-softmax and top-k in plain torch: the specification.

Log-probabilities are fp32 whatever the head's dtype: in half precision a confident token scores exactly
0.0, parent and child tie, and a tree re-ranked by such scores falls apart.
"""

import torch


def topk_logprobs(hidden_RH: torch.Tensor, head_VH: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The top-k log-probabilities and their indices, both (R, k), best first; V is the head's own vocabulary."""
    return topk_of_logits(hidden_RH @ head_VH.T, k)


def topk_of_logits(logits: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The same of logits (..., V), of one head or of several; all V if these are fewer than k."""
    exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
    top = exact.topk(min(k, logits.shape[-1]), dim=-1)
    return top.values - exact.logsumexp(dim=-1, keepdim=True), top.indices


def likeliest(logits: torch.Tensor, k: int) -> torch.Tensor:
    """The indices alone."""
    return logits.topk(min(k, logits.shape[-1]), dim=-1).indices


def gradient(upstream: torch.Tensor, logits: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Of the logits: d logprob_j / d logit_i = [i = index_j] - p_i.

    Args:
        upstream: of the log-probabilities (..., k), in their dtype.
        logits: as given.
        index: as found.
    """
    found = logits.to(upstream.dtype).softmax(dim=-1) * -upstream.sum(dim=-1, keepdim=True)
    return found.scatter_add(-1, index, upstream).to(logits.dtype)
