"""What predicts the tokens of branches: the states that a language-model head reads, with the head, or logits.

Losses are taken of states and head together, so that the logits of all tokens are never there at once
(`kernels.vocab_loss`). A model that does more to logits than to multiply (a softcap, a scale, a bias, an adapter on the
head) keeps them: what it does is asked for once, by numbers that a head hands out in place of logits.

Legend: N predicted tokens of all branches, n some of them, H hidden, V vocabulary.
"""

import contextlib
import functools
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import torch
from torch import nn
from torch.nn import functional

from offbook.engine.students.branches import Branches, read
from offbook.kernels.vocab_loss import (
    Losses,
    Teacher,
    TeacherHead,
    TeacherLogits,
    loss_of_logits,
    token_nll,
    vocab_loss,
)

ASKED = (-64.0, 0.5, 64.0)  # beyond any softcap; the same in every floating format

_left_alone: "weakref.WeakKeyDictionary[nn.Module, bool]" = weakref.WeakKeyDictionary()
_weighers: "weakref.WeakKeyDictionary[nn.Module, Weigher]" = weakref.WeakKeyDictionary()


class Weigher(Protocol):
    """Weighs tokens of branches beside each other, whatever method learns them; see `weighing`."""

    def __call__(self, branches: Branches, weights_N: torch.Tensor, nll: Callable[[], torch.Tensor]) -> torch.Tensor:
        """The weights (N,) in a cross-entropy that take the place of `weights_N`.

        Args:
            branches: whose tokens they are.
            weights_N: as the method has them.
            nll: takes the cross-entropy of every token (N,), without gradient.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Of N tokens.

    Attributes:
        states_NH: what the head reads, in the format it is multiplied in; logits where there is no head.
        head_VH: the head's weight; None for a model that does more than to multiply by one.
        weigh: what `Weigher` makes of weights and `nll`; None where tokens count as the method has them.
    """

    states_NH: torch.Tensor
    head_VH: torch.Tensor | None
    weigh: Callable[[torch.Tensor, Callable[[], torch.Tensor]], torch.Tensor] | None = None

    def loss(
        self,
        targets_N: torch.Tensor,
        weights_N: torch.Tensor | None,
        *,
        teacher: "Predictions | None" = None,
        divergence_weights_N: torch.Tensor | None = None,
        temperature: float = 1.0,
    ) -> Losses:
        """Σ w · cross-entropy of the targets, and Σ u · KL(teacher ‖ student); see `kernels.vocab_loss`.

        Args:
            targets_N: the tokens.
            weights_N: w, before `weigh`; None for no cross-entropy.
            teacher: what else is predicted of them.
            divergence_weights_N: u, beside a teacher.
            temperature: of both laws of the divergence.
        """
        if weights_N is not None and self.weigh is not None:
            weights_N = self.weigh(weights_N, lambda: self.nll(targets_N))
        labels_N = None if weights_N is None else targets_N
        law = None if teacher is None else teacher.law()
        more: dict[str, Any] = {"divergence_weights_N": divergence_weights_N, "temperature": temperature}
        if self.head_VH is None:
            return loss_of_logits(self.states_NH, labels_N, weights_N, teacher=law, **more)
        return vocab_loss(self.states_NH, self.head_VH, labels_N, weights_N, teacher=law, compact=False, **more)

    def question_losses(self, branches: Branches, weights_N: torch.Tensor) -> "QuestionSums":
        """Σ w · cross-entropy of all tokens of these branches, with the part that every question has of it.

        Args:
            branches: of one question or several, the ones that are predicted.
            weights_N: w, before `weigh`.
        """
        targets_N = branches.targets_N
        if self.weigh is not None:
            weights_N = self.weigh(weights_N, lambda: self.nll(targets_N))
        found = replace(self, weigh=None).loss(targets_N, weights_N)
        own_N = weights_N.detach().to(found.nll_N.dtype) * found.nll_N
        parts = [own_N[start:end].sum() for start, end in branches.questions]
        return QuestionSums(loss=found.loss, questions=parts, nll_N=found.nll_N)

    def nll(self, targets_N: torch.Tensor) -> torch.Tensor:
        """Cross-entropy of every target (N,), in nats; without gradient."""
        if self.head_VH is None:
            return functional.cross_entropy(self.states_NH.detach(), targets_N, reduction="none")
        return token_nll(self.states_NH, self.head_VH, targets_N, compact=False).float()

    def logits_of(self, groups: Sequence[Sequence[int]]) -> tuple[torch.Tensor, ...]:
        """Of groups of tokens, (n, V) each, fp32, with a gradient; together one product."""
        states_nH = self.states_NH[[token for group in groups for token in group]]
        if self.head_VH is not None:
            states_nH = functional.linear(states_nH, self.head_VH.to(states_nH.dtype))
        parts: tuple[torch.Tensor, ...] = states_nH.float().split([len(group) for group in groups])
        return parts

    def law(self) -> Teacher:
        """As a teacher."""
        if self.head_VH is None:
            return TeacherLogits(logits_NW=self.states_NH.detach())
        return TeacherHead(hidden_NG=self.states_NH.detach(), head_WG=self.head_VH.detach())


class QuestionSums(NamedTuple):
    """A loss with gradient, and without one the part of every question, and the cross-entropy of every token (N,)."""

    loss: torch.Tensor
    questions: list[torch.Tensor]
    nll_N: torch.Tensor


def predict(model: nn.Module, branches: Branches) -> Predictions:
    """What a model predicts of every response token; inside `branch_attention`."""
    found, _ = predict_and_read(model, branches)
    return found


def predict_and_read(model: nn.Module, branches: Branches, **more: Any) -> tuple[Predictions, Any]:
    """The same, and the model's whole output, for which `more` asks; its logits are not to be read."""
    head, weigher = _plain_head(model), _weighers.get(model)
    weigh = None if weigher is None else functools.partial(weigher, branches)
    if head is None or not _logits_are_left_alone(model, head, branches):
        output = read(model, branches, logits_to_keep=branches.predicting_N, **more)
        return Predictions(states_NH=output.logits[0].float(), head_VH=None, weigh=weigh), output
    (states_NH,), output = _without_head(model, head, branches, head.weight.new_empty(0), **more)
    return Predictions(states_NH=states_NH, head_VH=head.weight, weigh=weigh), output


@contextlib.contextmanager
def weighing(model: nn.Module, weigher: Weigher | None) -> Iterator[None]:
    """Inside, cross-entropies of what this model predicts are weighed so; None: as the methods have them."""
    if weigher is not None:
        _weighers[model] = weigher
    try:
        yield
    finally:
        _weighers.pop(model, None)


def _plain_head(model: nn.Module) -> nn.Linear | None:
    """The head, where it is a product and nobody stands in its way."""
    get = getattr(model, "get_output_embeddings", None)
    head = None if get is None else get()
    plain = type(head) is nn.Linear and head.bias is None and "forward" not in vars(head)
    return head if plain else None


def _logits_are_left_alone(model: nn.Module, head: nn.Linear, branches: Branches) -> bool:
    """Whether the model hands out what its head does; asked for once a head, by a pass that leaves no trace."""
    if head not in _left_alone:
        device = branches.tokens_1T.device
        asked_V = torch.tensor(ASKED, device=device)[torch.arange(head.out_features, device=device) % len(ASKED)]
        one = replace(branches, predicting_N=branches.predicting_N.new_zeros(1))
        with torch.no_grad(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            given, output = _without_head(model, head, one, asked_V)
        answer = output.logits.flatten().float()
        _left_alone[head] = [len(states) for states in given] == [1] and torch.equal(answer, asked_V)
    return _left_alone[head]


def _without_head(
    model: nn.Module, head: nn.Linear, branches: Branches, handed: torch.Tensor, **more: Any
) -> tuple[list[torch.Tensor], Any]:
    """The states (N, H) that the head is given, as it would multiply them, and an output with other logits.

    Args:
        model: what is read.
        head: of the model, for this pass in name only.
        branches: what is read.
        handed: what the head hands out for each of the tokens.
        more: arguments of the model's forward.
    """
    given: list[torch.Tensor] = []

    def keep(states_1NH: torch.Tensor) -> torch.Tensor:
        kind = states_1NH.device.type
        if torch.is_autocast_enabled(kind) and states_1NH.dtype != torch.float64:
            states_1NH = states_1NH.to(torch.get_autocast_dtype(kind))
        given.append(states_1NH[0])
        return handed.to(states_1NH.dtype).expand(*states_1NH.shape[:-1], -1)

    head.forward = keep  # type: ignore[method-assign,assignment]
    try:
        output = read(model, branches, logits_to_keep=branches.predicting_N, **more)
    finally:
        del head.forward
    return given, output
