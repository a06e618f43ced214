"""Top-k log-probabilities against a full log-softmax."""

import pytest
import torch

from offbook.kernels.topk_logprobs import topk_logprobs


@pytest.mark.parametrize("k", [1, 3, 17])
def test_the_k_largest_of_the_full_log_softmax_are_returned_best_first(k):
    torch.manual_seed(0)
    hidden, head = torch.randn(4, 6), torch.randn(17, 6)
    values, index = topk_logprobs(hidden, head, k)
    full = (hidden @ head.T).log_softmax(-1)
    torch.testing.assert_close(values, full.sort(dim=-1, descending=True).values[:, :k])
    torch.testing.assert_close(values, full.gather(1, index))


def test_scores_of_half_precision_inputs_are_fp32_and_never_quite_zero():
    hidden = torch.tensor([[8.0, 0.0]], dtype=torch.bfloat16)
    head = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.bfloat16)
    values, _ = topk_logprobs(hidden, head, 1)
    assert values.dtype == torch.float32
    assert -1e-3 < float(values) < 0
