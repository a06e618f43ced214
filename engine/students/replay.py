"""Replay: the student also learns what the untouched model says to other prompts, so that it does not unlearn it.

    behind a step's questions, T gradient tokens:   owed += T · share / (1 - share)
    while owed > 0:                                 the next item, r tokens;  owed -= r
    loss of the step, R tokens replayed:            T/(T+R) · method's loss + R/(T+R) · a replayed token's mean loss

Self-replay (arXiv:2605.26097; SA-SFT, arXiv:2602.20162) of answers that the model gives to the training instruction
around other questions: there the form is lost, and chat answers do not bring it back. Items count as gradient
tokens. The n-th item is a function of seed and n alone, so all methods of a seed replay the same ones in the same
order, however their questions are cut into steps.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch
from torch import nn

from offbook.engine.students.branches import lay_out_questions
from offbook.engine.students.paths import Response
from offbook.engine.students.predictions import QuestionSums, predict


@dataclass(frozen=True, kw_only=True)
class ReplayItem:
    """An answer of the untouched model, as token ids.

    Attributes:
        id: of the prompt.
        prompt: with whatever the chat template puts around it.
        tokens: the answer, with the token that ended it.
        question: what was asked, without the words around it; what is learned from is written down by it.
    """

    id: str
    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    question: str = ""

    @property
    def rows(self) -> int:
        """How many a forward pass reads of it."""
        return len(self.prompt) + len(self.tokens) - 1


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What is replayed: items, their share of the gradient tokens, and the seed of their order."""

    items: tuple[ReplayItem, ...]
    share: float
    seed: int

    def __post_init__(self) -> None:
        """Refuses what cannot be replayed; see `with_replay`."""
        if not (self.items and 0 < self.share < 1):
            msg = (
                f"expected items to replay and a share above 0 and below 1, got {len(self.items)} items and "
                f"{self.share:g}; give the job its `replay`, or set replay to 0"
            )
            raise ValueError(msg)

    def item(self, number: int) -> ReplayItem:
        """The item that is replayed as the `number`-th, from 0: round by round, each round in an order of its own."""
        round_, place = divmod(number, len(self.items))
        order = Random(f"{self.seed}/replay/{round_}").sample(range(len(self.items)), len(self.items))
        return self.items[order[place]]

    def owed(self, tokens: int) -> float:
        """How many tokens are to be replayed for so many of questions."""
        return tokens * self.share / (1 - self.share)

    def due(self, owed: float, drawn: int) -> list[ReplayItem]:
        """The next items until nothing is owed, `drawn` of them having been replayed before."""
        items: list[ReplayItem] = []
        while owed > 0:
            items.append(self.item(drawn + len(items)))
            owed -= len(items[-1].tokens)
        return items


def replay_loss(student: nn.Module, items: Sequence[ReplayItem], weight: float) -> QuestionSums:
    """Cross-entropy of all tokens of some items, in nats, summed and weighed; inside of `branch_attention`."""
    laid = [(item.prompt, [Response(tokens=item.tokens, answer=())]) for item in items]
    branches = lay_out_questions(laid, next(student.parameters()).device)
    weights_N = torch.full((branches.starts[-1],), weight, device=branches.targets_N.device)
    return predict(student, branches).question_losses(branches, weights_N)


def items_sha256(items: Sequence[ReplayItem]) -> str:
    """Hash of all items in their order, which decides what is drawn."""
    content = [[item.id, list(item.prompt), list(item.tokens)] for item in items]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
