"""The members of an lm-eval group and what the group sets for them, read as lm-eval's own factory reads them.

A group may ask a task otherwise than its own file does: with examples, another cap, another prompt. Such a member is
another suite than the task by itself, and so is a task that is defined inside of a group.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lm_eval.tasks import TaskManager
from lm_eval.tasks._factory import GROUP_FIELD_NAMES
from lm_eval.tasks._index import Kind
from lm_eval.tasks._yaml_loader import load_yaml

from offbook.engine.quoting import quoted

DATA = {"dataset_path", "custom_dataset"}  # one of them makes a task
NAMES = {"task", "task_alias", "tag", "group", "task_list"}  # these change nothing that is asked or scored


@dataclass(frozen=True, kw_only=True)
class Member:
    """A task of a group.

    Attributes:
        name: lm-eval's, of the task as the group builds it.
        task: its name in the index; None for one that is defined inside of the group.
        settings: what the group sets over the task's own file.
    """

    name: str
    task: str | None
    settings: Mapping[str, Any]

    @property
    def differs(self) -> bool:
        """Whether it is not the task that its name stands for by itself."""
        return self.task != self.name or not self.settings.keys() <= NAMES


def is_group(name: str, manager: TaskManager) -> bool:
    """Whether a name of the index is a group's."""
    entry = manager.task_index.get(name)
    return entry is not None and entry.kind == Kind.GROUP


def members(group: str, manager: TaskManager) -> list[Member]:
    """The tasks of a group and of the groups in it, each once.

    Raises:
        LookupError: there is none, one is no task, or lm-eval would build one of two alike and drop the other.
    """
    found: dict[str, Member] = {}
    for member in _members(group, config_of(group, manager), {}, manager, ()):
        if found.setdefault(member.name, member) != member:
            msg = (
                f"its member {quoted(member.name)} stands in it twice with different settings, of which lm-eval "
                "builds one; make each a task of its own"
            )
            raise LookupError(msg)
    if not found:
        msg = "the group has no members"
        raise LookupError(msg)
    return list(found.values())


def config_of(name: str, manager: TaskManager) -> dict[str, Any]:
    """What a task file says, with what it includes; its functions stay names."""
    entry = manager.task_index.get(name)
    if entry is None or entry.yaml_path is None:
        return (entry.cfg if entry is not None else None) or {}
    try:
        config: dict[str, Any] = load_yaml(entry.yaml_path, resolve_func=False)
    except Exception:  # lm-eval will say what is wrong with it
        return entry.cfg or {}
    return config


def _members(
    group: str, config: Mapping[str, Any], outer: Mapping[str, Any], manager: TaskManager, around: tuple[str, ...]
) -> Iterator[Member]:
    """As `TaskFactory._build_group_members`; `outer` is what the groups `around` this one set."""
    whose = "its" if not around else f"its group {quoted(group)}: the"
    if group in around:
        msg = f"the group {quoted(group)} is a member of itself"
        raise LookupError(msg)
    items = config.get("task") or []
    if not isinstance(items, list):
        msg = f"{whose} members are {quoted(items)}, expected a list"
        raise LookupError(msg)
    settings = {key: value for key, value in config.items() if key not in GROUP_FIELD_NAMES} | dict(outer)
    for item in items:
        given = item if isinstance(item, dict) else {"task": item}
        kind = "group" if "group" in given else "task"
        name = given.get(kind)
        if not isinstance(name, str):
            msg = f"{whose} member {quoted(item)} is no task"
            raise LookupError(msg)
        entry = manager.task_index.get(name)
        inner = settings | ({} if item is name else {key: value for key, value in given.items() if key != "group"})
        if entry is None and kind == "group":
            yield from _members(f"{group}::{name}", given, settings, manager, (*around, group))
        elif entry is None:
            if not DATA & inner.keys():
                msg = f"{whose} member {quoted(name)} is no task"
                raise LookupError(msg)
            yield Member(name=f"{group}::{name}", task=None, settings=inner)
        elif entry.kind == Kind.GROUP:
            yield from _members(name, config_of(name, manager), inner, manager, (*around, group))
        else:
            for task in sorted(entry.tags) if entry.kind == Kind.TAG else [name]:
                named = inner.get("task", task)  # the group's settings may hold one, which lm-eval takes
                if not isinstance(named, str):
                    msg = f"{whose} member {quoted(task)} is named {quoted(named)}, which is no name"
                    raise LookupError(msg)
                yield Member(name=named, task=task, settings=inner)
