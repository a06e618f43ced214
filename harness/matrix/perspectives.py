"""Is there anything to select? Students of single perspectives on development questions, beside what each cost says.

    offbook reproduce --profile perspectives --output runs/perspectives
    python -m offbook.harness.matrix.perspectives runs/perspectives --output results/perspectives

The run trains a student for every perspective and seed; it may be interrupted, and so may this, which takes what is
there already. Of the students it reads the development score of the weights that were kept, of the untouched model the
costs of all training paths, one forward a question, kept with the run's tables. No test question is read.

`perspectives.csv`: a perspective's accuracy with its seeds' standard deviation, and its mean of every cost.
`perspective_costs.csv`: each cost's rank correlation with the accuracies (of its negative: low is good), the shares of
its variance within questions that are the perspective's alone and question-by-perspective, which alone a selector can
win through, and the perspective it would choose.
"""

import argparse
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from offbook.engine import pretrained
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.files import atomic_write_text
from offbook.engine.paths import user_path
from offbook.engine.progress import Progress, progress
from offbook.engine.students.distiller import Job
from offbook.engine.students.learnability import LEARNABILITIES
from offbook.engine.students.paths import encode_corpus
from offbook.engine.students.untouched import untouched_table
from offbook.harness.artifacts.folders import tables_folder
from offbook.harness.artifacts.manifest import artifact_folder
from offbook.harness.artifacts.recipes import StudentRecipe
from offbook.harness.artifacts.students import check_base, cost, is_made
from offbook.harness.matrix.graph import Graph
from offbook.harness.roster.target import resolve_device
from offbook.harness.statistics.intervals import Floats
from offbook.harness.statistics.perspectives import rank_correlation, split, spread
from offbook.harness.tables.csv_file import csv_text
from offbook.harness.trials.benchmark_command import run
from offbook.harness.trials.session import Session

PERSPECTIVE = "perspective"  # the option that names one


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Development scores by perspective, one a seed, and a recipe of those that were trained."""

    of: Mapping[str, Sequence[float]]
    recipe: StudentRecipe


def read_scores(folder: Path) -> Scores:
    """The finished students of a run that learned from one perspective each.

    Raises:
        ValueError: no such student, or some that differ in more than perspective and seed.
    """
    found: dict[str, list[float]] = defaultdict(list)
    recipes: list[StudentRecipe] = []
    for stage in Graph.read(folder).of_kind("student"):
        recipe = StudentRecipe.model_validate(stage.spec)
        made = artifact_folder(folder, "student", stage.key)
        if recipe.options.get(PERSPECTIVE) is None or recipe.interpolation is not None or not is_made(made):
            continue
        if (score := cost(made).kept_score) is not None:
            found[str(recipe.options[PERSPECTIVE])].append(score)
            recipes.append(recipe)
    alike = {_but_perspective(recipe).key() for recipe in recipes}
    if len(alike) != 1:
        msg = (
            f"{folder}: expected finished students that differ in perspective and seed alone, got {len(alike)} kinds; "
            "run the profile perspectives"
        )
        raise ValueError(msg)
    return Scores(of=found, recipe=recipes[0])


def perspectives_table(scores: Scores, names: Sequence[str], costs_NKC: Floats) -> pd.DataFrame:
    """A row for each perspective that has students, in the corpus's order; see the module.

    Args:
        scores: of its students.
        names: of the K perspectives.
        costs_NKC: the untouched model's, NaN where a path is missing.
    """
    means_KC = np.nanmean(costs_NKC, axis=0)
    rows = []
    for k, name in enumerate(names):
        if seeds := scores.of.get(name):
            sd = float(np.std(seeds, ddof=1)) if len(seeds) > 1 else float("nan")
            own = {"perspective": name, "seeds": len(seeds), "accuracy": float(np.mean(seeds)), "seed_sd": sd}
            rows.append({**own, **dict(zip(LEARNABILITIES, means_KC[k].tolist(), strict=True))})
    return pd.DataFrame(rows)


def costs_table(perspectives: pd.DataFrame, names: Sequence[str], costs_NKC: Floats) -> pd.DataFrame:
    """A row for each cost; see the module."""
    accuracies = perspectives["accuracy"].to_numpy(dtype=np.float64)
    rows = []
    for c, name in enumerate(LEARNABILITIES):
        parts, means = split(costs_NKC[..., c]), perspectives[name].to_numpy(dtype=np.float64)
        cheapest = np.nan_to_num(costs_NKC[..., c], nan=np.inf).argmin(axis=1)
        often = int(np.bincount(cheapest, minlength=len(names)).argmax())
        rows.append(
            {
                "cost": name,
                "rank_correlation": rank_correlation(-means, accuracies),
                "share_perspective": parts.perspective,
                "share_question_by_perspective": parts.question_by_perspective,
                "questions": parts.questions,
                "lowest_mean": perspectives["perspective"].iloc[int(means.argmin())],
                "most_often_lowest": names[often],
                "most_often_lowest_share": float((cheapest == often).mean()),
            }
        )
    return pd.DataFrame(rows)


def sentence(scores: Scores) -> str:
    """Whether perspectives differ by more than seeds do."""
    found = spread([list(seeds) for seeds in scores.of.values()])
    apart = (
        "seeds unknown"
        if math.isnan(found.seeds)
        else "more than seeds differ: there is something to select"
        if found.between > found.seeds
        else "no more than seeds differ: nothing to select at this budget"
    )
    return (
        f"sd between perspectives {100 * found.between:.1f} points, of a perspective's seeds {100 * found.seeds:.1f}, "
        f"of such means by seeds alone {100 * found.noise:.1f}: {apart}"
    )


def costs_of(scores: Scores, folder: Path, told: Progress, *, device: str) -> tuple[list[str], Floats]:
    """The perspectives of the corpus, and the untouched model's costs (N, K, C) of its paths.

    Raises:
        ValueError: another base model or corpus than the run was planned with.
    """
    student, material = Session(folder, device=device).student(scores.recipe, told)
    check_base(student)
    model, tokenizer = pretrained.load(student.model, device=resolve_device(device), revision=student.revision)
    Backbone(model).use_native_attention()
    tables = tables_folder(folder)
    job = Job(
        student=model,
        tokenizer=tokenizer,
        corpus=material.corpus,
        config=student.config,
        folder=tables,
        identity=student.identity(material),
        score=lambda _: 0.0,
        report=lambda _done, _total, message: told.say(f"    {message}"),
        cache=tables,
    )
    paths = encode_corpus(material.corpus, tokenizer, max_length=student.config.max_length)
    names = list(material.corpus.perspectives)
    return names, untouched_table(job, paths, names).values.double().numpy()


def _but_perspective(recipe: StudentRecipe) -> StudentRecipe:
    options = {name: value for name, value in recipe.options.items() if name != PERSPECTIVE}
    return recipe.model_copy(update={"options": options, "seed": 0, "name": ""})


def _main() -> None:
    parser = argparse.ArgumentParser(description="Is there anything to select among perspectives?")
    parser.add_argument("folder", type=Path, help="a run of the profile perspectives")
    parser.add_argument("--output", type=Path, default=None, help="folder of the tables; by default the run's")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help="for the untouched model")
    chosen = parser.parse_args()
    folder = user_path(str(chosen.folder), what="folder")
    scores = read_scores(folder)
    with progress() as told:
        names, costs_NKC = costs_of(scores, folder, told, device=chosen.device)
    perspectives = perspectives_table(scores, names, costs_NKC)
    costs = costs_table(perspectives, names, costs_NKC)
    for name, table in {"perspectives": perspectives, "perspective_costs": costs}.items():
        text = csv_text(table)
        atomic_write_text((chosen.output or folder) / f"{name}.csv", text)
        print(text)
    print(sentence(scores))


if __name__ == "__main__":
    run("offbook.harness.matrix.perspectives", _main)
