"""Weights that never change: drawn per parameter, seeded by the parameter's own name, whatever a library does."""

import hashlib

import torch
from torch import nn


@torch.no_grad()
def fill(module: nn.Module, *, scale: float) -> None:
    """Norms are 1, everything else is noise."""
    for name, weight in module.named_parameters():
        if "norm" in name:
            weight.fill_(1.0)
            continue
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
        draws = torch.randn(weight.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        weight.copy_(draws * scale)
