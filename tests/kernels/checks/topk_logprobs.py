"""Checks of the top-k kernel that decide quickly, and mistakes that one of them has to find."""

from collections.abc import Callable

import torch

from offbook.kernels.topk_logprobs import topk_of_logits

MUTANTS = (
    ("columns past the vocabulary are read", "& (at < V)\n", "& (at < V + TILE)\n"),
    ("one tile too few", "for turn in range(T):", "for turn in range(T - 1):"),
    ("a tile is chosen again", "tl.where(tiles == best_tile, TAKEN, tiles)", "tiles"),
    ("an entry is taken again", "tl.where(entries == best, TAKEN, entries)", "entries"),
    ("negative numbers in the order of their bits", "order = bits ^ ((bits >> 31) & 0x7FFFFFFF)", "order = bits"),
    ("-0.0 below 0.0", "tl.where(x == 0.0, 0.0, x).to", "x.to"),
    ("of equal numbers the last", "(0x7FFFFFFF - place).to(tl.int64)", "place.to(tl.int64)"),
    ("sums of tiles without their maxima", "total * tl.exp(largest - base)", "total"),
    ("rows without their stride", "x_ptr + row * stride + at", "x_ptr + row * V + at"),
    ("the log-sum-exp left out", "_number(found) - log_sum", "_number(found)"),
)


def by_rank(logits: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """In fp64 and by a stable sort: log-probabilities of the k largest, the first of equal ones first, and places."""
    order = logits.double().sort(dim=-1, descending=True, stable=True).indices[..., :k]
    return logits.double().log_softmax(dim=-1).gather(-1, order), order


def agrees(logits: torch.Tensor, k: int) -> None:
    """Places as they are, log-probabilities as fp32 can be."""
    logprobs, index = topk_of_logits(logits, k, implementation="triton")
    expected, order = by_rank(logits, k)
    assert index.equal(order)
    torch.testing.assert_close(logprobs.double(), expected, rtol=1e-5, atol=1e-5)


def checks() -> list[Callable[[], None]]:
    """See the module."""
    return [_a_row_ends_where_the_next_begins, _negative_numbers, _equal_numbers, _rows_apart, _few_finite]


def _a_row_ends_where_the_next_begins() -> None:
    logits = torch.linspace(-3, 3, 600).view(2, 300)
    agrees(logits, 5)


def _negative_numbers() -> None:
    generator = torch.Generator().manual_seed(1)
    agrees(-torch.rand(2, 300, generator=generator) - 1, 4)
    agrees(torch.randn(1, 700, generator=generator), 3)


def _equal_numbers() -> None:
    logits = torch.full((2, 400), -1.0)
    logits[0, [9, 150, 151, 390]] = torch.tensor([-0.0, 0.0, -0.0, 0.0])
    agrees(logits, 6)


def _rows_apart() -> None:
    generator = torch.Generator().manual_seed(2)
    agrees(torch.randn(3, 512, generator=generator)[:, :200], 3)


def _few_finite() -> None:
    logits = torch.full((1, 300), -torch.inf)
    logits[0, 260] = 1.0
    agrees(logits, 4)
