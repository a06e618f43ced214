"""Head, log-softmax and top-k in plain torch: the specification.

Log-probabilities are fp32 whatever the head's dtype: in half precision a confident token scores exactly
0.0, parent and child tie, and a tree re-ranked by such scores falls apart.
"""

import torch


def topk_logprobs(hidden_RH: torch.Tensor, head_VH: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The top-k log-probabilities and their indices, both (R, k), best first; V is the head's own vocabulary."""
    return topk_of_logits(hidden_RH @ head_VH.T, k)


def topk_of_logits(logits_RV: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The same of a head's logits, for heads that are multiplied in another way."""
    logits = logits_RV.to(torch.promote_types(logits_RV.dtype, torch.float32))
    top = logits.topk(k, dim=-1)
    return top.values - logits.logsumexp(dim=-1, keepdim=True), top.indices
