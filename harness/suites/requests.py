"""What a suite asks, as lm-eval builds it: prompts, stop strings, caps, and the hash of every document.

A suite is one generating lm-eval task. lm-eval renders the documents (few-shot, chat template and all) for a model
that writes them down and answers nothing; the same task later scores the answers (`harness.suites.scoring`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import lm_eval
import lm_eval.models  # before any subclass is registered, or lm-eval forgets its own models
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.utils import handle_non_serializable, hash_string

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.quoting import quoted
from offbook.harness.suites.fingerprint import task_fingerprint, with_limits
from offbook.harness.suites.suite import Suite
from offbook.tasks.blame import TaskError
from offbook.tasks.build import quiet
from offbook.tasks.choice_question import ChoiceQuestion, choice_question
from offbook.tasks.generation_settings import generation_settings


class Renderer(Protocol):
    """What a suite needs of a model (a `harness.roster.target.Target`) to write its prompts down."""

    @property
    def name(self) -> str:
        """Of the model."""
        ...

    def render_chat(self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool = True) -> str:
        """Turns as one text."""
        ...


@dataclass(frozen=True, kw_only=True)
class Request:
    """One document of a suite, ready to be answered.

    The cap, stop strings and `sampling` are what the task asks for this document. Documents of one `cluster` are alike,
    "" is alone; `choices` counts the answers that it names to choose from, and `question` is the question with them;
    `gold` is the right answer of one without choices. These are known of offbook's own suites only, else "" and None.
    `texts` are all texts of the document itself, without whatever is put around them to make a prompt.
    """

    doc_id: int
    doc_hash: str
    prompt: str
    stop_strings: tuple[str, ...]
    max_new_tokens: int
    sampling: Sampling
    cluster: str = ""
    choices: int | None = None
    question: ChoiceQuestion | None = None
    gold: str = ""
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A suite's requests, and what identifies its tasks and documents (with caps and stops, where these differ)."""

    suite: Suite
    requests: tuple[Request, ...]
    fingerprint: str
    chat_template: bool

    def not_done(self, sampling: Sampling) -> str | None:
        """What to tell people where the task asks for sampling and answers are drawn otherwise."""
        wanted = {request.sampling for request in self.requests} - {Sampling(), sampling}
        if not wanted:
            return None
        one = min(wanted, key=repr)
        return (
            f"{self.suite.name}: its task asks for sampling ({_described(one)}), answers here are drawn at "
            f"{_described(sampling)}: the run's own settings hold"
        )


def ask(suite: Suite, target: Renderer, *, limit: int | None = None, chat_template: bool = True) -> Asked:
    """The requests of a suite's first `limit` documents, rendered for this target.

    Raises:
        ValueError: a suite that does not generate, wants several answers a document or its answers to be run, or asks
            for settings of generation that no decoder does.
        TaskError: a document that cannot be asked.
    """
    task = suite.task()
    if task.OUTPUT_TYPE != "generate_until":
        msg = (
            f"suite {quoted(suite.name)}: expected a suite that generates text, got one of kind {task.OUTPUT_TYPE}, in "
            "which no decoder takes part; score it with `offbook lm-eval --model offbook`"
        )
        raise ValueError(msg)
    if type(task.config.repeats) is not int or task.config.repeats != 1:
        msg = (
            f"suite {quoted(suite.name)}: expected one answer a document, got repeats {quoted(task.config.repeats)}; "
            "run it with `offbook lm-eval --model offbook`"
        )
        raise ValueError(msg)
    for kind, wanted in (("MULTIMODAL", "text alone"), ("UNSAFE_CODE", "answers that are read, not run")):
        if getattr(task, kind, False):
            msg = (
                f"suite {quoted(suite.name)}: expected one of {wanted}, got one marked {kind.lower()}; choose another "
                "suite"
            )
            raise ValueError(msg)
    with suite.blamed("lm-eval to ask its documents"), quiet():
        build_requests(task, target, limit=limit, chat_template=chat_template)
        requests = sorted((_request(i, suite) for i in task.instances), key=lambda r: r.doc_id)
        fingerprint = with_limits(
            task_fingerprint(task), [(request.max_new_tokens, request.stop_strings) for request in requests]
        )
    if len({request.doc_id for request in requests}) < len(requests):
        msg = f"suite {quoted(suite.name)}: expected one request a document, got several; choose another suite"
        raise ValueError(msg)
    return Asked(
        suite=suite,
        requests=tuple(requests),
        fingerprint=fingerprint,
        chat_template=chat_template,
    )


def build_requests(task: Any, target: Renderer, *, limit: int | None, chat_template: bool) -> None:
    """Lets a task render its first `limit` documents for this target; they are in its `instances` then."""
    task.build_all_requests(
        limit=limit,
        apply_chat_template=chat_template,
        fewshot_as_multiturn=chat_template,
        chat_template=target.render_chat if chat_template else None,
    )


def doc_hash(doc: Any) -> str:
    """As lm-eval hashes a document in its samples."""
    text = json.dumps(doc, indent=2, default=handle_non_serializable, ensure_ascii=False)
    return str(hash_string(text))


def check_same_documents(asked: Asked, hashes: Mapping[int, str]) -> None:
    """Refuses a task that was built again with other documents, so that answers would be scored by those.

    Args:
        asked: as it was built first.
        hashes: of the documents now, by doc_id.

    Raises:
        TaskError: the first that differs.
    """
    before = {request.doc_id: request.doc_hash for request in asked.requests}
    if hashes != before:
        first = min(doc_id for doc_id in before.keys() | hashes.keys() if before.get(doc_id) != hashes.get(doc_id))
        where = "" if asked.suite.file is None else f"; mend {asked.suite.file}"
        msg = (
            f"suite {quoted(asked.suite.name)}: expected the same documents each time that its task is built, got "
            f"another document {first}: seed what shuffles or draws them{where}"
        )
        raise TaskError(msg)


def evaluate(model: LM, suite: Suite, task: Any, *, limit: int | None, chat_template: bool) -> list[dict[str, Any]]:
    """lm-eval's samples of one task: `simple_evaluate` without its caches, bootstrap and tour of the machine.

    Raises:
        TaskError: the task's filters, metrics or functions raise.
    """
    with suite.blamed("lm-eval to score its answers"), quiet():
        results = lm_eval.evaluate(
            lm=model,
            task_dict={"tasks": {suite.name: task}, "groups": {}, "group_map": {}},
            limit=limit,
            bootstrap_iters=0,
            log_samples=True,
            apply_chat_template=chat_template,
            fewshot_as_multiturn=chat_template,
        )
    samples: list[dict[str, Any]] = results["samples"][suite.name]
    return samples


def _request(instance: Instance, suite: Suite) -> Request:
    if instance.request_type != "generate_until" or not isinstance(instance.args[0], str):
        msg = f"expected a text to continue, got a request of kind {instance.request_type}"
        raise TypeError(msg)
    prompt, arguments = instance.args
    try:
        settings = generation_settings(arguments)
    except ValueError as error:
        msg = f"suite {quoted(suite.name)}: {error}"
        raise TaskError(msg) from error
    own = instance.doc if suite.of_offbook else {}
    question = choice_question(own)
    return Request(
        doc_id=int(instance.doc_id),
        doc_hash=doc_hash(instance.doc),
        prompt=prompt,
        stop_strings=settings.stop_strings,
        max_new_tokens=settings.max_new_tokens,
        sampling=settings.sampling,
        cluster=str(own.get("cluster", "")),
        choices=_named(question) if suite.of_offbook else None,
        question=question,
        gold=_gold(own) if question is None else "",
        texts=tuple(_texts(instance.doc)),
    )


def _texts(part: Any) -> Iterator[str]:
    """Every text in a document, however deep."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping | list | tuple):
        for inner in part.values() if isinstance(part, Mapping) else part:
            yield from _texts(inner)


def _named(question: ChoiceQuestion | None) -> int:
    """How many answers a question names; an open one may have choices that it does not name."""
    return 0 if question is None or not question.listed else len(question.choices)


def _gold(doc: Mapping[str, Any]) -> str:
    """The right answer to a `question`; "" where a document asks otherwise, or has none in words."""
    answer = doc.get("answer")
    return answer.strip() if "question" in doc and isinstance(answer, str) else ""


def _described(sampling: Sampling) -> str:
    if sampling.greedy:
        return "temperature 0"
    cuts = [f"top_k {sampling.top_k}"] * (sampling.top_k > 0) + [f"top_p {sampling.top_p:g}"] * (sampling.top_p < 1)
    return ", ".join([f"temperature {sampling.temperature:g}", *cuts])
