"""The decisive checks of the tiles' kernel, and mistakes that they must find."""

import math
from collections.abc import Callable

import torch

from offbook.kernels import tiles
from tests.kernels.three_ways import no_worse

MUTANTS = (
    ("the tail of the vocabulary is not masked", 'mask=at < V, other=-float("inf")', "mask=at < V + 1, other=0.0"),
    ("no scale", ".to(tl.float32) * scale", ".to(tl.float32)"),
    ("rows lie side by side", "x_ptr + row * stride", "x_ptr + row * V"),
    ("one tile too many is stored", "largest, mask=tile < N", "largest, mask=tile <= N"),
    ("a tile of nothing is NaN", 'tl.where(largest == -float("inf"), 0.0, largest)', "largest"),
    ("programs overlap", "tl.program_id(1) * TILES +", "tl.program_id(1) * (TILES - 1) +"),
    ("the first tile's maximum for all", "x - base[:, None]", "x - tl.max(base, 0)"),
)


def checks() -> list[Callable[[], None]]:
    return [values, rows_with_a_stride, tiles_of_nothing]


def truth(x_RV: torch.Tensor, scale: float) -> tuple[torch.Tensor, torch.Tensor]:
    """In the dtype that is given."""
    size = math.ceil(x_RV.shape[1] / tiles.TILE) * tiles.TILE
    padded_RV = torch.nn.functional.pad(x_RV * scale, (0, size - x_RV.shape[1]), value=-math.inf)
    tiles_RNT = padded_RV.unflatten(1, (-1, tiles.TILE))
    largest_RN = tiles_RNT.amax(2)
    base_RN = largest_RN.masked_fill(largest_RN == -math.inf, 0)
    return largest_RN, (tiles_RNT - base_RN[..., None]).exp().sum(2)


def agree(x_RV: torch.Tensor, scale: float) -> None:
    """The maximum is exact in fp32, the sum no worse than torch's."""
    largest_RN, total_RN = tiles.tile_stats(x_RV, scale)
    same_RN, torch_RN = truth(x_RV.float(), scale)
    assert torch.equal(largest_RN, same_RN)
    no_worse(total_RN, torch_RN, truth(x_RV.double(), scale)[1])


def values() -> None:
    generator = torch.Generator().manual_seed(0)
    for rows, size in ((1, 1), (3, 130), (2, 4999)):
        agree(torch.randn(rows, size, generator=generator) * 5, 0.7)


def rows_with_a_stride() -> None:
    agree(torch.randn(4, 300, generator=torch.Generator().manual_seed(1))[::2, :257], 1.0)


def tiles_of_nothing() -> None:
    x_RV = torch.randn(2, 400, generator=torch.Generator().manual_seed(2))
    x_RV[1, 128:256] = -math.inf
    agree(x_RV, 1.0)
