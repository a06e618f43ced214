"""The best candidates of a pool as one connected tree, in plain torch without a word to the host: the specification.

EAGLE-2's re-ranking (arXiv:2406.16858, section 4.2). Scores never increase along a path, and of equal ones the earlier
is better, that is the parent; so whoever is kept has its parent kept.

Shapes: P pool, N nodes including the root, M = 1 + 4 N numbers, W words.
"""

import torch


def rerank(
    scores_P: torch.Tensor,
    tokens_P: torch.Tensor,
    parents_P: torch.Tensor,
    root: torch.Tensor,
    start: torch.Tensor | None,
    keep: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Numbers (M,), words (N, W) and scores (N,) of the tree; see `offbook.kernels.rerank_tree`."""
    kept = torch.sort(scores_P.float(), descending=True, stable=True).indices[:keep].sort().values
    N = 1 + kept.shape[0]
    node_N = torch.arange(N, device=kept.device)
    places_P = torch.zeros_like(parents_P).scatter(0, kept, node_N[1:])
    above = parents_P[kept]
    tokens_N = torch.cat([root.reshape(1), tokens_P[kept]])
    parents_N = torch.cat([node_N[:1] - 1, places_P[above.clamp(min=0)].where(above >= 0, 0)])
    scores_N = torch.cat([scores_P.new_zeros(1), scores_P[kept]]).float()
    sees_NN, depths_N, up_N = node_N[:, None] == node_N, (node_N > 0).long(), parents_N.clamp(min=0)
    for _ in range((N - 1).bit_length()):  # how far a node sees doubles
        sees_NN, depths_N, up_N = sees_NN | sees_NN[up_N], depths_N + depths_N[up_N], up_N[up_N]
    positions_N = depths_N if start is None else depths_N + start
    undefined = scores_P.isnan().any().long()
    told_M = torch.cat([undefined[None], tokens_N, parents_N, depths_N, positions_N])
    return told_M, words(sees_NN), scores_N


def words(sees_NN: torch.Tensor) -> torch.Tensor:
    """Rows of booleans (N, N) as 64-bit words (N, W): bit b of word w of row i is column 64 w + b."""
    N = sees_NN.shape[0]
    W = -(-N // 64)
    bits_NWb = torch.nn.functional.pad(sees_NN, (0, 64 * W - N)).reshape(N, W, 64).long()
    return (bits_NWb << torch.arange(64, device=sees_NN.device)).sum(dim=-1)
