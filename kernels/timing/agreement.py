"""Correct before it is timed: what every provider of a case computes is held against the truth."""

from collections.abc import Mapping
from typing import Any

import torch

from offbook.kernels.proof.case import Timed
from offbook.kernels.timing.cuda import tensors

MORE = 2.0  # times as far from the truth as what is replaced, in the same dtype
SEED = 1_000  # of inputs that are not timed


def check(case: Timed, provider: str) -> None:
    """Fail if a provider is wrong on fresh inputs.

    Raises:
        AssertionError: it says by how much.
    """
    inputs = case.inputs(SEED)
    found = case.providers[provider](*inputs)
    if case.agree is not None:
        case.agree(found, inputs)
        return
    replaced = case.providers["replaced"]
    plain, truth = list(tensors(replaced(*case.inputs(SEED)))), list(tensors(replaced(*in_fp64(case.inputs(SEED)))))
    results = list(tensors(found))
    assert len(results) == len(truth), f"expected {len(truth)} tensors, got {len(results)}"
    for result, same, true in zip(results, plain, truth, strict=True):
        if true.is_floating_point():  # integers may be others where numbers are equal
            allowed = max(MORE * relative_error(same, true), torch.finfo(result.dtype).eps)
            off = relative_error(result, true)
            assert off <= allowed, f"off by {off:.3g} of fp64, {allowed:.3g} is allowed"


def in_fp64(values: Any) -> Any:
    """Inputs with every floating tensor in fp64."""
    if isinstance(values, torch.Tensor):
        return values.double() if values.is_floating_point() else values
    if isinstance(values, Mapping):
        return {name: in_fp64(value) for name, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [in_fp64(value) for value in values]
    return values


def relative_error(found: torch.Tensor, truth: torch.Tensor) -> float:
    """Norm of the difference over the truth's, where that is finite; infinite if other places are finite."""
    finite = truth.isfinite()
    if found.shape != truth.shape or not torch.equal(found.isfinite(), finite):
        return float("inf")
    size = truth[finite].norm().item()
    return float((found[finite].double() - truth[finite]).norm().item() / (size or 1.0))
