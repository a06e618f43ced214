"""Pictures of what the benchmarks of speed wrote, a PNG beside each table.

    python -m offbook.harness.trials.speed_plots results/tree_size.csv results/contexts.csv

What `tree_size_benchmark` wrote is shown as tokens a second against the size of the tree, measured and predicted, what
`contexts_benchmark` wrote as tokens a second against the committed rows, a curve a layout.
"""

import argparse
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from offbook.engine.files import atomic_write_bytes
from offbook.harness.latent.pictures import curves_picture

Curves = Mapping[str, tuple[Sequence[float], Sequence[float]]]
TREES, CONTEXTS = "size", "context"  # the column of the x axis, which tells the tables apart
TOKENS = "tokens a second"


def picture(table: pd.DataFrame) -> bytes:
    """A table of either benchmark as PNG.

    Raises:
        ValueError: a table of neither.
    """
    if TREES in table:
        return curves_picture(tree_panels(table), x="candidates of a round", y=TOKENS)
    if CONTEXTS in table and "weights" in table:
        return curves_picture(context_panels(table), x="committed rows", y=TOKENS)
    columns = ", ".join(map(str, table.columns))
    msg = f"expected a table of tree_size_benchmark or contexts_benchmark, got columns {columns}"
    raise ValueError(msg)


def tree_panels(table: pd.DataFrame) -> dict[str, Curves]:
    """A panel a model, decoder and layout; plain decoding is a level line, and random weights are named."""
    panels: dict[str, Curves] = {}
    for (model, decoder, layout), rows in table.groupby(["model", "decoder", "layout"], sort=False):
        title = _title(model, random="weights" in rows and bool(rows["weights"].eq("random").all()))
        drafted, plain = rows[rows[TREES] > 0].sort_values(TREES), rows[rows[TREES] == 0]
        sizes = drafted[TREES].tolist()
        panels[f"{title}\n{decoder}, {layout}"] = {
            "measured": (sizes, drafted["measured_tokens_per_s"].tolist()),
            "predicted": (sizes, drafted["predicted_tokens_per_s"].tolist()),
            "plain decoding": (sizes, plain["measured_tokens_per_s"].tolist() * len(sizes)),
        }
    return panels


def context_panels(table: pd.DataFrame) -> dict[str, Curves]:
    """A panel a model, a curve a layout; of random weights it says so."""
    panels: dict[str, Curves] = {}
    for (model, weights), rows in table.groupby(["model", "weights"], sort=False):
        panels[_title(model, random=bool(weights == "random"))] = {
            str(layout): (ordered[CONTEXTS].tolist(), ordered["tokens_per_s"].tolist())
            for layout, of_one in rows.groupby("layout", sort=False)
            for ordered in [of_one.sort_values(CONTEXTS)]
        }
    return panels


def _title(model: object, *, random: bool) -> str:
    return f"{model}\nrandom weights, speed only" if random else str(model)


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path, nargs="+")
    chosen = parser.parse_args(arguments)
    if importlib.util.find_spec("matplotlib") is None:
        parser.error('expected matplotlib, found none installed; run `pip install "offbook[analysis]"`')
    for path in chosen.tables:
        try:
            content = picture(pd.read_csv(path))
        except (OSError, ValueError) as error:
            parser.error(f"{path}: {error}")
        atomic_write_bytes(path.with_suffix(".png"), content)


if __name__ == "__main__":
    main()
