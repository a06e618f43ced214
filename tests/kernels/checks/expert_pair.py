"""What expert_pair's kernels may not do wrong, and careless versions of them."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch

from offbook.kernels.expert_pair import expert_pair, reference

MUTANTS = (
    ("the end of the inner width unmasked", "inside = (at < I)[None, :]", "inside = (at < I + BI)[None, :]"),
    ("the end of the hidden size unmasked", "inside = (begin + h < H)[None, :]", "inside = (h < H + BH)[None, :]"),
    ("a contrast that adds", "(SIGN * odds * share)", "(odds * share)"),
    ("both halves of the gate are the first", "i[:, None], COUNT, COUNT, SIGN, BI", "i[:, None], 0, COUNT, SIGN, BI"),
    (
        "the last of equal scores",
        "at_high = tl.min(tl.where(mine & (left == high[None, :]), g, LAST), 0)",
        "at_high = tl.max(tl.where(mine & (left == high[None, :]), g, -1), 0)",
    ),
    ("shares that sum to more than one", "share = 1.0 / (1.0 + odds)", "share = 1.0"),
    ("inner rows of one expert, weights of another", "number = step // steps", "number = step % COUNT"),
    ("later rows written where the first are", "rows = tl.program_id(1) * BR + tl", "rows = tl"),
    ("the sum of all experts under each", "((place == number) & (r < R))", "(r < R)"),
    ("GELU without its half", "0.5 * x * (1.0 + tl.erf", "x * (1.0 + tl.erf"),
    ("as many outputs of the gate as of an expert", "tl.where(number == COUNT, GATES, I)", "I"),
)


def checks() -> list[Callable[[], None]]:
    """Each on the CPU, interpreted."""
    return [
        two_of_three_experts_are_mixed_and_contrasted,
        the_first_of_equal_scores_is_the_higher,
        more_rows_than_a_tile_has_are_all_there,
        experts_apart_are_the_references,
    ]


def drawn(rows: int, hidden: int, inner: int, experts: int, gates: int) -> Any:
    """Rows, gate, three lists of matrices."""
    generator = torch.Generator().manual_seed(rows)

    def some(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * shape[-1] ** -0.5

    shapes = ((inner, hidden), (inner, hidden), (hidden, inner))
    matrices = [[some(*shape) for _ in range(experts)] for shape in shapes]
    return some(rows, hidden) * hidden**0.5, some(gates, hidden), *matrices


def small_tiles(kernels: ModuleType) -> Any:
    """Several steps through matrices that are no multiple of them."""
    return kernels.Tiles(16, 16, 1), kernels.Tiles(16, 16, 1)


def two_of_three_experts_are_mixed_and_contrasted() -> None:
    from offbook.kernels.expert_pair import triton as kernels

    u, gate, gate_proj, up_proj, down = drawn(5, 19, 37, 3, 6)
    pairs = list(zip(gate_proj, up_proj, strict=True))
    expected = reference.expert_pair(u, gate, pairs, down, second="contrast")
    tiles = small_tiles(kernels)
    found = kernels.expert_pair(u, gate, gate_proj, up_proj, down, second="contrast", tiles=tiles)
    torch.testing.assert_close(tuple(found), expected)


def the_first_of_equal_scores_is_the_higher() -> None:
    u, gate, gate_proj, up_proj, down = drawn(3, 8, 8, 3, 6)
    u, gate = u.round(), gate.sign()[:1].expand(6, 8)  # sums are exact in any order
    pairs = list(zip(gate_proj, up_proj, strict=True))
    expected = reference.expert_pair(u, gate, pairs, down, second="contrast")
    found = expert_pair(u, gate, pairs, down, second="contrast", implementation="triton")
    torch.testing.assert_close(found, expected)


def more_rows_than_a_tile_has_are_all_there() -> None:
    u, gate, gate_proj, up_proj, down = drawn(18, 7, 5, 5, 10)
    pairs = list(zip(gate_proj, up_proj, strict=True))
    expected = reference.expert_pair(u, gate, pairs, down, second=None)
    found = expert_pair(u, gate, pairs, down, second=None, implementation="triton")
    torch.testing.assert_close(found[0], expected[0])


def experts_apart_are_the_references() -> None:
    from offbook.kernels.expert_pair import triton as kernels

    u, gate, fc, _, proj = drawn(4, 21, 35, 3, 3)
    found = kernels.experts_apart(u, gate, fc, proj, tiles=small_tiles(kernels))
    torch.testing.assert_close(found, reference.experts_apart(u, gate, fc, proj))
