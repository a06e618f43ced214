"""MetaNet, the "teaching assistant": scores how well each path to an answer suits the student as it is now.

    u_k  = LN(W2 GELU(W1 e_k)) + b_k       feature alignment; b_k: learned perspective embedding
    U    = U + MHA(LN U)                   synergy layer: every path sees every other one
    M_jk = head_j(U_k)                     inertia scoring heads, 256 -> 64 -> 1
    s_k  = M_kk                            head k scores path k

arXiv:2601.03717; the layers are the paper's, the sizes ours. It writes no text, is updated by L_meta alone and is
dropped at inference. Ours: heads start at zero, so that all paths start alike. From scores that differ by more than τ,
KL(π(s) ‖ ·) collapses onto one path and gives the others no gradient (`README.md`). Without dropout or batch
statistics, training and evaluation mode agree.

Legend: B questions, K perspectives, J scoring heads (K unless shared), E width of a path vector, D width of this
network, H attention heads.
"""

from typing import Literal

import torch
from torch import nn
from torch.nn import functional

Heads = Literal["own", "shared", "mean"]
WIDTH = 256
HEADS = 4
SCORING_WIDTH = 64
EMBEDDING_STD = 0.02


class MetaNet(nn.Module):
    """See the module.

    Args:
        vector_width: E.
        perspectives: K.
        attention: False leaves the synergy layer out (ablation): paths are scored independently of each other.
        bounded: scores between 0 and 1, for the selection rule as printed (see `selection.py`).
        heads: which of M's rows score path k (ablation). "own": the k-th; "shared": the only one there is; "mean": all
            of them alike.
    """

    def __init__(
        self,
        *,
        vector_width: int,
        perspectives: int,
        attention: bool = True,
        bounded: bool = False,
        heads: Heads = "own",
    ) -> None:
        super().__init__()
        self.bounded, self.own = bounded, heads == "own"
        self.align = nn.Sequential(
            nn.Linear(vector_width, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH)
        )
        self.perspective_KD = nn.Parameter(EMBEDDING_STD * torch.randn(perspectives, WIDTH))
        self.synergy = _Synergy() if attention else None
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(WIDTH, SCORING_WIDTH), nn.GELU(), nn.Linear(SCORING_WIDTH, 1))
            for _ in range(1 if heads == "shared" else perspectives)
        )
        for head in self.heads:
            last = head[-1]  # type: ignore[index]
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, vectors_BKE: torch.Tensor, path_mask_BK: torch.Tensor) -> torch.Tensor:
        """Scores s (B, K); -inf where the mask is False, whatever the vector there."""
        matrix_BJK = self.score_matrix(vectors_BKE, path_mask_BK)
        scores_BK = matrix_BJK.diagonal(dim1=-2, dim2=-1) if self.own else matrix_BJK.mean(dim=-2)
        if self.bounded:
            scores_BK = scores_BK.sigmoid()
        return scores_BK.masked_fill(~path_mask_BK, -torch.inf)

    def score_matrix(self, vectors_BKE: torch.Tensor, path_mask_BK: torch.Tensor) -> torch.Tensor:
        """M (B, J heads, K paths); columns of missing paths mean nothing."""
        aligned_BKD = self.align(vectors_BKE.masked_fill(~path_mask_BK[..., None], 0.0)) + self.perspective_KD
        if self.synergy is not None:
            aligned_BKD = aligned_BKD + self.synergy(aligned_BKD, path_mask_BK)
        return torch.stack([head(aligned_BKD).squeeze(-1) for head in self.heads], dim=-2)


class _Synergy(nn.Module):
    """Pre-norm multi-head self-attention across the paths of a question; "Concat & Linear" is `out`."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, u_BKD: torch.Tensor, path_mask_BK: torch.Tensor) -> torch.Tensor:
        B, K, _ = u_BKD.shape
        projected = self.query_key_value(self.norm(u_BKD)).view(B, K, 3, HEADS, WIDTH // HEADS)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        present = path_mask_BK[:, :, None] & path_mask_BK[:, None, :]
        # A missing path sees itself alone: its row is never used, but a row that sees nothing would be NaN.
        visible_B1KK = (present | torch.eye(K, dtype=torch.bool, device=u_BKD.device))[:, None]
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=visible_B1KK)
        out: torch.Tensor = self.out(mixed.transpose(1, 2).reshape(B, K, WIDTH))
        return out
