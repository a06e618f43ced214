"""The mean of a step's gradients, clipped, in one sweep over them.

    g <- g / n · min(1, bound / (‖g‖ / n))          g: the sum over n questions; bound as torch's own clipping has it

A mean first and torch's clipping behind it would read and write every gradient once more.
"""

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.utils import get_total_norm

TINY = 1e-6  # beside the norm, as in torch.nn.utils.clip_grad_norm_


@torch.no_grad()
def clipped_mean(parameters: Iterable[nn.Parameter], count: float, bound: float) -> torch.Tensor:
    """Makes sums of gradients their mean, of a norm of at most `bound`; the mean's norm before.

    Args:
        parameters: whose gradients they are; those without one stay without.
        count: what is divided by.
        bound: of the norm.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = get_total_norm(gradients) / count
    if gradients:
        torch._foreach_mul_(gradients, torch.clamp(bound / (norm + TINY), max=1.0) / count)
    return norm
