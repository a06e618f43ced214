"""Cache compaction, overlapping and not."""

import hypothesis.strategies as st
import torch
from hypothesis import given

from offbook.kernels.compact_cache import compact_cache

PATHS = st.sets(st.integers(0, 9), min_size=1).map(sorted)


@given(st.integers(0, 5), PATHS)
def test_accepted_rows_move_together_and_nothing_before_them_moves(start, path):
    storage = torch.arange(2 * 3 * 16 * 2).reshape(2, 3, 16, 2).float()
    before, rows = storage.clone(), torch.tensor(path)
    compact_cache(storage, start, rows)
    assert torch.equal(storage[..., :start, :], before[..., :start, :])
    assert torch.equal(storage[..., start : start + len(rows), :], before[..., start + rows, :])


@given(st.integers(0, 5), PATHS, st.integers(0, 10))
def test_start_and_count_as_tensors_move_what_numbers_and_a_shorter_path_move(start, path, count):
    storage = torch.arange(2 * 3 * 16 * 2).reshape(2, 3, 16, 2).float()
    as_numbers, count = storage.clone(), min(count, len(path))
    compact_cache(as_numbers, start, torch.tensor(path[:count], dtype=torch.long))
    undefined = [*path[:count], *[-7] * (len(path) - count)]
    compact_cache(storage, torch.tensor(start), torch.tensor(undefined), torch.tensor([count]))
    assert torch.equal(storage, as_numbers)
