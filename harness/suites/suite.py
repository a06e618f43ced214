"""A suite, one generating lm-eval task, and finding it by its name: offbook's own, lm-eval's, or a folder's."""

import contextlib
import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_eval.tasks import TaskManager

from offbook.engine.quoting import quoted
from offbook.harness.records.spent import spending
from offbook.tasks import TASKS_PATH
from offbook.tasks.blame import TaskError
from offbook.tasks.build import blamed_in, build
from offbook.tasks.groups import is_group, members
from offbook.tasks.index import task_index
from offbook.tasks.lm_eval_names import lm_eval_names
from offbook.tasks.source import origin_of
from offbook.tasks.task_files import check_declared_once, passed_over

PREFIX = "offbook_"
FEWSHOT_SEED = 1234  # lm-eval's own


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
        with spending("lm-eval"):
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

    @contextlib.contextmanager
    def blamed(self, wanted: str) -> Iterator[None]:
        """Errors inside are this suite's, see `tasks.blame`; the time is lm-eval's."""
        with spending("lm-eval"), blamed_in(self.manager, self.name, wanted, declared=self.group):
            yield


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
    with spending("lm-eval"):
        return _found(names, include_path, say)


def _found(names: Sequence[str], include_path: Path | None, say: Callable[[str], object]) -> list[Suite]:
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
