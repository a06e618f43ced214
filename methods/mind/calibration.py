"""Feedback-driven inertia calibration: MetaNet learns, slowly, which paths the student finds learnable over time.

    L_meta = KL( π_τ(s) ‖ π_τ(−L) ),   π_τ(v) = softmax(v/τ),   L_k: the student's mean cross-entropy on path k

Two filters keep single-step noise out of s: MetaNet's slow optimiser (small rate, accumulated gradients; the authors'
own account) and a trend of the losses (`inertia.py`). arXiv:2601.03717; see `README.md`.

Legend: N questions, B of them in a step, K perspectives, E width of a path vector.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch

from offbook.methods.mind.inertia import Trend
from offbook.methods.mind.metanet import MetaNet

Direction = Literal["prediction_target", "target_prediction", "symmetric"]
WARMUP_BATCH = 16


class MetaUpdater:
    """Owns MetaNet, its optimiser and the trend. No gradient passes through it, to the student or from it.

    Args:
        network: φ.
        trend: of the losses.
        tau: τ of L_meta.
        rate: η_m, smaller than the student's is meant to be felt.
        accumulation: A_m, student steps a step of φ averages over. The rate is not scaled up with it: that overshoots.
        direction: of the divergence, see `meta_loss`.
        standardise: losses become z-scores among their question's paths, behind the trend.
        sd_floor: least deviation that these are divided by, in the losses' unit.
        entropy_bonus: weight of the entropy of the mean π_τ(s) over questions, which L_meta is lowered by.
    """

    def __init__(
        self,
        network: MetaNet,
        trend: Trend,
        *,
        tau: float,
        rate: float,
        accumulation: int,
        direction: Direction,
        standardise: bool = False,
        sd_floor: float = 0.0,
        entropy_bonus: float = 0.0,
    ) -> None:
        self.network, self.trend = network, trend
        self.tau, self.accumulation, self.direction = tau, accumulation, direction
        self.standardise, self.sd_floor, self.entropy_bonus = standardise, sd_floor, entropy_bonus
        self.optimizer = _adamw(network, rate)
        self.accumulated = self.steps = 0

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

    def update(
        self,
        questions: Sequence[int],
        vectors_BKE: torch.Tensor,
        losses_BK: torch.Tensor,
        path_mask_BK: torch.Tensor,
    ) -> float:
        """Takes in the losses of a student step's questions, from before that step; returns L_meta before φ moves.

        Every `accumulation` calls φ moves, by the mean of their gradients.
        """
        filtered_BK = self.trend.filter(questions, losses_BK.detach(), path_mask_BK)
        loss = self._loss(vectors_BKE, filtered_BK, path_mask_BK)
        (loss / self.accumulation).backward()
        self.accumulated += 1
        if self.accumulated == self.accumulation:
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.accumulated = 0
            self.steps += 1
        return float(loss.detach())

    def state_dict(self) -> dict[str, Any]:
        """φ, its optimiser, the trend, and the gradients that wait for φ's next step."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "trend": self.trend.state_dict(),
            "accumulated": self.accumulated,
            "steps": self.steps,
            "gradients": [p.grad for p in self.network.parameters()],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there, in the middle of an accumulation too."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.trend.load_state_dict(state["trend"])
        self.accumulated, self.steps = state["accumulated"], state["steps"]
        for p, gradient in zip(self.network.parameters(), state["gradients"], strict=True):
            p.grad = None if gradient is None else gradient.to(p.device)

    def _loss(self, vectors_BKE: torch.Tensor, losses_BK: torch.Tensor, path_mask_BK: torch.Tensor) -> torch.Tensor:
        scores_BK = self.network(vectors_BKE, path_mask_BK)
        if self.standardise:
            losses_BK = standardised(losses_BK, path_mask_BK, self.sd_floor)
        loss = meta_loss(scores_BK, losses_BK, path_mask_BK, tau=self.tau, direction=self.direction)
        if self.entropy_bonus > 0:
            mean_K = (scores_BK / self.tau).softmax(-1).mean(0).clamp(min=1e-12)  # at 0 the slope is infinite
            loss = loss - self.entropy_bonus * torch.special.entr(mean_K).sum()
        return loss


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
    revives a path whose predicted share has collapsed sooner; "symmetric" is the mean of both. Written out, because
    `functional.kl_div` takes its arguments the other way round.
    """
    log_p = (scores_BK / tau).masked_fill(~path_mask_BK, -torch.inf).log_softmax(-1)
    log_q = (-losses_BK / tau).masked_fill(~path_mask_BK, -torch.inf).log_softmax(-1)
    log_p, log_q = (x.masked_fill(~path_mask_BK, 0.0) for x in (log_p, log_q))
    weights_BK = {
        "prediction_target": log_p.exp(),
        "target_prediction": -log_q.exp(),
        "symmetric": (log_p.exp() - log_q.exp()) / 2,
    }[direction]
    return (weights_BK * (log_p - log_q)).masked_fill(~path_mask_BK, 0.0).sum(-1).mean()


def standardised(losses_BK: torch.Tensor, path_mask_BK: torch.Tensor, floor: float = 0.0) -> torch.Tensor:
    """Losses as z-scores among their question's paths; 0 where a path is missing, or where all are alike.

    Deviations below `floor` count as it: among paths that the student has come to find alike, z-scores would turn what
    is left, mostly noise, into differences as large as they ever were.
    """
    centred_BK = _centred(losses_BK, path_mask_BK)
    deviation_B1 = centred_BK.square().nanmean(-1, keepdim=True).sqrt().clamp(min=floor)
    return (centred_BK / deviation_B1).nan_to_num(0.0, posinf=0.0, neginf=0.0)


def typical_deviation(losses_NK: torch.Tensor, path_mask_NK: torch.Tensor) -> float:
    """Median over questions of the standard deviation among their paths; 0 where no question has two."""
    several_N = path_mask_NK.sum(-1) > 1
    if not several_N.any():
        return 0.0
    centred_NK = _centred(losses_NK[several_N], path_mask_NK[several_N])
    return float(centred_NK.square().nanmean(-1).sqrt().median())


def _centred(losses_BK: torch.Tensor, path_mask_BK: torch.Tensor) -> torch.Tensor:
    """Relative to the mean over a question's paths; NaN where one is missing."""
    found = losses_BK.masked_fill(~path_mask_BK, torch.nan)
    return found - found.nanmean(-1, keepdim=True)


def _adamw(network: MetaNet, rate: float) -> torch.optim.AdamW:
    return torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.0)
