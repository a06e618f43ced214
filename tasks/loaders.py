"""Reads prompts from elsewhere: question files of FastChat and Spec-Bench, and the documents of any lm-eval task."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from offbook.engine.quoting import quoted
from offbook.engine.text import read_json_lines
from offbook.tasks import TASKS_PATH
from offbook.tasks.prompts import Prompt

if TYPE_CHECKING:
    from lm_eval.tasks import TaskManager


def load_question_file(path: str | Path) -> list[Prompt]:
    """Return the questions of a ``question.jsonl``, first turns only.

    A row has ``question_id`` or ``id``, and its text in ``turns`` (the first entry) or ``question``; ``category``, and
    ``reference`` or ``answer``, may be missing.

    Raises:
        ValueError: the file is missing or empty, or a row is not of this shape; the message names file and line.
    """
    path = Path(path)
    if not path.is_file():
        message = f"expected a question file; {path} does not exist or is no file; check the path"
        raise ValueError(message)
    prompts: list[Prompt] = []
    seen: dict[str, str] = {}
    for where, row in read_json_lines(path, what="a question file", remedy="correct or remove the line"):
        prompt = _question(row, where)
        if prompt.id in seen:
            message = f"expected each id once; {where} repeats id {quoted(prompt.id)} of {seen[prompt.id]}; rename one"
            raise ValueError(message)
        seen[prompt.id] = where.rpartition(", ")[2]
        prompts.append(prompt)
    if not prompts:
        message = f"expected one JSON object per line; {path} is empty; check that it was downloaded completely"
        raise ValueError(message)
    return prompts


def load_task_documents(
    task_name: str, include_path: str | Path | None = None, split: str | None = None, limit: int | None = None
) -> list[Prompt]:
    """Return the documents of an lm-eval task as prompts: the text rendered without shots, the answer as its target.

    offbook's tasks and those under `include_path` are looked up first; lm-eval's own index, which is slow to build,
    only if the name is not among them.

    Args:
        task_name: a single task, not a group.
        include_path: another folder of task files.
        split: ``train``, ``validation`` or ``test``; by default the split on which the task is evaluated.
        limit: how many documents to return, from the first; by default all.

    Raises:
        ValueError: there is no such task or split, or the limit is not positive.
        TaskError: the task cannot be built, or a document of it not be read.
    """
    if limit is not None and limit < 1:
        message = f"expected a limit of at least 1; got {limit}; pass None for all documents"
        raise ValueError(message)
    from offbook.tasks.build import blamed_in

    manager = _manager(task_name, include_path)
    task = _task(task_name, manager)
    documents = _documents(task, task_name, split)
    split = split or ("test" if task.has_test_docs() else "validation")
    count = len(documents) if limit is None else min(limit, len(documents))
    with blamed_in(manager, task_name, "lm-eval to read its documents"):
        return [
            Prompt(
                id=f"{task_name}-{split}-{number:03d}",
                category=task_name,
                split=split,
                prompt=str(task.doc_to_text(documents[number])),
                answer=_target(task, documents[number]),
            )
            for number in range(count)
        ]


def _question(row: Any, where: str) -> Prompt:
    wanted = 'expected {"question_id": ..., "category": ..., "turns": ["..."]}'
    remedy = "correct or remove the line"
    if not isinstance(row, dict):
        message = f"{wanted}; {where} is a JSON {type(row).__name__}; {remedy}"
        raise ValueError(message)
    identity = row.get("question_id", row.get("id"))
    if not isinstance(identity, int | str) or isinstance(identity, bool):
        message = f"{wanted}; {where} has neither question_id nor id; {remedy}"
        raise ValueError(message)
    turns = row.get("turns", [row.get("question")])
    if not isinstance(turns, list) or not turns or not isinstance(turns[0], str) or not turns[0].strip():
        message = f"{wanted}; {where} has no text in turns or question; {remedy}"
        raise ValueError(message)
    reference = row.get("reference", row.get("answer"))
    if isinstance(reference, list):
        reference = reference[0] if reference else None
    return Prompt(
        id=str(identity),
        category=str(row.get("category", "")),
        split="test",
        prompt=turns[0],
        answer="" if reference is None else str(reference),
    )


def _manager(task_name: str, include_path: str | Path | None) -> "TaskManager":
    """The smallest index in which a task may be."""
    from offbook.tasks.index import task_index
    from offbook.tasks.lm_eval_names import lm_eval_names

    folders = [TASKS_PATH] if include_path is None else [TASKS_PATH, Path(include_path)]
    manager = task_index(folders)
    if task_name not in manager.all_tasks and task_name in lm_eval_names():
        manager = task_index(folders, defaults=True)
    return manager


def _task(task_name: str, manager: "TaskManager") -> Any:
    from offbook.tasks.build import build

    if task_name not in manager.all_subtasks:
        found = "a group or tag" if task_name in manager.all_tasks else "no task of that name"
        message = (
            f"expected the name of one lm-eval task; found {found} for {quoted(task_name)}; pass one task, and "
            "include_path for tasks outside offbook and lm-eval"
        )
        raise ValueError(message)
    return build(task_name, manager)[task_name]


def _documents(task: Any, task_name: str, split: str | None) -> Any:
    if split is None:
        return task.eval_docs
    readers = {"train": task.training_docs, "validation": task.validation_docs, "test": task.test_docs}
    documents = readers[split]() if split in readers else None
    if documents is None:
        offered = [name for name, read in readers.items() if read() is not None]
        message = (
            f"expected one of the splits of {task_name} ({', '.join(offered)}); got {quoted(split)}; pass one of these"
        )
        raise ValueError(message)
    return documents


def _target(task: Any, document: Any) -> str:
    """Return the target as text; of several accepted targets the first, of multiple choice the right choice."""
    target = task.doc_to_target(document)
    if isinstance(target, list):
        target = target[0] if target else ""
    if isinstance(target, int) and task.config.doc_to_choice is not None:
        target = task.doc_to_choice(document)[target]
    return str(target)
