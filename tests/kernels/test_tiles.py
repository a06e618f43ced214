"""Maxima and sums of the tiles of a vocabulary."""

import pytest
import torch

from tests.kernels.three_ways import no_worse


def in_plain_torch(x_RV: torch.Tensor, scale: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Maxima and sums of the tiles, in the dtype of the logits."""
    from offbook.kernels.tiles import TILE

    largest, total = [], []
    for tile in (x_RV * scale).split(TILE, dim=1):
        largest.append(tile.amax(dim=1))
        base = largest[-1].masked_fill(largest[-1] == -torch.inf, 0.0)
        total.append((tile - base[:, None]).exp().sum(dim=1))
    return torch.stack(largest, dim=1), torch.stack(total, dim=1)


def drawn(rows: int, size: int, device: str, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(rows + size)
    return (torch.randn(rows, size, generator=generator) * 4).to(dtype).to(device)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("rows", "size"), [(1, 1), (3, 127), (2, 128), (2, 129), (5, 300), (2, 4999)])
def test_every_tile_has_its_maximum_and_its_sum_of_exponentials(kernel_device, rows, size, dtype):
    from offbook.kernels.tiles import tile_stats

    x = drawn(rows, size, kernel_device, dtype)
    largest, total = tile_stats(x)
    of_each, sums = in_plain_torch(x.double())
    assert largest.dtype == total.dtype == torch.float32
    assert largest.double().equal(of_each)  # of numbers as they were given: nothing is rounded
    no_worse(total, in_plain_torch(x)[1], sums)


@pytest.mark.parametrize("scale", [0.5, 1.25, 3.0])
def test_logits_are_scaled_first(kernel_device, scale):
    from offbook.kernels.tiles import tile_stats

    x = drawn(3, 400, kernel_device)
    largest, total = tile_stats(x, scale)
    of_each, sums = in_plain_torch(x.double(), scale)
    torch.testing.assert_close(largest.double(), of_each, rtol=2e-7, atol=0.0)
    torch.testing.assert_close(total.double(), sums, rtol=1e-5, atol=0.0)


def test_a_log_sum_exp_is_put_together_from_the_tiles(kernel_device):
    from offbook.kernels.tiles import tile_stats

    x = drawn(4, 1_001, kernel_device)
    largest, total = tile_stats(x)
    found = (largest.double() + total.double().log()).logsumexp(dim=1)
    torch.testing.assert_close(found, x.double().logsumexp(dim=1), rtol=1e-6, atol=1e-6)


def test_a_tile_of_nothing_but_minus_infinity_sums_to_zero(kernel_device):
    from offbook.kernels.tiles import tile_stats

    x = drawn(2, 300, kernel_device)
    x[0, 128:256] = -torch.inf
    x[1, 5] = -torch.inf
    largest, total = tile_stats(x)
    assert float(largest[0, 1]) == -torch.inf
    assert float(total[0, 1]) == 0.0
    of_each, sums = in_plain_torch(x.double())
    assert largest.double().equal(of_each)
    torch.testing.assert_close(total.double(), sums, rtol=1e-5, atol=0.0)


@pytest.mark.parametrize(
    "view",
    [lambda x: x[:, 7:207], lambda x: x[::2], lambda x: x[:1].expand(3, -1)],
    ids=["sliced columns", "every second row", "one row again and again"],
)
def test_rows_may_have_any_stride(kernel_device, view):
    from offbook.kernels.tiles import tile_stats

    x = view(drawn(6, 260, kernel_device))
    largest, total = tile_stats(x)
    of_each, sums = in_plain_torch(x.double())
    assert largest.double().equal(of_each)
    torch.testing.assert_close(total.double(), sums, rtol=1e-5, atol=0.0)


def test_columns_lie_side_by_side(kernel_device):
    from offbook.kernels.tiles import tile_stats

    with pytest.raises(AssertionError):
        tile_stats(drawn(6, 260, kernel_device).t())
