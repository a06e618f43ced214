"""`offbook lm-eval ...`: lm-eval's own command line in this process, knowing the model `offbook` and our tasks.

lm-eval 0.4.13 finds no models by entry points, so the model is registered here; its own models keep working. It reads
its arguments itself; what nobody asked for gets offbook's defaults: its tasks, and for the model `offbook` any device
that is there, where lm-eval would ask for the first GPU.
"""

import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted
from offbook.harness.interchange.lm_eval_caches import refuse_caches
from offbook.tasks import TASKS_PATH
from offbook.tasks.blame import TaskError, reason_of

MODEL = "offbook"
OWN = Path(__file__).resolve().parents[2]  # holds the rooms, and in a checkout perhaps a virtual environment too
ROOMS = ("kernels", "engine", "tasks", "methods", "baselines", "harness")
TRACEBACKS = "LMEVAL_LOG_LEVEL"


def run(arguments: Sequence[str]) -> None:
    """Runs lm-eval with these arguments; `--include_path` is offbook's tasks unless given, also in a --config.

    Raises:
        ValueError: whatever lm-eval, a task or a model raises, in one line; with LMEVAL_LOG_LEVEL=DEBUG as it was. A
            cache of lm-eval's is asked for.
    """
    import lm_eval.utils
    from lm_eval._cli.harness import HarnessCLI

    import offbook.harness.interchange.lm_eval_model  # noqa: F401  # registers the model

    lm_eval.utils.setup_logging()
    before = sys.argv
    sys.argv = ["lm-eval", *arguments]
    asked = Namespace()
    try:
        command = HarnessCLI()
        asked = command.parse_args()
        refuse_caches(asked)
        fill_in(asked)
        command.execute(asked)
    except Exception as error:  # lm-eval and tasks are other people's programs
        if _is_ours(error) or os.environ.get(TRACEBACKS, "").upper() == "DEBUG":
            raise
        _blame_task(asked)
        folder = getattr(asked, "include_path", None)
        told, _ = reason_of(error, [Path(folder)] if folder else [])
        name = ", ".join(_tasks(asked)) or getattr(asked, "command", None) or "its arguments"
        msg = f"lm-eval, {name}: expected it to run, got {told}; {TRACEBACKS}=DEBUG shows where"
        raise ValueError(msg) from error
    finally:
        sys.argv = before


def fill_in(asked: Namespace) -> None:
    """Offbook's defaults for what neither the arguments nor their --config ask for.

    Raises:
        ValueError: a suite without a name, or a limit that is none; lm-eval would work for minutes before it fails.
    """
    from lm_eval.config.evaluate_config import EvaluatorConfig

    if not hasattr(asked, "include_path"):
        return
    file = getattr(asked, "config", None)
    given: dict[str, Any] = EvaluatorConfig.load_yaml_config(file) if file else {}
    _check_tasks(asked.tasks if getattr(asked, "tasks", None) is not None else given.get("tasks"))
    _check_limit(asked.limit if getattr(asked, "limit", None) is not None else given.get("limit"))
    if folder := asked.include_path or given.get("include_path"):
        asked.include_path = str(user_path(str(folder), what="--include_path"))
        print("--include_path: suites there are code, and it is run", file=sys.stderr)
    else:
        asked.include_path = str(TASKS_PATH)
    ours = (getattr(asked, "model", None) or given.get("model")) == MODEL
    if ours and not asked.device and not given.get("device"):
        asked.device = "auto"


def _check_tasks(tasks: Any) -> None:
    if tasks is not None and not all(name.strip() for name in _split(tasks)):
        msg = f"--tasks: expected names of suites with commas between, got an empty one in {quoted(tasks)}; take it out"
        raise ValueError(msg)


def _check_limit(limit: Any) -> None:
    """A share of the documents, or how many."""
    number = isinstance(limit, int | float) and not isinstance(limit, bool)
    if limit is not None and not (number and (0 < limit < 1 or (limit >= 1 and limit == limit // 1))):
        msg = f"--limit: expected a whole number of documents or a share between 0 and 1, got {quoted(limit)}"
        raise ValueError(msg)


def _is_ours(error: Exception) -> bool:
    """Whether offbook raised it, and so says what is wrong."""
    frames = traceback.extract_tb(error.__traceback__)
    raised_in = Path(frames[-1].filename).resolve()
    return isinstance(error, ValueError) and any(raised_in.is_relative_to(OWN / room) for room in ROOMS)


def _blame_task(asked: Namespace) -> None:
    """Looks for a task of --include_path that cannot be built, which lm-eval does not name.

    Raises:
        TaskError: the first.
    """
    from offbook.tasks.build import build
    from offbook.tasks.index import task_index
    from offbook.tasks.task_files import passed_over

    folder = getattr(asked, "include_path", None)
    if not folder or not Path(folder).is_dir():
        return
    manager = task_index([Path(folder)])
    for name in _tasks(asked):
        if name in manager.all_tasks:
            build(name, manager)
        elif (reason := passed_over(Path(folder), name)) is not None:
            msg = f"suite {quoted(name)}: {reason}"
            raise TaskError(msg)


def _tasks(asked: Namespace) -> list[str]:
    return _split(getattr(asked, "tasks", None) or [])


def _split(tasks: Any) -> list[str]:
    return [name for part in (tasks if isinstance(tasks, list) else [tasks]) for name in str(part).split(",")]
