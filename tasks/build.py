"""Builds an lm-eval task by name; whatever goes wrong is told with the suite and its file (`tasks.blame`)."""

import contextlib
import difflib
import io
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lm_eval.api.registry import metric_registry
from lm_eval.tasks import TaskManager

from offbook.engine.quoting import quoted
from offbook.tasks.blame import TaskError, blamed
from offbook.tasks.data_files import BEGINNING, WHOLE, check_encoding
from offbook.tasks.groups import Member, config_of, is_group, members


def build(name: str, manager: TaskManager) -> dict[str, Any]:
    """The tasks of a name (a group or tag stands for several), by their own names.

    Raises:
        TaskError: lm-eval or the task's own code raises, a group's member is missing, or a metric is none.
    """
    config = config_of(name, manager)
    with blamed_in(manager, name, "lm-eval to build it"):
        wanted = members(name, manager) if is_group(name, manager) else []
        _check_settings(name, wanted, manager)
        try:
            with quiet():
                tasks: dict[str, Any] = manager.load(name)["tasks"]
        except Exception:
            _check_settings(name, wanted, manager, most=WHOLE)
            if (unknown := _unknown_metric(config)) is not None:
                raise LookupError(unknown) from None
            raise
        for member, task in tasks.items():
            _check_shots(task.get_config("num_fewshot"), member, None, manager)
            _check_metrics(task)
        for unbuilt in (member.name for member in wanted if member.name not in tasks):
            msg = f"lm-eval builds no task {quoted(unbuilt)}, its member; name it by itself"
            raise LookupError(msg)
    return tasks


def blamed_in(
    manager: TaskManager, name: str, wanted: str, *, declared: str | None = None
) -> contextlib.AbstractContextManager[None]:
    """`tasks.blame.blamed` for a task of this index; one of a group is `declared` by that."""
    entry = manager.task_index.get(declared or name)
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


def _check_settings(name: str, wanted: Sequence[Member], manager: TaskManager, *, most: int = BEGINNING) -> None:
    """Refuses what lm-eval would take, or would complain about without a name: of a task or of a group's members.

    Raises:
        TaskError: a number of shots that is none, or a data file in another encoding.
    """
    for whole in (Member(name=name, task=name, settings={}), *wanted):
        own = {} if whole.task is None else config_of(whole.task, manager)
        config = {**own, **whole.settings}
        _check_shots(config.get("num_fewshot"), whole.name, name if "num_fewshot" in whole.settings else None, manager)
        try:
            check_encoding(config, whose=f"suite {quoted(whole.name)}", most=most)
        except ValueError as error:
            raise TaskError(str(error)) from error


def _check_shots(shots: Any, name: str, group: str | None, manager: TaskManager) -> None:
    """Refuses a number of examples that is none: lm-eval takes -1 for 0, and true for 1. A group may have set it.

    Raises:
        TaskError: it is none.
    """
    if shots is not None and (type(shots) is not int or shots < 0):
        entry = manager.task_index.get(group or name)
        where = "" if entry is None or entry.yaml_path is None else f"; mend {entry.yaml_path}"
        got = quoted(shots)
        msg = f"suite {quoted(name)}: expected num_fewshot to be a whole number of at least 0, got {got}{where}"
        raise TaskError(msg)


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
            msg = f"the aggregation of metric {quoted(metric)} is none of lm-eval's"
            raise LookupError(msg)


def _unknown_metric(config: dict[str, Any]) -> str | None:
    """Why a task could not be built, where it names a metric that lm-eval does not know."""
    metrics = config.get("metric_list")
    named = [m.get("metric") for m in metrics if isinstance(m, dict)] if isinstance(metrics, list) else []
    strangers = [name for name in named if isinstance(name, str) and name not in metric_registry]
    return _no_metric(strangers[0]) if strangers and config.get("process_results") is None else None


def _no_metric(name: str) -> str:
    near = difflib.get_close_matches(name, list(metric_registry), n=1)
    return f"{quoted(name)} is no metric of lm-eval{f' (did you mean {near[0]}?)' if near else ''}"
