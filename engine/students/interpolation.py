"""A student between the untouched model and a trained one, by their weights: WiSE-FT (arXiv:2109.01903).

    θ_a = θ0 + a (θ - θ0)

From a = 0 to 1 it draws what a training gained against what it cost elsewhere, without training. LoRA's students are
stored merged, so that this scales their updates.
"""

import torch
from torch import nn

from offbook.engine.quoting import quoted


@torch.no_grad()
def interpolate(student: nn.Module, untouched: nn.Module, a: float) -> None:
    """Moves a student to `a` of the way from the untouched model to where it is; in fp32 or finer.

    Raises:
        ValueError: the two are not of one shape.
    """
    base = dict(untouched.named_parameters())
    for name, parameter in student.named_parameters():
        if name not in base or base[name].shape != parameter.shape:
            msg = (
                f"expected a student of this base model, got one whose {quoted(name)} is not the base's; check the two"
            )
            raise ValueError(msg)
        start = base[name].to(parameter.device)
        parameter.copy_(start + a * (parameter - start))
