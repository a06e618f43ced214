"""The k likeliest tokens of a language-model head with their log-probabilities.

A GPU computes them by tile maxima (`triton.py`), anything else by `reference.py`; `kernels.implementation` tells where
which runs. The plain reference also has what is fp64, and more than MOST of a row, for which torch's own radix
selection is the better algorithm.

Of equal logits the kernel takes those of the lowest indices, the reference those that torch takes. NaN is no logit.
"""

from typing import Any

import torch

from offbook.kernels.implementation import triton_runs
from offbook.kernels.topk_logprobs import reference

__all__ = ["likeliest", "topk_logprobs", "topk_of_logits"]

MOST = 64
DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def topk_logprobs(
    hidden_RH: torch.Tensor, head_VH: torch.Tensor, k: int, *, implementation: str = "auto"
) -> tuple[torch.Tensor, torch.Tensor]:
    """The top-k log-probabilities and their indices, both (R, k), best first; V is the head's own vocabulary."""
    return topk_of_logits(hidden_RH @ head_VH.T, k, implementation=implementation)


def topk_of_logits(logits: torch.Tensor, k: int, *, implementation: str = "auto") -> tuple[torch.Tensor, torch.Tensor]:
    """The same of a head's logits, for heads that are multiplied in another way.

    Args:
        logits: (..., V), of one head or of several.
        k: how many, best first; all V if these are fewer.
        implementation: reference or triton; auto as in the module.

    Returns:
        Log-probabilities, fp32 or finer, and indices.

    Raises:
        ValueError: triton is named, and cannot be had or does not compute this.
    """
    if not _on_triton(logits, k, implementation):
        return reference.topk_of_logits(logits, k)
    logprobs, index = _topk_of_logits(logits, k, "triton")
    return logprobs, index


def likeliest(logits: torch.Tensor, k: int, *, implementation: str = "auto") -> torch.Tensor:
    """Their indices alone, where nobody asks how likely they are; see `topk_of_logits`."""
    if not _on_triton(logits, k, implementation):
        return reference.likeliest(logits, k)
    return topk_of_logits(logits, k, implementation="triton")[1]


def _on_triton(logits: torch.Tensor, k: int, implementation: str) -> bool:
    if not triton_runs(logits, implementation):
        return False
    fits = logits.dtype in DTYPES and min(k, logits.shape[-1]) <= MOST
    if not fits and implementation == "triton":
        msg = (
            f"expected at most {MOST} of a row of fp32, fp16 or bf16 for implementation triton, got {k} of "
            f"{logits.dtype}; choose reference or auto"
        )
        raise ValueError(msg)
    return fits


@torch.library.custom_op("offbook::topk_of_logits", mutates_args=())
def _topk_of_logits(logits: torch.Tensor, k: int, implementation: str = "auto") -> tuple[torch.Tensor, torch.Tensor]:
    if not _on_triton(logits, k, implementation):
        return reference.topk_of_logits(logits, k)
    from offbook.kernels.topk_logprobs import triton as kernels

    return kernels.top(logits, k)


@_topk_of_logits.register_fake
def _(logits: torch.Tensor, k: int, implementation: str = "auto") -> tuple[torch.Tensor, torch.Tensor]:
    shape = (*logits.shape[:-1], min(k, logits.shape[-1]))
    exact = torch.promote_types(logits.dtype, torch.float32)
    return logits.new_empty(shape, dtype=exact), logits.new_empty(shape, dtype=torch.int64)


def _remember(ctx: Any, inputs: tuple[torch.Tensor, int, str], output: tuple[torch.Tensor, torch.Tensor]) -> None:
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(inputs[0], output[1])


def _backward(ctx: Any, upstream: torch.Tensor, _: object) -> tuple[torch.Tensor, None, None]:
    return reference.gradient(upstream, *ctx.saved_tensors), None, None


_topk_of_logits.register_autograd(_backward, setup_context=_remember)
