"""The recipe of students: every setting of a grid on development questions, and which of them to take.

    offbook reproduce --profile recipe --output runs/recipe
    python -m offbook.harness.matrix.recipe runs/recipe single_rationale --output results/recipe
    python -m offbook.harness.matrix.recipe results/recipe single_rationale

The run trains a student for every setting; it may be interrupted, and so may this, which takes what is there already.
It writes `recipe.csv`, a row a student, and prints the grid of a method with the choice (`tables.recipe_choice`) and
how many settings each method was tried with. Of a folder without a run it reads that file. Students sit no exam, and no
test question is read.
"""

import argparse
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from offbook.engine.files import atomic_write_text
from offbook.engine.paths import user_path
from offbook.harness.artifacts.manifest import artifact_folder
from offbook.harness.artifacts.recipes import StudentRecipe
from offbook.harness.artifacts.students import cost, is_made
from offbook.harness.matrix.graph import PLAN, Graph
from offbook.harness.records.exam import TrainingCost
from offbook.harness.tables.csv_file import csv_text
from offbook.harness.tables.recipe_choice import FIELDS, SETTINGS, told, tried
from offbook.harness.trials.benchmark_command import run

FILE = "recipe.csv"
TEXTS = ("student", "method", "options", "token_weight", "key")


def grid(folder: Path) -> pd.DataFrame:
    """The finished students of a run that were trained and have a development score, a row each.

    Raises:
        ValueError: no plan of a run, or a damaged record.
    """
    rows = []
    for stage in Graph.read(folder).of_kind("student"):
        recipe = StudentRecipe.model_validate(stage.spec)
        made = artifact_folder(folder, "student", stage.key)
        if recipe.interpolation is None and is_made(made) and (score := (spent := cost(made)).kept_score) is not None:
            rows.append(_row(recipe, spent, score, stage.key))
    return pd.DataFrame(rows, columns=list(FIELDS))


def read_grid(folder: Path) -> pd.DataFrame:
    """What an earlier call wrote.

    Raises:
        ValueError: there is no such file, or no table in it.
    """
    path = folder / FILE
    try:
        return pd.read_csv(path, dtype=dict.fromkeys(TEXTS, str), keep_default_na=False, na_values={"retention": [""]})
    except (FileNotFoundError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        msg = f"{path}: expected a recipe's grid or a run's folder, got {type(error).__name__}; run the profile recipe"
        raise ValueError(msg) from error


def _row(recipe: StudentRecipe, spent: TrainingCost, score: float, key: str) -> dict[str, Any]:
    training: dict[str, Any] = recipe.training
    settings = {name: training[name] for name in SETTINGS}
    return {
        "student": recipe.name,
        "method": recipe.method,
        "options": json.dumps(recipe.options, sort_keys=True),
        **settings,
        "token_weight": json.dumps(settings["token_weight"], sort_keys=True),
        "seed": recipe.seed,
        "steps": spent.steps,
        "replayed_tokens": 0 if spent.replay is None else spent.replay.tokens,
        "score": score,
        "questions": recipe.corpus.dev_questions,
        "retention": math.nan if spent.retention is None else spent.retention,
        "retention_questions": recipe.corpus.retention_questions,
        "train_s": spent.wall_s,
        "key": key[:12],
    }


def _main() -> None:
    parser = argparse.ArgumentParser(description="Which settings of training to take, by development questions.")
    parser.add_argument("folder", type=Path, help="a run of the profile recipe, or where its grid was written")
    parser.add_argument("method", help="whose settings were tried")
    parser.add_argument("--output", type=Path, default=None, help="folder of the grid; by default the run's")
    given = parser.parse_args()
    folder = user_path(str(given.folder), what="folder")
    if (folder / PLAN).is_file():
        found = grid(folder)
        atomic_write_text((given.output or folder) / FILE, csv_text(found))
    else:
        found = read_grid(folder)
    print(told(tried(found), given.method))


if __name__ == "__main__":
    run("offbook.harness.matrix.recipe", _main)
