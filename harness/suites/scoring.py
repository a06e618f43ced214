"""Scores of answers, by lm-eval's own filters and metrics: the suite is replayed to it with the answers filled in."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import lm_eval.models  # noqa: F401  # before any subclass is registered, or lm-eval forgets its own models
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from offbook.engine.quoting import quoted
from offbook.harness.records.accuracy import is_accuracy
from offbook.harness.suites.requests import Asked, Renderer, check_same_documents, evaluate
from offbook.harness.suites.suite import PREFIX
from offbook.tasks.prompts import sandbox

CODE = f"{PREFIX}code"


def score(asked: Asked, target: Renderer, texts: Mapping[int, str]) -> dict[int, dict[str, float]]:
    """Metrics of each answer by doc_id, then by metric name ("metric,filter" where a task has several filters).

    Only what is one finite number a document is returned; corpus metrics have none.

    Raises:
        ValueError: documents without an answer.
        TaskError: the task's filters, metrics or functions raise, or its documents are others than were asked.
    """
    expected = {request.doc_id: request.doc_hash for request in asked.requests}
    if texts.keys() != expected.keys():
        msg = (
            f"suite {asked.suite.name!r}: expected answers to {len(expected)} documents, got {len(texts)}; answer all "
            "that were asked"
        )
        raise ValueError(msg)
    samples = evaluate(
        Replay(target, texts),
        asked.suite,
        asked.suite.task(),
        limit=len(expected),
        chat_template=asked.chat_template,
    )
    check_same_documents(asked, {int(sample["doc_id"]): sample["doc_hash"] for sample in samples})
    several = len({sample["filter"] for sample in samples}) > 1
    scores: dict[int, dict[str, float]] = {doc_id: {} for doc_id in expected}
    for sample in samples:
        doc_id = int(sample["doc_id"])
        with asked.suite.blamed(f"lm-eval to score the answer to document {doc_id}"):
            check_metric_names(sample["metrics"])
        for metric in sample["metrics"]:
            value = number(sample[metric])
            if value is not None:
                scores[doc_id][f"{metric},{sample['filter']}" if several else metric] = value
    return scores


def main_metric(scores: Mapping[int, Mapping[str, float]], suite: str) -> str:
    """The score that stands for a suite: its first metric that every document has.

    Raises:
        ValueError: there is none.
    """
    found = {metric: sum(metric in row for row in scores.values()) for row in scores.values() for metric in row}
    for metric, documents in found.items():
        if documents == len(scores):
            return metric
    got = ", ".join(f"{metric} of {documents} of {len(scores)} documents" for metric, documents in found.items())
    got = got or "none"
    msg = f"suite {quoted(suite)}: expected a metric with one number a document, got {got}; choose another suite"
    raise ValueError(msg)


def not_scored(suite: str, metric: str) -> str:
    """Why a suite that asks for code has another score than accuracy: its answers are run in a sandbox or not at all.

    The empty string where that is not so.
    """
    if suite != CODE or is_accuracy(metric):
        return ""
    return sandbox.unavailable() or "the sandbox could not be started for some of the answers"


class Replay(LM):  # type: ignore[misc]  # lm-eval ships no types
    """Answers each document with the text it was given."""

    def __init__(self, target: Renderer, texts: Mapping[int, str]) -> None:
        super().__init__()
        self.target = target
        self.texts = texts

    def generate_until(self, requests: list[Instance]) -> list[str]:
        """See lm-eval's `LM`."""
        return [self.texts[int(request.doc_id)] for request in requests]

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Never called: suites that score are refused before."""
        raise NotImplementedError

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        """Never called: suites that score are refused before."""
        raise NotImplementedError

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """See lm-eval's `LM`."""
        return self.target.render_chat(chat_history, add_generation_prompt=add_generation_prompt)

    @property
    def tokenizer_name(self) -> str:
        """Names lm-eval's request caches, which are not used here."""
        return self.target.name


def check_metric_names(names: Iterable[Any]) -> None:
    """Refuses metrics without a name in words.

    Raises:
        TypeError: the first.
    """
    for name in names:
        if not isinstance(name, str):
            msg = f"process_results gave a metric named {quoted(name)}, expected names in quotes"
            raise TypeError(msg)


def number(value: Any) -> float | None:
    """A metric's value as one finite number; None where it is none. Digits in quotes are none: they have no mean."""
    if isinstance(value, str | bytes | bytearray):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
