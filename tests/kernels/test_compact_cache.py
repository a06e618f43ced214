"""Cache compaction, overlapping and not."""

import hypothesis.strategies as st
import torch
from hypothesis import given

from offbook.kernels.compact_cache import compact_cache


@given(st.integers(0, 5), st.sets(st.integers(0, 9), min_size=1))
def test_accepted_rows_move_together_and_nothing_before_them_moves(start, offsets):
    storage = torch.arange(2 * 3 * 16 * 2).reshape(2, 3, 16, 2).float()
    before, rows = storage.clone(), torch.tensor(sorted(start + o for o in offsets))
    compact_cache(storage, start, rows)
    assert torch.equal(storage[..., :start, :], before[..., :start, :])
    assert torch.equal(storage[..., start : start + len(rows), :], before[..., rows, :])
