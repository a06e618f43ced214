"""What can be known of a suite before any model works: that its prompts fit, and that its metric is a number.

Found after the last answer, either would throw away all of them. The metric is tried on the first document's own right
answer; what a task makes of an empty answer says nothing about it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from offbook.engine.context import check_fit
from offbook.harness.requests import Asked, Suite, ask, build_requests
from offbook.harness.scoring import number, score
from offbook.harness.target import Target
from offbook.tasks.blame import TaskError
from offbook.tasks.build import quiet

TRIED = ("1", "")  # where the right answer cannot be scored


def rehearse(suite: Suite, target: Target, *, limit: int | None, max_new_tokens: int) -> None:
    """Refuses a suite that would be refused when its heat is planned; for what has to be trained before that.

    Raises:
        ValueError: see `ask`, `check_prompts` and `check_metric`.
    """
    asked = ask(suite, target, limit=limit, chat_template=target.has_chat_template)
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
                f"suite {name!r}, document {request.doc_id}",
                len(target.encode(request.prompt, templated=asked.chat_template)),
                max_new_tokens or request.max_new_tokens,
            )
            for request in asked.requests
        ),
        target.backbone.context_length,
        remedy="lower --max-new-tokens, take fewer documents with --limit, or choose a model with a longer context",
    )


def check_metric(asked: Asked, target: Target) -> bool:
    """Refuses a suite none of whose metrics is one number a document, such as a corpus metric.

    Returns:
        Whether an answer could be scored. The task's own code may raise at all that are tried and still score a
        model's; the first real answer tells.

    Raises:
        ValueError: no metric is a number.
        TaskError: lm-eval cannot score the suite, whatever the answer.
    """
    suite = asked.suite
    values: dict[str, Any] = {}
    undecided = False
    for answer in (*_right(suite), *TRIED):
        try:
            found = _score(asked, target, answer)
        except TaskError as error:
            if not error.own_code:
                raise
            undecided = True
            continue
        if any(number(value) is not None for value in found.values()):
            return True
        values |= found
    if undecided and not values:
        return False
    shown = ", ".join(f"{metric} = {value!r:.40}" for metric, value in values.items()) or "none"
    msg = (
        f"suite {suite.name!r}: expected a metric with one number a document, got {shown}; choose another suite, "
        "or a metric that scores each document"
    )
    raise ValueError(msg)


def check_first_answer(asked: Asked, target: Target, text: str) -> None:
    """Scores the first document's answer, so that a task that cannot score it is told before the others are answered.

    Raises:
        TaskError: the task's own code raises.
    """
    first = asked.requests[:1]
    score(replace(asked, requests=first), target, {first[0].doc_id: text})


def _score(asked: Asked, target: Target, answer: str) -> dict[str, Any]:
    """What the task makes of an answer to its first document, by metric; corpus metrics as they are."""
    task = asked.suite.task()
    values: dict[str, Any] = {}
    with asked.suite.blamed("lm-eval to score its answers"), quiet():
        build_requests(task, target, limit=1, chat_template=asked.chat_template)
        (instance,) = task.instances
        instance.resps.append(answer)
        task.apply_filters()
        for filtered in instance.filtered_resps.values():
            found = task.process_results(instance.doc, [filtered])
            if not isinstance(found, Mapping):
                msg = f"process_results gave {found!r:.40}, expected numbers by metric: {{name: number}}"
                raise TypeError(msg)
            values |= found
        for metric in values.keys() & task.aggregation().keys():
            _check_library(task.aggregation()[metric], values[metric])
    return values


def _check_library(aggregate: Any, value: Any) -> None:
    """Raises ImportError where an aggregation lacks its library; what else it makes of one value says nothing."""
    try:
        aggregate([value])
    except ImportError:
        raise
    except Exception:
        return


def _right(suite: Suite) -> list[str]:
    """The first document's right answer, if it has one in so many words."""
    task = suite.task()
    with suite.blamed("the right answer of its first document"):
        target = task.doc_to_target(task.eval_docs[0])
    if isinstance(target, list):
        target = target[0] if target else None
    return [] if target is None else [str(target)]
