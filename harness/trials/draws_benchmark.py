"""What does a draw cost, and how often do two computations of one distribution lead to two tokens?

    python -m offbook.harness.trials.draws_benchmark results/draws.csv

The model reads training prompts twice, token by token and several rows at a time, whose logits differ by rounding. Each
way to draw takes the two distributions of a position with the same random numbers: `race` as the decoders draw
(`kernels/verify_tree`), `inverse` from the cumulative distribution in the order of token ids.

Columns: `us` the median microseconds of a draw from one row on the CPU (`multinomial` is `torch.multinomial`, which is
only timed); `draws` and `parted` how many pairs were drawn and gave two tokens; `tv` the mean total variation between
the two distributions, which no pair of draws can undercut.
"""

import argparse
import functools
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from offbook.engine import pretrained
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.layouts.choose import choose_layout
from offbook.engine.decoding.layouts.layout import Layout, causal_block
from offbook.engine.decoding.layouts.names import LAYOUTS
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.verify import new_seeds
from offbook.engine.files import atomic_write_text
from offbook.engine.machine import cpu_capability, cpu_name
from offbook.harness.tables.csv_file import csv_text
from offbook.harness.trials.benchmark_command import run
from offbook.kernels.verify_tree import draw
from offbook.kernels.verify_tree.race import uniform
from offbook.tasks.prompts import load_prompts

SEVERAL = 8  # rows of a block
Probabilities = NDArray[np.float32]
Seeds = NDArray[np.uint64]
Way = Callable[[Probabilities, Seeds], NDArray[np.int64]]


def inverse(probs_BV: Probabilities, seeds_B: Seeds) -> NDArray[np.int64]:
    """The first token whose cumulative probability passes one uniform number."""
    cumulative_BV = probs_BV.cumsum(axis=1, dtype=np.float64)
    passed_B = uniform(seeds_B, np.array([-1]))[:, 0] * cumulative_BV[:, -1]
    return np.array([np.searchsorted(row, x, side="right") for row, x in zip(cumulative_BV, passed_B, strict=True)])


WAYS: dict[str, Way] = {"race": draw, "inverse": inverse}


def read(layout: Layout, tokens: torch.Tensor, layers: int, rows: int, sampling: Sampling) -> Probabilities:
    """The distribution behind every token, (tokens, V), computed so many rows at a time."""
    cache, found = TreeCache(num_layers=layers, capacity=len(tokens)), []
    for first in range(0, len(tokens), rows):
        some = tokens[first : first + rows]
        positions, visible = causal_block(first, len(some))
        with torch.inference_mode():
            found.append(layout.step(some, positions, visible, cache).logits_NV)
        cache.commit(len(some))
    probabilities: Probabilities = sampling.probabilities(torch.cat(found)).numpy()
    return probabilities


def alone(way: Way, probs_BV: Probabilities, generator: torch.Generator, row: int) -> None:
    """Draws from one row, as decoding does."""
    way(probs_BV[row : row + 1], new_seeds(1, generator))


def microseconds(way: Callable[[int], object], rows: int) -> float:
    """Of one draw, the median over the rows."""
    seconds = []
    for row in range(rows):
        start = time.perf_counter()
        way(row)
        seconds.append(time.perf_counter() - start)
    return 1e6 * statistics.median(seconds)


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, nargs="?", default=Path("draws.csv"))
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--layout", default="prepacked", choices=LAYOUTS)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--prompts", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=60, help="draws of each position")
    chosen = parser.parse_args()
    model, tokenizer = pretrained.load(chosen.model)
    backbone = Backbone(model)
    layout = choose_layout(chosen.layout, model, backbone.plain).layout
    sampling, generator = Sampling(temperature=chosen.temperature), torch.Generator().manual_seed(0)
    pairs = []
    for prompt in load_prompts("train")[: chosen.prompts]:
        tokens = torch.tensor(tokenizer(prompt.asked).input_ids)
        layers = int(backbone.config.num_hidden_layers)
        pairs.append([read(layout, tokens, layers, rows, sampling) for rows in (1, SEVERAL)])
    one, several = (np.concatenate(side) for side in zip(*pairs, strict=True))
    tv = 0.5 * float(np.abs(one.astype(np.float64) - several).sum(axis=1).mean())
    rows, table = torch.from_numpy(one), []
    for name, way in WAYS.items():
        parted = 0
        for _ in range(chosen.seeds):
            seeds = new_seeds(len(one), generator)
            parted += int((way(one, seeds) != way(several, seeds)).sum())
        us = microseconds(functools.partial(alone, way, one, generator), len(one))
        table.append({"way": name, "us": f"{us:.0f}", "draws": len(one) * chosen.seeds, "parted": parted})
    us = microseconds(lambda row: torch.multinomial(rows[row], 1, generator=generator), len(one))
    table.append({"way": "multinomial", "us": f"{us:.0f}", "draws": 0, "parted": 0})
    machine = {"threads": torch.get_num_threads(), "cpu": cpu_name(), "cpu_capability": cpu_capability()}
    told = {"model": chosen.model, "layout": chosen.layout, "temperature": chosen.temperature, "tv": f"{tv:.2e}"}
    atomic_write_text(chosen.csv, csv_text(pd.DataFrame([{**line, **told, **machine} for line in table])))


if __name__ == "__main__":
    run("offbook.harness.trials.draws_benchmark", main)
