"""The k likeliest tokens of a language-model head with their log-probabilities."""

from offbook.kernels.topk_logprobs.reference import topk_logprobs, topk_of_logits

__all__ = ["topk_logprobs", "topk_of_logits"]
