"""Builds an lm-eval task by name; whatever goes wrong is told with the suite and its file (`tasks.blame`)."""

import contextlib
import difflib
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lm_eval.api.registry import metric_registry
from lm_eval.tasks import TaskManager

from offbook.tasks.blame import blamed


def build(name: str, manager: TaskManager) -> dict[str, Any]:
    """The tasks of a name (a group or tag stands for several), by their own names.

    Raises:
        TaskError: lm-eval or the task's own code raises, a group's member is missing, or a metric is none.
    """
    entry = manager.task_index.get(name)
    config = (entry.cfg if entry is not None else None) or {}
    with blamed_in(manager, name, "lm-eval to build it"):
        _check_members(config, manager)
        try:
            with quiet():
                tasks: dict[str, Any] = manager.load(name)["tasks"]
        except Exception:
            if (unknown := _unknown_metric(config)) is not None:
                raise LookupError(unknown) from None
            raise
        for task in tasks.values():
            _check_metrics(task)
    return tasks


def blamed_in(manager: TaskManager, name: str, wanted: str) -> contextlib.AbstractContextManager[None]:
    """`tasks.blame.blamed` for a task of this index."""
    entry = manager.task_index.get(name)
    folders = manager.include_path if isinstance(manager.include_path, list) else []
    source = None if entry is None else entry.yaml_path
    return blamed(name, wanted, source=source, folders=[Path(folder) for folder in folders])


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Holds back lm-eval's progress bars and warnings; an exception still says what went wrong."""
    logger = logging.getLogger("lm_eval")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)


def _check_members(config: dict[str, Any], manager: TaskManager) -> None:
    """Refuses a group's member that is no task, which lm-eval would take for a task without data.

    Raises:
        LookupError: the first.
    """
    members = config.get("task")
    if "group" not in config or not isinstance(members, list) or {"dataset_path", "custom_dataset"} & config.keys():
        return
    for member in members:
        if isinstance(member, str) and member not in manager.task_index:
            msg = f"its member {member!r} is no task"
            raise LookupError(msg)


def _check_metrics(task: Any) -> None:
    """Refuses metrics and aggregations that lm-eval did not find, and would call all the same.

    Raises:
        LookupError: the first.
    """
    functions = {} if task.get_config("process_results") is not None else getattr(task, "_metric_fn_list", {})
    for metric, function in functions.items():
        if function is None:
            raise LookupError(_no_metric(str(metric)))
    for metric, function in getattr(task, "_aggregation_list", {}).items():
        if function is None:
            msg = f"the aggregation of metric {metric!r} is none of lm-eval's"
            raise LookupError(msg)


def _unknown_metric(config: dict[str, Any]) -> str | None:
    """Why a task could not be built, where it names a metric that lm-eval does not know."""
    metrics = config.get("metric_list")
    named = [m.get("metric") for m in metrics if isinstance(m, dict)] if isinstance(metrics, list) else []
    strangers = [name for name in named if isinstance(name, str) and name not in metric_registry]
    return _no_metric(strangers[0]) if strangers and config.get("process_results") is None else None


def _no_metric(name: str) -> str:
    near = difflib.get_close_matches(name, list(metric_registry), n=1)
    return f"{name!r} is no metric of lm-eval{f' (did you mean {near[0]}?)' if near else ''}"
