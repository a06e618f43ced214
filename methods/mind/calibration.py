"""Feedback-driven inertia calibration: MetaNet learns, slowly, which paths the student finds learnable over time.

    L_meta = KL( π_τ(s) ‖ π_τ(−L) ),   π_τ(v) = softmax(v/τ),   L_k: the student's mean cross-entropy on path k

Two filters keep single-step noise out of s. MetaNet's slow optimiser (small rate, accumulated gradients; the authors'
own account) and, ours, a trend of every perspective's loss, pooled over questions:

    m_k  <- ρ m_k + (1−ρ) mean_i ℓ_ik
    L_ik  = m_k + (ℓ_ik − mean_i' ℓ_i'k)

A trend per item would be weak: each (question, path) is seen once an epoch. arXiv:2601.03717; see `README.md`.

Legend: N questions, B of them in a step, K perspectives, E width of a path vector.
"""

from typing import Any, Literal

import torch

from offbook.methods.mind.metanet import MetaNet

Direction = Literal["prediction_target", "target_prediction"]
WARMUP_BATCH = 16


class PerspectiveTrend:
    """m_k, an exponential moving average of every perspective's loss.

    Ours: losses enter relative to the mean over their question's paths. L_meta does not see a question's common level,
    and a perspective that is missing where questions are hard would otherwise look easy.

    Args:
        perspectives: K.
        rho: memory ρ; 0 leaves the losses as they are (ablation).
    """

    def __init__(self, perspectives: int, rho: float) -> None:
        self.rho = rho
        self.trend_K = torch.full((perspectives,), torch.nan)

    def filter(self, losses_BK: torch.Tensor, path_mask_BK: torch.Tensor) -> torch.Tensor:
        """Takes a step's losses in; returns the inertia-filtered ones (B, K), 0 where a path is missing."""
        self.trend_K = self.trend_K.to(losses_BK)
        relative_BK = losses_BK - _mean(losses_BK, path_mask_BK, dim=1)
        mean_1K = _mean(relative_BK, path_mask_BK, dim=0)
        seen_K = path_mask_BK.any(dim=0)
        moved_K = torch.where(self.trend_K.isnan(), mean_1K[0], self.trend_K.lerp(mean_1K[0], 1 - self.rho))
        self.trend_K = torch.where(seen_K, moved_K, self.trend_K)
        return torch.where(path_mask_BK, self.trend_K + (relative_BK - mean_1K), 0.0)

    def state_dict(self) -> dict[str, Any]:
        """The trend."""
        return {"trend_K": self.trend_K}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved trend."""
        self.trend_K = state["trend_K"]


class MetaUpdater:
    """Owns MetaNet, its optimiser and the trend. No gradient passes through it, to the student or from it.

    Args:
        network: φ.
        tau: τ of L_meta.
        rho: ρ of the trend.
        rate: η_m, smaller than the student's is meant to be felt.
        accumulation: A_m, student steps a step of φ averages over. The rate is not scaled up with it: that overshoots.
        direction: of the divergence, see `meta_loss`.
    """

    def __init__(
        self, network: MetaNet, *, tau: float, rho: float, rate: float, accumulation: int, direction: Direction
    ) -> None:
        self.network = network
        self.tau, self.accumulation, self.direction = tau, accumulation, direction
        self.trend = PerspectiveTrend(len(network.heads), rho)
        self.optimizer = _adamw(network, rate)
        self.accumulated = 0

    @torch.no_grad()
    def scores(self, vectors_KE: torch.Tensor, path_mask_K: torch.Tensor) -> torch.Tensor:
        """S (K,) of one question, without gradient; -inf where a path is missing."""
        scores_BK: torch.Tensor = self.network(vectors_KE[None], path_mask_K[None])
        return scores_BK[0]

    def warm_up(
        self,
        vectors_NKE: torch.Tensor,
        losses_NK: torch.Tensor,
        path_mask_NK: torch.Tensor,
        *,
        epochs: int,
        rate: float,
        seed: int,
    ) -> None:
        """Fits φ to the table of the untouched student's losses, with an optimiser of its own."""
        optimizer = _adamw(self.network, rate)
        order = torch.Generator().manual_seed(seed)
        for _ in range(epochs):
            for rows in torch.randperm(len(losses_NK), generator=order).split(WARMUP_BATCH):
                rows = rows.to(losses_NK.device)
                self._loss(vectors_NKE[rows], losses_NK[rows], path_mask_NK[rows]).backward()
                optimizer.step()
                optimizer.zero_grad()

    def update(self, vectors_BKE: torch.Tensor, losses_BK: torch.Tensor, path_mask_BK: torch.Tensor) -> float:
        """Takes in the losses of a student step's questions, from before that step; returns L_meta.

        Every `accumulation` calls φ moves, by the mean of their gradients.
        """
        loss = self._loss(vectors_BKE, self.trend.filter(losses_BK.detach(), path_mask_BK), path_mask_BK)
        (loss / self.accumulation).backward()
        self.accumulated += 1
        if self.accumulated == self.accumulation:
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.accumulated = 0
        return float(loss.detach())

    def state_dict(self) -> dict[str, Any]:
        """φ, its optimiser, the trend, and the gradients that wait for φ's next step."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "trend": self.trend.state_dict(),
            "accumulated": self.accumulated,
            "gradients": [p.grad for p in self.network.parameters()],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there, in the middle of an accumulation too."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.trend.load_state_dict(state["trend"])
        self.accumulated = state["accumulated"]
        for p, gradient in zip(self.network.parameters(), state["gradients"], strict=True):
            p.grad = None if gradient is None else gradient.to(p.device)

    def _loss(self, vectors_BKE: torch.Tensor, losses_BK: torch.Tensor, path_mask_BK: torch.Tensor) -> torch.Tensor:
        scores_BK = self.network(vectors_BKE, path_mask_BK)
        return meta_loss(scores_BK, losses_BK, path_mask_BK, tau=self.tau, direction=self.direction)


def meta_loss(
    scores_BK: torch.Tensor,
    losses_BK: torch.Tensor,
    path_mask_BK: torch.Tensor,
    *,
    tau: float,
    direction: Direction = "prediction_target",
) -> torch.Tensor:
    """L_meta, listwise over each question's paths, a mean over questions; missing paths take no part.

    "prediction_target" is KL(π(s) ‖ π(−L)) as printed; "target_prediction" is textbook ListNet's direction, which
    revives a path whose predicted share has collapsed sooner. Written out, because `functional.kl_div` takes its
    arguments the other way round.
    """
    log_p = (scores_BK / tau).masked_fill(~path_mask_BK, -torch.inf).log_softmax(-1)
    log_q = (-losses_BK / tau).masked_fill(~path_mask_BK, -torch.inf).log_softmax(-1)
    if direction == "target_prediction":
        log_p, log_q = log_q, log_p
    log_p, log_q = (x.masked_fill(~path_mask_BK, 0.0) for x in (log_p, log_q))
    terms_BK = log_p.exp() * (log_p - log_q)
    return terms_BK.masked_fill(~path_mask_BK, 0.0).sum(-1).mean()


def _mean(values_BK: torch.Tensor, mask_BK: torch.Tensor, *, dim: int) -> torch.Tensor:
    """Mean of the values the mask allows, 0 where it allows none; keeps the dimension."""
    total = values_BK.masked_fill(~mask_BK, 0.0).sum(dim, keepdim=True)
    return total / mask_BK.sum(dim, keepdim=True).clamp(min=1)


def _adamw(network: MetaNet, rate: float) -> torch.optim.AdamW:
    return torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.0)
