"""Tree attention against a loop over rows and keys."""

import math

import pytest
import torch

from offbook.kernels.tree_attention import tree_attention

B, H, G, T, S, D = 2, 6, 2, 5, 11, 4


def by_hand(q, k, v, visible, *, scale, positions=None, key_positions=None, window=None, softcap=None):
    B, H, T, D = q.shape
    G, S = k.shape[1:3]
    out = torch.zeros(B, H, T, D, dtype=q.dtype)
    for b in range(B):
        for h in range(H):
            for t in range(T):
                keys = [
                    s
                    for s in range(S)
                    if visible[b, t, s] and (window is None or key_positions[b, s] > positions[b, t] - window)
                ]
                scores = [float(q[b, h, t] @ k[b, h * G // H, s]) * scale for s in keys]
                if softcap is not None:
                    scores = [softcap * math.tanh(x / softcap) for x in scores]
                weights = torch.tensor(scores, dtype=q.dtype).softmax(0)
                out[b, h, t] = sum(w * v[b, h * G // H, s] for w, s in zip(weights, keys, strict=True))
    return out


@pytest.fixture
def rows():
    torch.manual_seed(0)
    q, k, v = torch.randn(B, H, T, D).double(), torch.randn(B, G, S, D).double(), torch.randn(B, G, S, D).double()
    visible = torch.rand(B, T, S) < 0.5
    visible[:, :, -T:] |= torch.eye(T, dtype=torch.bool)
    # five nodes behind six committed rows: the root, two siblings at position 7, two at position 8
    positions = torch.tensor([6, 7, 7, 8, 8]).expand(B, T)
    key_positions = torch.cat([torch.arange(S - T).expand(B, -1), positions], dim=1)
    return q, k, v, visible, positions, key_positions


def test_grouped_heads_read_their_own_keys(rows):
    q, k, v, visible, *_ = rows
    torch.testing.assert_close(tree_attention(q, k, v, visible, scale=0.3), by_hand(q, k, v, visible, scale=0.3))


@pytest.mark.parametrize("window", [1, 2, 4, 100])
def test_a_window_counts_positions_and_not_rows(rows, window):
    q, k, v, visible, positions, key_positions = rows
    got = tree_attention(
        q, k, v, visible, scale=0.3, positions_BT=positions, key_positions_BS=key_positions, window=window
    )
    places = {"positions": positions, "key_positions": key_positions, "window": window}
    torch.testing.assert_close(got, by_hand(q, k, v, visible, scale=0.3, **places))


def test_softcap_bounds_scores_before_the_mask(rows):
    q, k, v, visible, *_ = rows
    got = tree_attention(q, k, v, visible, scale=2.0, softcap=1.5)
    torch.testing.assert_close(got, by_hand(q, k, v, visible, scale=2.0, softcap=1.5))
    assert not torch.allclose(got, tree_attention(q, k, v, visible, scale=2.0))
