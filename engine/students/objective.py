"""What a method adds to the training loop: a loss of each question, and what else it learns and remembers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from offbook.engine.resuming.held import Stateful
from offbook.engine.students.companion import Companion
from offbook.engine.students.packing import packs
from offbook.engine.students.replay import Replay, ReplayItem


@dataclass(frozen=True, kw_only=True)
class QuestionLoss:
    """What a method makes of one question.

    Attributes:
        loss: scalar with gradient, a mean over this question; without one in a `QuestionLosses`.
        gradient_tokens: response tokens that it differentiates.
        sequences: names of the responses these tokens belong to.
        log: numbers worth keeping, averaged over the step's questions.
        memory: what `Objective.after_step` is to know of this question; it travels between processes.
    """

    loss: torch.Tensor
    gradient_tokens: int
    sequences: Sequence[str]
    log: Mapping[str, float] = field(default_factory=dict)
    memory: Any = None


@dataclass(frozen=True, kw_only=True)
class QuestionLosses:
    """What a method makes of several questions, read in one pass.

    Attributes:
        loss: scalar with gradient, the sum of the questions' losses.
        questions: of each, in their order.
    """

    loss: torch.Tensor
    questions: Sequence[QuestionLoss]


@dataclass(frozen=True, kw_only=True)
class PackedLoss:
    """An `Objective.loss` that can read several questions in one pass; see `packing.py`.

    Attributes:
        together: student, questions' indices and share of the budget spent -> their losses.
        rows: question's index and share of the budget spent -> rows that such a pass reads of it.
    """

    together: Callable[[nn.Module, Sequence[int], float], QuestionLosses]
    rows: Callable[[int, float], int]

    def __call__(self, student: nn.Module, question: int, done: float) -> QuestionLoss:
        """The loss of a single question."""
        found = self.together(student, [question], done)
        return replace(found.questions[0], loss=found.loss)


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A method, as the loop sees it.

    Attributes:
        questions: how many there are.
        loss: student, question's index and share of the budget spent -> its loss; of a `PackedLoss`, several are read
            in one pass.
        after_step: is called behind every optimiser step with the memories of its questions, in every process with all
            of them; returns numbers worth keeping.
        state: what is saved beside the weights, such as a network and optimiser of its own.
        companion: what the loop itself trains with the student.
        replay: what the loop has the student learn beside the questions.
    """

    questions: int
    loss: Callable[[nn.Module, int, float], QuestionLoss]
    after_step: Callable[[Sequence[Any]], Mapping[str, float]] = lambda memories: {}
    state: Sequence[Stateful] = ()
    companion: Companion | None = None
    replay: Replay | None = None

    def packs(self, questions: Sequence[tuple[int, int]], done: float) -> list[list[tuple[int, int]]]:
        """Questions, each behind its place in a step, cut into those that are read in one pass."""
        loss = self.loss
        if not isinstance(loss, PackedLoss):
            return [[question] for question in questions]
        return packs(questions, lambda placed: loss.rows(placed[1], done))

    def read(self, student: nn.Module, questions: Sequence[int], done: float) -> QuestionLosses:
        """The losses of questions that are read in one pass."""
        if isinstance(self.loss, PackedLoss):
            return self.loss.together(student, questions, done)
        (question,) = questions
        found = self.loss(student, question, done)
        return QuestionLosses(loss=found.loss, questions=[found])

    @property
    def alone(self) -> float:
        """Share of the budget, from its beginning, in which the companion alone is trained."""
        return 0.0 if self.companion is None else self.companion.alone


def with_replay(objective: Objective, items: Sequence[ReplayItem], share: float, *, seed: int) -> Objective:
    """The same method, with items replayed until they have their share of the gradient tokens.

    Raises:
        ValueError: no items, or a share that leaves no question.
    """
    return replace(objective, replay=Replay(items=tuple(items), share=share, seed=seed))
