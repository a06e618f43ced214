"""Inertia: the trends that MetaNet is fitted to in place of a single step's losses.

    perspective   m_k  <- ρ m_k + (1−ρ) mean_i ℓ_ik        L_ik = m_k + (ℓ_ik − mean_i' ℓ_i'k)
                  means over the last W questions, for a step may be of one, which is its own mean
    item          m_ik <- ρ m_ik + (1−ρ) ℓ_ik              L_ik = m_ik

Ours, beside MetaNet's slow optimiser, which is the authors' own account of inertia. An item's trend is weak: each
(question, path) is seen once an epoch. Losses enter relative to the mean over their question's paths: L_meta does not
see a question's common level, and a perspective that is missing where questions are hard would otherwise look easy.

Legend: N questions, B of them in a step, W in a window, K perspectives.
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import torch

Inertia = Literal["perspective", "item"]


class Trend(Protocol):
    """Filters losses over time."""

    def filter(self, questions: Sequence[int], losses_BK: torch.Tensor, path_mask_BK: torch.Tensor) -> torch.Tensor:
        """Takes a step's losses in; returns the inertia-filtered ones (B, K), 0 where a path is missing."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The trend."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved trend."""
        ...


class PerspectiveTrend:
    """m_k, an exponential moving average of every perspective's loss.

    Args:
        perspectives: K.
        rho: memory ρ; 0 leaves the losses as they are (ablation).
        window: W, how many questions a mean is over; those of the step where they are more.
    """

    def __init__(self, perspectives: int, rho: float, *, window: int) -> None:
        self.rho, self.window = rho, window
        self.trend_K = torch.full((perspectives,), torch.nan)
        self.recent_WK = torch.empty(0, perspectives)

    def filter(self, questions: Sequence[int], losses_BK: torch.Tensor, path_mask_BK: torch.Tensor) -> torch.Tensor:
        """See `Trend`."""
        relative_BK = (losses_BK - _mean(losses_BK, path_mask_BK)).masked_fill(~path_mask_BK, torch.nan)
        seen_BK = torch.cat([self.recent_WK.to(losses_BK), relative_BK])[-max(self.window, len(relative_BK)) :]
        self.recent_WK = seen_BK[-self.window :]
        mean_K = seen_BK.nanmean(0)
        self.trend_K = self.trend_K.to(losses_BK)
        moved_K = _moved(self.trend_K, mean_K, self.rho)
        self.trend_K = torch.where(path_mask_BK.any(dim=0), moved_K, self.trend_K)
        return torch.where(path_mask_BK, self.trend_K + (relative_BK - mean_K), 0.0)

    def state_dict(self) -> dict[str, Any]:
        """See `Trend`."""
        return {"trend_K": self.trend_K, "recent_WK": self.recent_WK}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Trend`."""
        self.trend_K, self.recent_WK = state["trend_K"], state["recent_WK"]


class ItemTrend:
    """m_ik, an exponential moving average of every single path's loss (ablation).

    Args:
        questions: N.
        perspectives: K.
        rho: memory ρ.
    """

    def __init__(self, questions: int, perspectives: int, rho: float) -> None:
        self.rho = rho
        self.trend_NK = torch.full((questions, perspectives), torch.nan)

    def filter(self, questions: Sequence[int], losses_BK: torch.Tensor, path_mask_BK: torch.Tensor) -> torch.Tensor:
        """See `Trend`."""
        self.trend_NK = self.trend_NK.to(losses_BK)
        rows = list(questions)
        relative_BK = losses_BK - _mean(losses_BK, path_mask_BK)
        self.trend_NK[rows] = _moved(self.trend_NK[rows], relative_BK, self.rho)
        return torch.where(path_mask_BK, self.trend_NK[rows], 0.0)

    def state_dict(self) -> dict[str, Any]:
        """See `Trend`."""
        return {"trend_NK": self.trend_NK}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Trend`."""
        self.trend_NK = state["trend_NK"].clone()  # which `filter` writes into


def _moved(trend: torch.Tensor, losses: torch.Tensor, rho: float) -> torch.Tensor:
    """The moving average after these losses; the first ones start it."""
    return torch.where(trend.isnan(), losses, trend.lerp(losses, 1 - rho))


def _mean(values_BK: torch.Tensor, mask_BK: torch.Tensor) -> torch.Tensor:
    """Mean (B, 1) over each question's paths, 0 where it has none."""
    total_B1 = values_BK.masked_fill(~mask_BK, 0.0).sum(1, keepdim=True)
    return total_B1 / mask_BK.sum(1, keepdim=True).clamp(min=1)
