"""The objective of methods that learn from chosen paths alike: the mean over them of the mean loss of a token."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from offbook.engine.students.branches import lay_out_questions, mean_weights, rows_of
from offbook.engine.students.objective import PackedLoss, QuestionLosses
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
        choose: of a question, once whenever it is met.
        visits: counted behind every step and logged, for a `choose` that depends on them; None: not counted.
    """
    chosen: dict[int, Sequence[int]] = {}  # of questions whose rows were asked for and that were not read yet

    def rows(question: int, done: float) -> int:
        paths = questions[question]
        chosen[question] = choose(paths)
        return rows_of(paths.prompt, paths.some(chosen[question]))

    def together(student: nn.Module, some: Sequence[int], done: float) -> QuestionLosses:
        paths = [questions[question] for question in some]
        picks = [chosen.pop(question) if question in chosen else choose(questions[question]) for question in some]
        assert all(picks)
        laid = [(of.prompt, of.some(pick)) for of, pick in zip(paths, picks, strict=True)]
        branches = lay_out_questions(laid, next(student.parameters()).device)
        found = predict(student, branches).question_losses(branches, mean_weights(branches))
        return QuestionLosses(
            loss=found.loss,
            questions=[
                QuestionLoss(
                    loss=found.questions[place],
                    gradient_tokens=sum(len(response.tokens) for response in laid[place][1]),
                    sequences=[f"{paths[place].id}/{k}" for k in pick],
                    memory=question if visits is not None else None,
                )
                for place, (question, pick) in enumerate(zip(some, picks, strict=True))
            ],
        )

    loss = PackedLoss(together=together, rows=rows)
    if visits is None:
        return Objective(questions=len(questions), loss=loss)

    def after_step(memories: Sequence[Any]) -> Mapping[str, float]:
        visits.count(memories)
        return {"visits": visits.mean}

    return Objective(questions=len(questions), loss=loss, after_step=after_step, state=(visits,))
