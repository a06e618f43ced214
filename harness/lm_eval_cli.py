"""`offbook lm-eval ...`: lm-eval's own command line in this process, knowing the model `offbook` and our tasks.

lm-eval 0.4.13 finds no models by entry points, so the model is registered here; its own models keep working.
"""

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

from offbook.tasks import TASKS_PATH


def run(arguments: Sequence[str]) -> None:
    """Runs lm-eval with these arguments; `--include_path` is offbook's tasks unless given, also in a --config."""
    import lm_eval.__main__

    import offbook.harness.lm  # noqa: F401  # registers the model

    given = list(arguments)
    if _takes_tasks(given) and not _includes(given):
        given += ["--include_path", str(TASKS_PATH)]
    elif _includes(given):
        print("--include_path: suites there are code, and it is run", file=sys.stderr)
    before = sys.argv
    sys.argv = ["lm-eval", *given]
    try:
        lm_eval.__main__.cli_evaluate()
    finally:
        sys.argv = before


def _takes_tasks(arguments: Sequence[str]) -> bool:
    return len(arguments) > 1 and not {"-h", "--help"} & set(arguments)


def _includes(arguments: Sequence[str]) -> bool:
    if any(argument.split("=")[0] == "--include_path" for argument in arguments):
        return True
    configs = [after for before, after in itertools.pairwise(arguments) if before in ("--config", "-C")]
    configs += [argument.partition("=")[2] for argument in arguments if argument.startswith("--config=")]
    return any(Path(c).is_file() and "include_path:" in Path(c).read_text(encoding="utf-8") for c in configs)
