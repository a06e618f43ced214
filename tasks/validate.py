"""Builds every task under a folder and renders one document of each.

lm-eval skips a broken task file without a word, and its own ``validate`` only looks whether names exist. Run this one
after editing a task file:

    python -m offbook.tasks.validate [folder]

A suite whose data set or library is not there is named as skipped. Set HF_HUB_OFFLINE=1 and OFFBOOK_DATA to build the
suites of published data sets from local files.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offbook.tasks import TASKS_PATH
from offbook.tasks.source import SuiteUnavailableError


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong with one task file; or, if it was skipped, what it lacks to be built on this machine."""

    path: Path
    problem: str
    skipped: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {'skipped: ' if self.skipped else ''}{self.problem}"


def validate_tasks(folder: Path = TASKS_PATH) -> list[Finding]:
    """Return what is wrong with the task files under `folder` and which were skipped, an empty list if nothing is.

    Files whose name begins with an underscore are taken for parts that others include. Members of a group must lie
    under the folder as well.

    Raises:
        ValueError: there is no task file under the folder.
    """
    from lm_eval.tasks import TaskManager  # imported late: it takes seconds

    paths = sorted(path for path in folder.rglob("*.yaml") if not path.name.startswith("_"))
    if not paths:
        message = f"expected lm-eval task files (*.yaml); found none under {folder}; pass a folder that holds some"
        raise ValueError(message)
    manager = TaskManager(include_path=[str(folder)], include_defaults=False)
    findings = [_finding(path, manager) for path in paths]
    return [finding for finding in findings if finding is not None]


def _finding(path: Path, manager: Any) -> Finding | None:
    try:
        problem = _problem(path, manager)
    except SuiteUnavailableError as reason:
        return Finding(path=path, problem=" ".join(str(reason).split()), skipped=True)
    return None if problem is None else Finding(path=path, problem=problem)


def _problem(path: Path, manager: Any) -> str | None:
    """Return the first problem of a file in one line, or None."""
    try:  # whatever a task file makes lm-eval or the data raise is the finding, so every exception is caught here
        entry = next((entry for entry in manager.task_index.values() if entry.yaml_path == path), None)
        if entry is None:
            name = next(iter(manager.load(str(path))["tasks"]))  # raises what the index swallowed
            return f"{name} is also the name in {manager.task_index[name].yaml_path.name}, which hides this file"
        if "group" in entry.cfg:  # lm-eval takes an unknown member for a task defined on the spot
            unknown = [name for name in entry.cfg["task"] if isinstance(name, str) and name not in manager.all_tasks]
            if unknown:
                return f"{entry.name} has members without a task file: {', '.join(unknown)}"
        for task in manager.load(entry.name)["tasks"].values():
            problem = _task_problem(task)
            if problem is not None:
                return f"{task.task_name} {problem}"
    except SuiteUnavailableError:
        raise
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return None


def _task_problem(task: Any) -> str | None:
    document = task.eval_docs[0]
    text = task.doc_to_text(document)
    if isinstance(text, str) and not text.strip():
        return "renders its first document to an empty prompt"
    task.doc_to_target(document)
    if not task.aggregation():
        return "has no metric"
    if task.OUTPUT_TYPE == "generate_until":
        scores = task.process_results(document, [""])
        missing = sorted(set(task.aggregation()) - set(scores))
        if missing:
            return f"scores an answer without its metric {', '.join(missing)}"
    return None


def main(arguments: list[str]) -> int:
    """Print what is wrong under the folder named, or under offbook's own; return the exit status."""
    folder = Path(arguments[0]) if arguments else TASKS_PATH
    findings = validate_tasks(folder)
    for finding in findings:
        print(finding)
    skipped = sum(finding.skipped for finding in findings)
    if len(findings) == skipped:
        print(f"every task file under {folder} builds and renders{f', but {skipped} skipped' if skipped else ''}")
    return int(len(findings) > skipped)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
