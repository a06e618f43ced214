"""What each question was met with before, and so what changed between its visits: the proof that MIND's parts acted.

A question that is met once tells nothing of inertia or feedback. Of those met again the log says how many are selected
for otherwise than before, and how the order of their paths moved.

Legend: N questions, K perspectives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from offbook.engine.students.visits import Visits
from offbook.methods.mind.monitor import rank_change


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What became of a question in a step; every process hears of all of them.

    Attributes:
        question: its index.
        losses: the cost of each path, as last known; NaN where a path is missing.
        scores: s, minus infinity where a path is missing.
        alpha: α, 0 for a path that is not selected.
        read_tokens: response tokens that were read without gradient, for their costs alone.
    """

    question: int
    losses: tuple[float, ...]
    scores: tuple[float, ...]
    alpha: tuple[float, ...]
    read_tokens: int


class History:
    """Every question's visits, its last scores and weights, and whether its selected set has ever changed.

    Args:
        questions: N.
        perspectives: K.
    """

    def __init__(self, questions: int, perspectives: int) -> None:
        self.visits = Visits(questions)
        self.scores_NK = torch.full((questions, perspectives), torch.nan)
        self.alpha_NK = torch.full((questions, perspectives), torch.nan)
        self.changed_N = torch.zeros(questions, dtype=torch.bool)

    def take(self, visits: Sequence[Visit]) -> dict[str, float]:
        """Takes a step's visits in.

        Returns:
            `visits`, a question's so far, on average; `met_again`, the share of questions with two visits or more;
            `set_changed`, the share of these whose selected set was another one at some visit than at the one before;
            `rank_change`, the mean over the step's second and further visits of the share of pairs of paths in another
            order than before; `read_tokens`, of this step. What is a share of nothing is 0.
        """
        moved = []
        for visit in visits:
            n, scores_K, alpha_K = visit.question, torch.tensor(visit.scores), torch.tensor(visit.alpha)
            if self.visits.counts[n]:
                there_K = scores_K.isfinite()
                moved.append(rank_change(self.scores_NK[n, there_K], scores_K[there_K]))
                self.changed_N[n] |= bool(((alpha_K > 0) != (self.alpha_NK[n] > 0)).any())
            self.scores_NK[n], self.alpha_NK[n] = scores_K, alpha_K
            self.visits.count([n])
        again = sum(count > 1 for count in self.visits.counts)
        return {
            "visits": self.visits.mean,
            "met_again": again / len(self.visits.counts),
            "set_changed": float(self.changed_N.sum()) / again if again else 0.0,
            "rank_change": sum(moved) / len(moved) if moved else 0.0,
            "read_tokens": float(sum(visit.read_tokens for visit in visits)),
        }

    def state_dict(self) -> dict[str, Any]:
        """All of it."""
        return {
            "visits": self.visits.state_dict(),
            "scores_NK": self.scores_NK,
            "alpha_NK": self.alpha_NK,
            "changed_N": self.changed_N,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there."""
        self.visits.load_state_dict(state["visits"])
        self.scores_NK, self.alpha_NK = state["scores_NK"].clone().cpu(), state["alpha_NK"].clone().cpu()
        self.changed_N = state["changed_N"].clone().cpu()
