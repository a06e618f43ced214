"""How many tokens a second does plain decoding give behind a short and behind a long text, in each layout?

    python -m offbook.harness.trials.contexts_benchmark results/contexts.csv
    python -m offbook.harness.trials.contexts_benchmark results/contexts_qwen2.csv --model qwen2.5-0.5b-shape

Steps of one row are timed behind 128 to 4,096 committed rows. In each round every layout takes every context once, so
that what else the machine does meets all alike; `ms_min` and `ms_median` are over the rounds, and `tokens_per_s` is one
token over `ms_min`. Models of `random_shapes` have random weights: their lines are speeds and nothing else, as
`weights` says.
"""

import argparse
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch
from transformers import PreTrainedModel

from offbook.engine import pretrained
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.layouts.choose import choose_layout
from offbook.engine.decoding.layouts.layout import Layout, causal_block
from offbook.engine.decoding.layouts.names import LAYOUTS
from offbook.engine.files import atomic_write_text
from offbook.engine.machine import cpu_capability, cpu_name
from offbook.harness.tables.csv_file import csv_text
from offbook.harness.trials.benchmark_command import run
from offbook.harness.trials.random_shapes import NAMES, random_model

CONTEXTS = (128, 256, 512, 1024, 2048, 4096)
PREFILL = 128  # rows of a block


class Steps:
    """Steps of one row in one layout, behind any number of committed rows up to the longest."""

    def __init__(self, layout: Layout, backbone: Backbone, longest: int) -> None:
        self.layout = layout
        self.seconds: dict[int, list[float]] = {}
        vocabulary = int(backbone.config.vocab_size)
        self._tokens = torch.randint(vocabulary, (longest + 1,), generator=torch.Generator().manual_seed(0))
        self._cache = TreeCache(num_layers=int(backbone.config.num_hidden_layers), capacity=longest + 1)
        for start in range(0, longest, PREFILL):
            rows = min(PREFILL, longest - start)
            self._step(start, rows)
            self._cache.commit(rows)

    def measure(self, context: int) -> None:
        """Times one step behind so many rows."""
        self._cache.cut_back(min(context, self._cache.length))
        self._cache.commit(context - self._cache.length)  # rows of before, whose values do not matter
        start = time.perf_counter()
        self._step(context, 1)
        self.seconds.setdefault(context, []).append(time.perf_counter() - start)

    def _step(self, first: int, rows: int) -> None:
        positions, visible = causal_block(first, rows)
        with torch.inference_mode():
            self.layout.step(self._tokens[first : first + rows], positions, visible, self._cache, logits_for=1)


def measure(
    model: PreTrainedModel, layouts: Sequence[str], contexts: Sequence[int], rounds: int
) -> list[dict[str, str]]:
    """One line for each layout that is to be had and each context that the model was made for.

    Raises:
        ValueError: no context that it was made for.
    """
    backbone = Backbone(model)
    fitting = sorted(context for context in contexts if context < backbone.context_length)
    if not fitting:
        msg = f"expected contexts below {backbone.context_length}, the model's, got {[*contexts]}; choose shorter ones"
        raise ValueError(msg)
    arms = []
    for name in layouts:
        try:
            layout = choose_layout(name, model, backbone.plain).layout
        except ValueError as reason:
            print(f"left out: {reason}")
            continue
        arms.append(Steps(layout, backbone, fitting[-1]))
    load = os.getloadavg()[0]
    for _ in range(rounds):
        for context in fitting:
            for arm in arms:
                arm.measure(context)
    return [
        {
            "layout": arm.layout.name,
            "context": str(context),
            "rounds": str(rounds),
            "load": f"{load:.2f}",
            "ms_min": f"{1e3 * min(arm.seconds[context]):.2f}",
            "ms_median": f"{1e3 * statistics.median(arm.seconds[context]):.2f}",
            "tokens_per_s": f"{1 / min(arm.seconds[context]):.2f}",
            "threads": str(torch.get_num_threads()),
            "cpu": cpu_name(),
            "cpu_capability": cpu_capability(),
        }
        for arm in arms
        for context in fitting
    ]


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, nargs="?", default=Path("contexts.csv"))
    parser.add_argument("--model", default="smollm2-135m-instruct", help=f"alias, folder, id, or {' or '.join(NAMES)}")
    parser.add_argument("--layouts", nargs="+", default=list(LAYOUTS), choices=LAYOUTS)
    parser.add_argument("--contexts", type=int, nargs="+", default=list(CONTEXTS))
    parser.add_argument("--rounds", type=int, default=10)
    chosen = parser.parse_args()
    random = chosen.model in NAMES
    model = random_model(chosen.model) if random else pretrained.load(chosen.model)[0]
    of = {"model": chosen.model, "weights": "random" if random else "its own"}
    found = measure(model, chosen.layouts, chosen.contexts, chosen.rounds)
    atomic_write_text(chosen.csv, csv_text(pd.DataFrame([of | line for line in found])))


if __name__ == "__main__":
    run("offbook.harness.trials.contexts_benchmark", main)
