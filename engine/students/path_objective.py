"""The objective of methods that learn from chosen paths alike: the mean over them of the mean loss of a token."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from offbook.engine.students.branches import lay_out, mean_weights
from offbook.engine.students.paths import Paths
from offbook.engine.students.predictions import predict
from offbook.engine.students.train import Objective, QuestionLoss
from offbook.engine.students.visits import Visits


def path_objective(
    questions: Sequence[Paths], choose: Callable[[Paths], Sequence[int]], *, visits: Visits | None = None
) -> Objective:
    """Cross-entropy of the responses `choose` names (indices of a question's paths that are there).

    Args:
        questions: in the corpus's order.
        choose: of a question, whenever it is met.
        visits: counted behind every step and logged, for a `choose` that depends on them; None: not counted.
    """

    def loss(student: nn.Module, question: int, done: float) -> QuestionLoss:
        paths = questions[question]
        chosen = choose(paths)
        responses = [paths.responses[k] for k in chosen]
        present = [r for r in responses if r is not None]
        assert len(present) == len(chosen) > 0
        branches = lay_out(paths.prompt, present, next(student.parameters()).device)
        return QuestionLoss(
            loss=predict(student, branches).loss(branches.targets_N, mean_weights(branches)).loss,
            gradient_tokens=branches.starts[-1],
            sequences=[f"{paths.id}/{k}" for k in chosen],
            memory=question if visits is not None else None,
        )

    if visits is None:
        return Objective(questions=len(questions), loss=loss)

    def after_step(memories: Sequence[Any]) -> Mapping[str, float]:
        visits.count(memories)
        return {"visits": visits.mean}

    return Objective(questions=len(questions), loss=loss, after_step=after_step, state=(visits,))
