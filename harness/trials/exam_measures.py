"""What an exam measures beside a student's answers, once these are there: choices and right answers by likelihood.

Every question that names its choices is scored by likelihood, and by which choice its answer names; of a question in
distribution that names none, the right answer is scored behind the rationale that the student itself wrote.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from offbook.engine.progress import Progress
from offbook.harness.records.choice_scores import ChoiceScores
from offbook.harness.records.spent import spending
from offbook.harness.roster.target import Target
from offbook.harness.suites.likelihood import choice_scores, gold_nll
from offbook.harness.trials.paper import Paper


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Of one document; see `harness.records.exam.AnswerRow`."""

    by_choice: ChoiceScores | None = None
    gold_nll: float | None = None


def measure(
    paper: Paper, target: Target, texts: Mapping[tuple[str, int], str], title: str, progress: Progress
) -> dict[tuple[str, int], Measured]:
    """What is measured of each document, under the place of its suite and its doc_id; one pass of the model each.

    Args:
        paper: what was asked.
        target: who answered, with the tree attention selected.
        texts: its answers, as they were scored.
        title: for people.
        progress: is told how far it is.

    Raises:
        NotFiniteError: logits that are not finite.
    """
    chat, backbone = paper.chat_template, target.backbone
    encode = partial(target.encode, templated=chat)
    asked = list(paper.questions())
    found: dict[tuple[str, int], Measured] = {}
    with spending("forwards"):
        for done, (name, request) in enumerate(asked):
            progress.update(done, len(asked), title)
            if request.question is not None:
                scores = choice_scores(
                    backbone, encode, request.question, prompt=request.prompt, templated=chat, answer=texts[name]
                )
                found[name] = Measured(by_choice=scores)
            elif paper.asks_for_gold(name[0], request):
                nats = gold_nll(
                    backbone, encode, request.gold, prompt=request.prompt, templated=chat, answer=texts[name]
                )
                found[name] = Measured(gold_nll=nats)
            else:
                found[name] = Measured()
    return found
