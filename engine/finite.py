"""Numbers that are not finite end the work in one line, before they become tokens, weights or JSON."""

import math
from collections.abc import Iterable, Mapping

import torch


class NotFiniteError(ValueError):
    """NaN or infinity where a number was expected."""


def logits_not_finite() -> NotFiniteError:
    """What is raised where a token would be chosen from such logits."""
    return NotFiniteError(
        "expected finite logits, got NaN or infinite ones from the model; choose another --dtype (float32), or check "
        "its weights"
    )


def draft_not_finite() -> NotFiniteError:
    """What is raised where candidates would be ordered, or drawn, by such scores."""
    return NotFiniteError(
        "expected finite scores of draft candidates, got NaN from the draft network; train the drafter anew, with "
        "a lower --learning-rate"
    )


def check_logits(logits: torch.Tensor) -> None:
    """Refuses rows (..., V) from which nothing can be chosen; entries of minus infinity are tokens left out.

    Raises:
        NotFiniteError: a row's largest logit is NaN or infinite.
    """
    if not bool(logits.amax(dim=-1).isfinite().all()):  # NaN is the largest wherever there is one
        raise logits_not_finite()


def check_weights(tensors: Iterable[tuple[str, torch.Tensor]], owner: str, remedy: str) -> None:
    """Refuses weights with NaN or infinity in them.

    Args:
        tensors: by name, on any device.
        owner: whose they are, for the message.
        remedy: what to do, for the message.

    Raises:
        NotFiniteError: names the first tensor.
    """
    floating = [(name, tensor) for name, tensor in tensors if tensor.is_floating_point() and tensor.numel()]
    if not floating:
        return
    with torch.no_grad():
        finite = torch.stack([_is_finite(tensor).cpu() for _, tensor in floating])
    if not bool(finite.all()):
        name = floating[int((~finite).nonzero()[0])][0]
        msg = f"{owner}: expected finite weights, got NaN or infinity in {name}; {remedy}"
        raise NotFiniteError(msg)


def check_numbers(numbers: Mapping[str, float | None], owner: str, remedy: str) -> None:
    """The same for numbers that would land in a record; None is allowed.

    Raises:
        NotFiniteError: names the first of them.
    """
    for name, value in numbers.items():
        if value is not None and not math.isfinite(value):
            msg = f"{owner}: expected finite numbers, got {name} {value}; {remedy}"
            raise NotFiniteError(msg)


def _is_finite(tensor: torch.Tensor) -> torch.Tensor:
    """Scalar; reads the tensor once and makes no copy of it."""
    if tensor.dtype.itemsize == 1:  # fp8 knows no reductions
        return tensor.float().isfinite().all()
    low, high = tensor.aminmax()
    return low.isfinite() & high.isfinite()
