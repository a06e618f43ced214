"""A kernel, torch in the same dtype, and the truth in fp64: the kernel may err little more than torch does."""

import torch

# What rounding alone may cost, relative and in the norm: half a unit in the last place for one rounding. Sums in fp32
# round often, and torch may be lucky in a small one.
ROUNDINGS = {torch.float32: 8, torch.float16: 1, torch.bfloat16: 1}


def no_worse(kernel: torch.Tensor, torch_in_dtype: torch.Tensor, truth_fp64: torch.Tensor, factor: float = 1.5) -> None:
    """Fail if the kernel's relative error exceeds `factor` times torch's and what rounding alone may cost.

    Errors are norms of the difference over the norm of the truth; what is not finite must be so in the same places.
    """
    assert truth_fp64.dtype == torch.float64
    assert kernel.shape == truth_fp64.shape, f"expected {tuple(truth_fp64.shape)}, got {tuple(kernel.shape)}"
    allowed = max(factor * error(torch_in_dtype, truth_fp64), floor(kernel.dtype))
    found = error(kernel, truth_fp64)
    assert found <= allowed, f"off by {found:.3g} of fp64, where {allowed:.3g} is allowed"


def error(found: torch.Tensor, truth_fp64: torch.Tensor) -> float:
    """Norm of the difference over that of the truth; infinite if anything is not finite that should be, or other so."""
    found, truth = found.detach().cpu().double(), truth_fp64.detach().cpu()
    finite = truth.isfinite()
    if not torch.equal(found.isfinite(), finite):
        return float("inf")
    if not torch.equal(found[~finite].nan_to_num(nan=0.5), truth[~finite].nan_to_num(nan=0.5)):
        return float("inf")
    size = truth[finite].norm().item()
    return (found[finite] - truth[finite]).norm().item() / (size or 1.0)


def floor(dtype: torch.dtype) -> float:
    """What rounding alone may cost in a dtype."""
    return ROUNDINGS[dtype] * torch.finfo(dtype).eps / 2
