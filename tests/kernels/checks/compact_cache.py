"""What compact_cache's kernel may not do wrong, and careless versions of it."""

from collections.abc import Callable

import torch

from offbook.kernels.compact_cache import compact_cache, reference

PATH = (0, 2, 3, 7, 9, 12)
SIZES = (2, 3, 2, 20, 5)  # keys and values, batch, heads, rows, head size

MUTANTS = (
    ("nothing between reading and writing", "tl.debug_barrier()", "pass"),
    ("columns beyond the head", "(d < D)[None, :]", "(d < BLOCK_D)[None, :]"),
    ("all of the path stands", "tl.minimum(n, tl.load(count_ptr))", "n"),
    ("sources counted from the beginning", "(first + source)", "source"),
    ("a row between two blocks is left out", "range(0, stands, ROWS)", "range(0, stands, ROWS + 1)"),
    ("a step of the batch as wide as one of the heads", "slab // G % B * stride_b", "slab // G % B * stride_g"),
    ("the start on the device is not asked", "first += tl.load(start_ptr)", "first += 0 * tl.load(start_ptr)"),
)


def checks() -> list[Callable[[], None]]:
    """Each on the CPU, interpreted."""
    return [
        rows_move_as_the_reference_moves_them,
        what_stands_on_the_device_counts,
        paths_longer_than_a_block_move_whole,
    ]


def cache() -> torch.Tensor:
    """Every number another."""
    return torch.arange(torch.tensor(SIZES).prod().item()).view(SIZES).float()


def rows_move_as_the_reference_moves_them() -> None:
    """Rows that move lie where others move to, so that all have to be read first."""
    storage, expected = cache(), cache()
    compact_cache(storage, 4, torch.tensor(PATH), implementation="triton")
    reference.compact_cache(expected, 4, torch.tensor(PATH))
    assert torch.equal(storage, expected)


def what_stands_on_the_device_counts() -> None:
    storage, expected = cache(), cache()
    path = torch.tensor([*PATH[:4], 5, 5])  # what does not stand points anywhere
    compact_cache(storage, torch.tensor([3]), path, torch.tensor(4), implementation="triton")
    reference.compact_cache(expected, 3, torch.tensor(PATH[:4]))
    assert torch.equal(storage, expected)


def paths_longer_than_a_block_move_whole() -> None:
    from offbook.kernels.compact_cache import triton as kernels

    storage, expected = cache(), cache()
    path = torch.tensor([0, 1, 3, 4, 5, 7, 8, 11, 12, 13, 15])
    kernels.compact_cache(storage, 1, None, path, None, rows=4)
    reference.compact_cache(expected, 1, path)
    assert torch.equal(storage, expected)
