"""What a suite asks, as lm-eval builds it: prompts, stop strings, caps, and the hash of every document.

A suite is one generating lm-eval task. lm-eval renders the documents (few-shot, chat template and all) for a model
that writes them down and answers nothing; the same task later scores the answers (`harness.suites.scoring`).
"""

import contextlib
import difflib
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import lm_eval
import lm_eval.models  # before any subclass is registered, or lm-eval forgets its own models
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager
from lm_eval.utils import handle_non_serializable, hash_string

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.quoting import quoted
from offbook.harness.records.hashing import canonical_sha256
from offbook.tasks import TASKS_PATH
from offbook.tasks.blame import TaskError
from offbook.tasks.build import blamed_in, build, quiet
from offbook.tasks.generation_settings import generation_settings
from offbook.tasks.groups import is_group, members
from offbook.tasks.index import task_index
from offbook.tasks.lm_eval_names import lm_eval_names
from offbook.tasks.source import origin_of
from offbook.tasks.task_files import check_declared_once, passed_over

PREFIX = "offbook_"
FEWSHOT_SEED = 1234  # lm-eval's own


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
    "" is alone; `choices` counts the answers that it names to choose from. Both are known of offbook's own suites only.
    """

    doc_id: int
    doc_hash: str
    prompt: str
    stop_strings: tuple[str, ...]
    max_new_tokens: int
    sampling: Sampling
    cluster: str = ""
    choices: int | None = None


@dataclass(frozen=True, kw_only=True)
class Suite:
    """An lm-eval task and how to build it again.

    Attributes:
        name: of the task; `group::task` for one that its group asks otherwise than its own file does.
        manager: lm-eval's index in which it was found.
        group: the name that builds such a task, or one that is defined inside of a group.
        member: lm-eval's name of it there.
    """

    name: str
    manager: TaskManager
    group: str | None = None
    member: str | None = None

    @property
    def of_offbook(self) -> bool:
        """Whether its documents are those of one of offbook's suites."""
        return (self.member or self.name).startswith(PREFIX)

    def task(self) -> Any:
        """The task, built anew (lm-eval keeps requests and answers inside of it).

        Raises:
            TaskError: it cannot be built.
        """
        task = build(self.group or self.name, self.manager)[self.member or self.name]
        if task.get_config("num_fewshot") is None:
            task.set_config(key="num_fewshot", value=0)
        task.set_fewshot_seed(seed=FEWSHOT_SEED)
        return task

    @property
    def file(self) -> Path | None:
        """Its task file, or its group's; None for a suite without one."""
        entry = self.manager.task_index.get(self.group or self.name)
        path: Path | None = None if entry is None else entry.yaml_path
        return path

    def blamed(self, wanted: str) -> contextlib.AbstractContextManager[None]:
        """Errors inside are this suite's; see `tasks.blame`."""
        return blamed_in(self.manager, self.name, wanted, declared=self.group)


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


def suite_names() -> list[str]:
    """Offbook's own suites, by the names that `--tasks` takes."""
    names = _own_manager().all_subtasks
    return sorted(name.removeprefix(PREFIX) for name in names)


def find_suites(
    names: Sequence[str], *, include_path: Path | None = None, say: Callable[[str], object] = lambda _: None
) -> list[Suite]:
    """Suites by name: offbook's (with or without `offbook_`), or any lm-eval task; a group stands for its tasks.

    Args:
        names: what to find.
        include_path: another folder of task files.
        say: is told before lm-eval's own index is built, which takes long; a name that is no word in its task files is
            refused without. Also where the documents of a published data set come from.

    Raises:
        SuiteUnavailableError: a data set or a library of one of offbook's suites is not there.
        TaskError: a suite that cannot be built.
        ValueError: no such task (the nearest name is suggested), or one that two files declare.
    """
    manager = _own_manager(include_path)
    if strangers := [name for name in names if _full(name, manager) not in manager.all_tasks]:
        for name in strangers:
            if include_path is not None and name and (reason := passed_over(include_path, name)) is not None:
                msg = f"suite {quoted(name)}: {reason}"
                raise TaskError(msg)
            if name not in lm_eval_names():
                raise ValueError(_unknown(name, sorted(lm_eval_names())))
        say(f"looking for {quoted(strangers[0])} among lm-eval's own tasks, which takes up to half a minute")
        manager = _whole_manager(include_path)
    suites: dict[str, Suite] = {}
    for name in names:
        found = _full(name, manager)
        if found not in manager.all_tasks:
            raise ValueError(_unknown(name, manager.all_tasks))
        if include_path is not None:
            check_declared_once(include_path, [found])
        built = build(found, manager)
        for origin in filter(None, (origin_of(task.eval_docs) for task in built.values())):
            say(origin)
        suites |= {suite.name: suite for suite in _suites(found, list(built), manager)}
    return list(suites.values())


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
        fingerprint = _with_limits(_fingerprint(task), requests)
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


def _suites(name: str, built: Sequence[str], manager: TaskManager) -> list[Suite]:
    """The suites that the tasks of a name are."""
    differ = {m.name: m for m in members(name, manager) if m.differs} if is_group(name, manager) else {}
    suites = []
    for task in built:
        if task not in differ:
            suites.append(Suite(name=task, manager=manager))
        else:
            full = task if differ[task].task is None else f"{name}::{task}"
            suites.append(Suite(name=full, manager=manager, group=name, member=task))
    return suites


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
    return Request(
        doc_id=int(instance.doc_id),
        doc_hash=doc_hash(instance.doc),
        prompt=prompt,
        stop_strings=settings.stop_strings,
        max_new_tokens=settings.max_new_tokens,
        sampling=settings.sampling,
        cluster=str(instance.doc.get("cluster", "")) if suite.of_offbook else "",
        choices=_choices(instance.doc) if suite.of_offbook else None,
    )


def _choices(doc: dict[str, Any]) -> int:
    """How many answers a document of offbook's suites names; yes and no need no list."""
    named = doc.get("choices")
    if isinstance(named, list) and named:
        return len(named)
    return 2 if str(doc.get("answer")).lower() in ("yes", "no") else 0


def _fingerprint(task: Any) -> str:
    """Hash of what the task asks and how it scores: configuration, source of its functions, every document."""
    config = {
        key: _plain(value)
        for key, value in sorted(task.config.to_dict(keep_callable=True).items())
        if key not in ("metadata", "custom_dataset", "dataset_path", "dataset_kwargs")  # paths; documents are hashed
    }
    documents = hashlib.sha256("\n".join(repr(sorted(doc.items())) for doc in task.eval_docs).encode()).hexdigest()
    return canonical_sha256({"config": config, "version": str(task.VERSION), "documents": documents})


def _with_limits(fingerprint: str, requests: Sequence[Request]) -> str:
    """The fingerprint, joined by each document's limits where the documents have not all the same."""
    limits = [(request.max_new_tokens, request.stop_strings) for request in requests]
    if len(set(limits)) <= 1:
        return fingerprint  # a cell's specification holds them
    return canonical_sha256({"task": fingerprint, "limits": limits})


def _described(sampling: Sampling) -> str:
    if sampling.greedy:
        return "temperature 0"
    cuts = [f"top_k {sampling.top_k}"] * (sampling.top_k > 0) + [f"top_p {sampling.top_p:g}"] * (sampling.top_p < 1)
    return ", ".join([f"temperature {sampling.temperature:g}", *cuts])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if callable(value):
        try:
            return inspect.getsource(value)
        except (OSError, TypeError):
            return getattr(value, "__qualname__", type(value).__name__)
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _own_manager(include_path: Path | None = None) -> TaskManager:
    return task_index(_folders(include_path))


def _whole_manager(include_path: Path | None) -> TaskManager:
    return task_index(_folders(include_path), defaults=True)


def _folders(include_path: Path | None) -> list[Path]:
    return [TASKS_PATH] if include_path is None else [TASKS_PATH, include_path]


def _full(name: str, manager: TaskManager) -> str:
    return PREFIX + name if PREFIX + name in manager.all_tasks else name


def _unknown(name: str, known: Sequence[str]) -> str:
    own = suite_names()
    near = difflib.get_close_matches(name.removeprefix(PREFIX), [*own, *known], n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"no suite {quoted(name)}{hint}: expected one of {', '.join(own)}, or the name of an lm-eval task"
