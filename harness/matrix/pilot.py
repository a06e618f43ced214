"""Which difference of two methods a study will be able to show, from a pilot: pairs of seeds, on development questions.

    offbook run pilot.yaml --output runs/study
    python -m offbook.harness.matrix.pilot runs/study "mind on answer loss, long" "single by dev, long"

The two students are named as the matrix names them. Of each seed that both have it reads the development score of the
weights that were kept; no exam is needed, and no test question is read. It writes `pilot.csv`, a row for each number of
pairs, and says it in a sentence (`statistics.power`): what pairs as many as these, and more of them, can show, and how
many reach the goal. A run that goes on may be asked again.

All pairs answer the same questions, so this is about training alone. A verdict, which holds for other questions too and
is corrected for its family, needs more than is said here; `detectable` in a study's table has the questions in it.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from offbook.engine.files import atomic_write_text
from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted
from offbook.harness.matrix.recipe import grid
from offbook.harness.statistics.power import Seeds, detectable_paired, detectable_unpaired, pairs_for, seeds_of
from offbook.harness.tables.csv_file import csv_text
from offbook.harness.tables.markdown import number
from offbook.harness.trials.benchmark_command import run

FILE = "pilot.csv"
PAIRS = (3, 5, 8, 10, 12, 20)
GOAL, MOST = 0.08, 10  # of a difference in accuracy, and of pairs for it


def pairs_of(students: pd.DataFrame, a: str, b: str) -> tuple[list[float], list[float]]:
    """Development scores of two students, the seeds that both have in order.

    Args:
        students: a row a trained student, as `recipe.grid` has them.
        a: one of them, by name.
        b: the other.

    Raises:
        ValueError: a student that is not there, or under two settings.
    """
    scores: list[dict[int, float]] = []
    for name in (a, b):
        own = students[students["student"] == name]
        found = dict(zip(own["seed"].astype(int).tolist(), own["score"].astype(float).tolist(), strict=True))
        if not found or len(found) < len(own):
            got = "none" if not found else "several settings of it"
            known = ", ".join(sorted(set(students["student"]))) or "no student yet"
            msg = f"expected finished students named {quoted(name)}, one a seed, got {got}; the run has {known}"
            raise ValueError(msg)
        scores.append(found)
    seeds = sorted(scores[0].keys() & scores[1].keys())
    return [scores[0][seed] for seed in seeds], [scores[1][seed] for seed in seeds]


def power_table(found: Seeds) -> pd.DataFrame:
    """A row for each number of pairs: what they can show, and what if the deviation is at its upper end."""
    return pd.DataFrame(
        [
            {
                "pairs": n,
                "detectable": detectable_paired(found.sd_difference, n),
                "detectable_upper": detectable_paired(found.upper, n),
                "detectable_unpaired": detectable_unpaired(found.sd, n),
                "measured_pairs": found.pairs,
                "seed_sd": found.sd,
                "correlation": found.correlation,
                "sd_difference": found.sd_difference,
            }
            for n in PAIRS
        ]
    )


def sentence(found: Seeds, goal: float, most: int) -> str:
    """What the pilot says, in points."""
    enough = pairs_for(found.sd_difference, goal, most)
    reached = (
        f"no number of pairs up to {most} does: claim nothing smaller than {_points(found.sd_difference, most)} points"
        if enough is None
        else f"{enough} pairs are enough"
    )
    correlation = "unknown" if math.isnan(found.correlation) else number(found.correlation, 2)
    return (
        f"over {found.pairs} pairs, seed sd {100 * found.sd:.1f} points, correlation {correlation}, sd of differences "
        f"{100 * found.sd_difference:.1f} (at most {100 * found.upper:.1f} in 80 of 100 such pilots); with 80 % "
        f"probability 8 pairs show a difference of {_points(found.sd_difference, 8)} points "
        f"({_points(found.upper, 8)} at that upper end), of these questions and before a correction for several "
        f"comparisons; for {100 * goal:.0f} points {reached}"
    )


def _points(sd_difference: float, pairs: int) -> str:
    return f"{100 * detectable_paired(sd_difference, pairs):.1f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads a run, writes the table, prints it with the sentence."""
    parser = argparse.ArgumentParser(description="Which difference of two methods can be shown, from a pilot.")
    parser.add_argument("folder", type=Path, help="a run's folder")
    parser.add_argument("a", help="a student, by its name in the matrix")
    parser.add_argument("b", help="whom it is held against")
    parser.add_argument("--goal", type=float, default=100 * GOAL, help="a difference in points that is to be seen")
    parser.add_argument("--most", type=int, default=MOST, help="pairs of seeds that could be had")
    parser.add_argument("--output", type=Path, default=None, help="folder of the table; by default the run's")
    given = parser.parse_args(arguments)
    if not given.goal > 0 or given.most < 2:
        msg = f"expected --goal above 0 and --most of 2 or more, got {given.goal:g} and {given.most}; choose others"
        raise ValueError(msg)
    folder = user_path(str(given.folder), what="folder")
    found = seeds_of(*pairs_of(grid(folder), given.a, given.b))
    text = csv_text(power_table(found))
    atomic_write_text((given.output or folder) / FILE, text)
    print(text)
    print(sentence(found, given.goal / 100, given.most))


if __name__ == "__main__":
    run("offbook.harness.matrix.pilot", main)
