"""lm-eval's index of task files. One odd name in any file of a folder breaks it as a whole; that file is named."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lm_eval.tasks import TaskManager


def task_index(folders: Sequence[Path], *, defaults: bool = False) -> "TaskManager":
    """The task files of these folders, those of lm-eval itself too if `defaults`.

    Raises:
        TaskError: a file whose names are none.
    """
    from lm_eval.tasks import TaskManager  # imported late: it takes seconds

    from offbook.tasks.blame import TaskError, reason_of
    from offbook.tasks.task_files import odd_names

    try:
        return TaskManager(include_path=[str(folder) for folder in folders], include_defaults=defaults)
    except Exception as error:  # it sorts and hashes whatever the files call themselves
        for folder in folders:
            if (odd := odd_names(folder)) is not None:
                raise TaskError(odd) from error
        reason, _ = reason_of(error, folders)
        where = ", ".join(map(str, folders))
        msg = f"expected lm-eval to read the task files of {where}, got {reason}; mend or remove the last that changed"
        raise TaskError(msg) from error
