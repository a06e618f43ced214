"""What can be known of a suite before any model works: its prompts fit, its documents stay, its metric is a number.

Found after the last answer, either would cost as much as all of them. The metric is tried on each document's own right
answer, since a task may fail at a later document only; what it makes of an empty answer says nothing about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean

from offbook.engine.context import check_fit
from offbook.engine.quoting import quoted
from offbook.harness.roster.target import Target
from offbook.harness.suites.requests import Asked, ask, build_requests, check_same_documents, doc_hash
from offbook.harness.suites.scoring import check_metric_names, number, score
from offbook.harness.suites.suite import Suite
from offbook.tasks.blame import TaskError
from offbook.tasks.build import quiet

TRIED = ("1", "")  # where no right answer can be scored
SCORED = "lm-eval to score its answers"


def rehearse(
    suite: Suite,
    target: Target,
    *,
    limit: int | None,
    max_new_tokens: int | None,
    chat_template: bool | None = None,
) -> None:
    """Refuses a suite that would be refused when its heat is planned; for what has to be made before that.

    Args:
        suite: what will be asked.
        target: of whom.
        limit: how many documents, from the suite's first; None for all.
        max_new_tokens: cap on each answer; None for each document's own.
        chat_template: whether prompts go through the chat template; by default where there is one.

    Raises:
        ValueError: see `ask`, `check_prompts` and `check_metric`.
    """
    chat = target.has_chat_template if chat_template is None else chat_template
    asked = ask(suite, target, limit=limit, chat_template=chat)
    check_prompts(asked, target, max_new_tokens=max_new_tokens)
    check_metric(asked, target)


def check_prompts(asked: Asked, target: Target, *, max_new_tokens: int | None = None) -> None:
    """Refuses a suite with a document that does not fit the model's context with its answer.

    Args:
        asked: the suite's documents.
        target: the model.
        max_new_tokens: cap on each answer; the documents' own by default.

    Raises:
        ValueError: the first such document, and its length; or a text that the tokenizer cannot encode.
    """
    name = asked.suite.name
    check_fit(
        (
            (
                f"suite {quoted(name)}, document {request.doc_id}",
                len(target.encode(request.prompt, templated=asked.chat_template)),
                max_new_tokens or request.max_new_tokens,
            )
            for request in asked.requests
        ),
        target.backbone.context_length,
        remedy="lower --max-new-tokens, take fewer documents with --limit, or choose a model with a longer context",
    )


def check_metric(asked: Asked, target: Target) -> bool:
    """Refuses a suite none of whose metrics is one number a document, or that cannot score a document's right answer.

    A task may score nothing but answers of the form that it asks its models for, so that its own code raises at every
    right answer as it stands in the documents. One that scores some of them has to score all.

    Returns:
        Whether an answer could be scored. The task's own code may raise at all that are tried and still score a
        model's; the first real answer tells.

    Raises:
        ValueError: no metric is a number, or none for one of the right answers.
        TaskError: lm-eval cannot score the suite, whatever the answer, or the task's own code one of the right answers;
            or its documents are others each time that it is built.
    """
    suite = asked.suite
    stage = _Stage(asked, target)
    outcomes = [outcome for instance in stage.instances if (outcome := stage.score_right(instance)) is not None]
    if any(outcome.numbers for outcome in outcomes):
        _check_all(suite, outcomes)
        return True
    values: dict[str, Any] = {}
    undecided = any(outcome.error for outcome in outcomes)
    for outcome in (*outcomes[:1], *(stage.score(stage.instances[0], answer) for answer in TRIED)):
        if outcome.numbers:
            return True
        undecided |= outcome.error is not None
        values |= outcome.values
    if undecided and not values:
        return False
    msg = (
        f"suite {quoted(suite.name)}: expected a metric with one number a document, got {_shown(values)}; choose "
        "another suite, or a metric that scores each document"
    )
    raise ValueError(msg)


def check_first_answer(asked: Asked, target: Target, text: str) -> None:
    """Scores the first document's answer, so that a task that cannot score it is told before the others are answered.

    Raises:
        TaskError: the task's own code raises.
    """
    first = asked.requests[:1]
    score(replace(asked, requests=first), target, {first[0].doc_id: text})


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What the task makes of an answer: values by metric, or the error that its own code raised."""

    doc_id: int
    values: Mapping[str, Any] = field(default_factory=dict)
    error: TaskError | None = None

    @property
    def numbers(self) -> set[str]:
        """Metrics of which it is one finite number."""
        return {metric for metric, value in self.values.items() if number(value) is not None}


class _Stage:
    """The suite's task with its documents, built once; answers are scored on it one by one."""

    def __init__(self, asked: Asked, target: Target) -> None:
        self.suite = asked.suite
        self.task = self.suite.task()
        with self.suite.blamed(SCORED), quiet():
            build_requests(self.task, target, limit=len(asked.requests), chat_template=asked.chat_template)
            hashes = {int(instance.doc_id): doc_hash(instance.doc) for instance in self.task.instances}
        check_same_documents(asked, hashes)
        self.instances: list[Instance] = sorted(self.task.instances, key=lambda instance: int(instance.doc_id))
        self.libraries = False

    def score_right(self, instance: Instance) -> _Outcome | None:
        """The outcome of a document's own right answer; None where it has none in so many words.

        Raises:
            TaskError: lm-eval cannot score it.
        """
        wanted = f"lm-eval to score the right answer of document {instance.doc_id}"
        with self.suite.blamed(wanted), quiet():
            answer = self._right(instance.doc)
        return self.score(instance, answer, wanted=wanted) if answer.strip() else None

    def score(self, instance: Instance, answer: str, *, wanted: str = SCORED) -> _Outcome:
        """The outcome of an answer; corpus metrics as they are.

        Raises:
            TaskError: lm-eval cannot score it.
        """
        values: dict[str, Any] = {}
        try:
            with self.suite.blamed(wanted), quiet():
                instance.resps, instance.filtered_resps = [answer], {}
                self.task._instances = [instance]
                self.task.apply_filters()
                for name, filtered in instance.filtered_resps.items():
                    found = self.task.process_results(instance.doc, [filtered])
                    if not isinstance(found, Mapping):
                        msg = f"process_results gave {quoted(found)}, expected numbers by metric: {{name: number}}"
                        raise TypeError(msg)
                    check_metric_names(found)
                    self._check_libraries(found)
                    if wanted != SCORED:
                        self._check_means(found)
                    several = len(instance.filtered_resps) > 1
                    values |= {f"{metric},{name}" if several else metric: value for metric, value in found.items()}
        except TaskError as error:
            if not error.own_code:
                raise
            return _Outcome(doc_id=int(instance.doc_id), error=error)
        return _Outcome(doc_id=int(instance.doc_id), values=values)

    def _right(self, doc: Any) -> str:
        """A document's right answer, the first where several are; "" where it has none."""
        right = self.task.doc_to_target(doc)
        if isinstance(right, list):
            right = right[0] if right else None
        if isinstance(right, int) and self.task.config.doc_to_choice is not None:
            right = self.task.doc_to_choice(doc)[right]
        return "" if right is None else str(right)

    def _check_means(self, found: Mapping[str, Any]) -> None:
        """Raises TypeError where lm-eval could not take a metric's mean, of which it is told beside a number."""
        if all(number(value) is None for value in found.values()):
            return
        for metric, value in found.items():
            if self.task.aggregation().get(metric, mean) is mean:
                try:
                    mean([value])
                except Exception:
                    msg = f"process_results gave {metric} = {quoted(value)}, of which lm-eval can take no mean"
                    raise TypeError(msg) from None

    def _check_libraries(self, found: Mapping[str, Any]) -> None:
        """Raises ImportError where an aggregation lacks its library; what else it makes of one value says nothing."""
        if self.libraries:
            return
        for metric in found.keys() & self.task.aggregation().keys():
            try:
                self.task.aggregation()[metric]([found[metric]])
            except ImportError:
                raise
            except Exception:
                continue
        self.libraries = True


def _check_all(suite: Suite, outcomes: Sequence[_Outcome]) -> None:
    """Refuses a suite of which one right answer is not scored as the others are.

    Raises:
        TaskError: the task's own code raises.
        ValueError: no metric is a number for all of them.
    """
    shared = set().union(*(outcome.numbers for outcome in outcomes))
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
        shared &= outcome.numbers
        if not shared:
            where = "" if suite.file is None else f"; mend {suite.file}"
            msg = (
                f"suite {quoted(suite.name)}: expected one number for the right answer of document {outcome.doc_id}, "
                f"as for the others, got {_shown(outcome.values)}{where}"
            )
            raise ValueError(msg)


def _shown(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{metric} = {quoted(value)}" for metric, value in values.items()) or "none"
