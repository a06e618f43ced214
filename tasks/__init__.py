"""What contenders are asked to do: lm-eval tasks, the prompts behind them, and loaders for question files.

Give `TASKS_PATH` to ``lm_eval.tasks.TaskManager(include_path=[str(TASKS_PATH)], include_defaults=False)``; without the
built-in index the manager starts in a fraction of a second.
"""

from pathlib import Path

TASKS_PATH: Path = Path(__file__).resolve().parent
