"""Maxima and sums of tiles, three ways."""

import pytest
import torch

from tests.kernels.checks import tiles as tile_checks


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("rows", "size"), [(1, 1), (5, 70), (2, 129), (1, 4999)])
def test_tiles_are_told_as_exactly_as_torch_tells_them(kernel_device, dtype, rows, size):
    x_RV = torch.randn(rows, size, generator=torch.Generator().manual_seed(size)) * 5
    tile_checks.agree(x_RV.to(dtype).to(kernel_device), 0.7)
