"""The objective of methods that learn from chosen paths alike: the mean over them of the mean loss of a token."""

from collections.abc import Callable, Sequence

from torch import nn

from offbook.engine.students.branches import lay_out, mean_weights
from offbook.engine.students.paths import Paths
from offbook.engine.students.predictions import predict
from offbook.engine.students.train import Objective, QuestionLoss


def path_objective(questions: Sequence[Paths], choose: Callable[[Paths], Sequence[int]]) -> Objective:
    """Cross-entropy of the responses `choose` names (indices of a question's paths that are there)."""

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
        )

    return Objective(questions=len(questions), loss=loss)
