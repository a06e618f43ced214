"""The greedy choice of every row, by whichever way it is found."""

import numpy as np
import pytest
import torch

from offbook.engine.decoding.verify import NOTHING, _likeliest


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_the_first_largest_of_a_row_is_chosen_and_nothing_where_it_is_not_finite(dtype):
    rows = torch.tensor(
        [
            [0.0, 2.0, 2.0, 1.0],
            [-1.0, -3.0, -2.0, -1.0],
            [0.0, float("nan"), 5.0, 1.0],
            [0.0, float("inf"), 5.0, 1.0],
            [float("-inf"), 0.5, float("-inf"), 0.25],
        ],
        dtype=dtype,
    )
    assert _likeliest(rows).tolist() == [1, 0, NOTHING, NOTHING, 1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_torchs_own_argmax_over_a_whole_vocabulary_ties_included(dtype):
    rows = torch.randn(7, 49152, dtype=dtype, generator=torch.Generator().manual_seed(0)).mul(4).round()
    assert (rows == rows.amax(dim=-1, keepdim=True)).sum() > 7, "there are ties"
    assert np.array_equal(_likeliest(rows), rows.argmax(dim=-1).numpy())
