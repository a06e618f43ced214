"""What the loss of a token is made of: its label, its teacher, and how much either weighs.

Shapes: N tokens, V vocabulary, W the ids that the teacher's head has, G its hidden size, K of its likeliest.
"""

from dataclasses import dataclass, replace

import torch


@dataclass(frozen=True, kw_only=True)
class Losses:
    """What came of N tokens.

    Attributes:
        loss: Σ w nll + Σ u divergence, the only one with a gradient.
        nll_N: negative log-likelihood of every label in nats, 0 where there is none.
        divergence_N: KL(teacher ‖ student) in nats, 0 without a teacher.
        entropy_N: of the teacher; with it the divergence is the cross-entropy - Σ p log q.
    """

    loss: torch.Tensor
    nll_N: torch.Tensor
    divergence_N: torch.Tensor
    entropy_N: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class TeacherHead:
    """A teacher as the states that its head reads and the head, so that its logits are never there all at once."""

    hidden_NG: torch.Tensor
    head_WG: torch.Tensor

    def some(self, rows: slice | torch.Tensor) -> "TeacherHead":
        """The same at some tokens."""
        return replace(self, hidden_NG=self.hidden_NG[rows])


@dataclass(frozen=True, kw_only=True)
class TeacherLogits:
    """A teacher as its logits."""

    logits_NW: torch.Tensor

    def some(self, rows: slice | torch.Tensor) -> "TeacherLogits":
        """The same at some tokens."""
        return TeacherLogits(logits_NW=self.logits_NW[rows])


@dataclass(frozen=True, kw_only=True)
class TeacherTop:
    """A teacher as its likeliest ids, no id twice, and their probabilities, which are not normalised again."""

    ids_NK: torch.Tensor
    probs_NK: torch.Tensor

    def some(self, rows: slice | torch.Tensor) -> "TeacherTop":
        """The same at some tokens."""
        return TeacherTop(ids_NK=self.ids_NK[rows], probs_NK=self.probs_NK[rows])


Teacher = TeacherHead | TeacherLogits | TeacherTop


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The terms of N tokens; labels come with weights, and a teacher with its own."""

    labels_N: torch.Tensor | None
    weights_N: torch.Tensor | None
    teacher: Teacher | None
    divergence_weights_N: torch.Tensor | None
    temperature: float

    def some(self, rows: slice | torch.Tensor) -> "Terms":
        """The same at some tokens."""
        return Terms(
            labels_N=None if self.labels_N is None else self.labels_N[rows],
            weights_N=None if self.weights_N is None else self.weights_N[rows],
            teacher=None if self.teacher is None else self.teacher.some(rows),
            divergence_weights_N=None if self.divergence_weights_N is None else self.divergence_weights_N[rows],
            temperature=self.temperature,
        )

    def counting(self) -> torch.Tensor:
        """Which tokens add to the loss (N,)."""
        counts_N = None
        if self.labels_N is not None and self.weights_N is not None:
            counts_N = (self.labels_N >= 0) & (self.weights_N != 0)
        if self.divergence_weights_N is not None:
            taught_N = self.divergence_weights_N != 0
            counts_N = taught_N if counts_N is None else counts_N | taught_N
        assert counts_N is not None
        return counts_N


def checked(
    tokens: int,
    labels_N: torch.Tensor | None,
    weights_N: torch.Tensor | None,
    teacher: Teacher | None,
    divergence_weights_N: torch.Tensor | None,
    temperature: float,
) -> Terms:
    """The terms of so many tokens.

    Raises:
        ValueError: no term at all, one without its weights, weights of other tokens, or a temperature of 0 or less.
    """
    for name, what, weights in (("labels", labels_N, weights_N), ("a teacher", teacher, divergence_weights_N)):
        if (what is None) != (weights is None):
            msg = f"expected {name} and weights together, got one without the other; give both"
            raise ValueError(msg)
        if weights is not None and weights.shape != (tokens,):
            msg = f"expected one weight for each of {tokens} tokens, got {tuple(weights.shape)}; give one a token"
            raise ValueError(msg)
    if labels_N is None and teacher is None:
        msg = "expected labels or a teacher, got neither; a loss needs one of them"
        raise ValueError(msg)
    if labels_N is not None and labels_N.shape != (tokens,):
        msg = f"expected one label for each of {tokens} tokens, got {tuple(labels_N.shape)}; give one a token"
        raise ValueError(msg)
    if not temperature > 0:
        msg = f"expected a temperature above 0, got {temperature}; choose another"
        raise ValueError(msg)
    return Terms(
        labels_N=labels_N,
        weights_N=weights_N,
        teacher=teacher,
        divergence_weights_N=divergence_weights_N,
        temperature=temperature,
    )
