"""What do rows cost in each layout of the weights, and how near does one row come to the machine's memory bandwidth?

    python -m offbook.harness.trials.layouts_benchmark results/layouts.csv

Every layout that this machine has takes blocks of 1, 2, 4 ... rows behind committed ones, in turn: in each round every
layout runs every number of rows once, so that what else the machine does meets all alike, and bandwidth is read in each
round too. The library's own `generate` decodes beside them, without its prefill. Ratios are of minima over the rounds.
Before each block its layout runs single rows for a while, untimed, as decoding mostly does (`engine.decoding.costs`).

Columns: `ms_min` and `ms_median` of a block; `over_one_row` the cost of so many rows over one row of the same layout,
`over_best_one_row` over the best one-row block of all exact layouts; `over_generate` how many times faster than a token
of `generate` (one row only); `bytes_read` of the weights of a step, `floor_ms` these over the bandwidth, and
`floor_share` the part of `ms_min` that this is; `settle_ms` how long single rows were run, nothing in older lines.
Lines of a model of `random_shapes` are speeds and nothing else. Lines that the file has of other models and other
machines stay; `measured` is the day.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import torch
from transformers import PreTrainedModel

from offbook.engine import pretrained
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.costs import SETTLE_S
from offbook.engine.decoding.layouts.choose import choose_layout
from offbook.engine.decoding.layouts.layout import Layout, causal_block
from offbook.engine.decoding.layouts.names import LAYOUTS
from offbook.engine.machine import cpu_capability, cpu_name
from offbook.engine.machine_bandwidth import read_bandwidth
from offbook.harness.trials.benchmark_command import run
from offbook.harness.trials.random_shapes import NAMES, random_model
from offbook.harness.trials.tables_of_machines import table_before, write_beside_others

Row = dict[str, str]
GENERATE = "generate"
GENERATED = 16  # tokens of `generate` in a round, which has no step of its own


@dataclass
class Arm:
    """One layout with committed rows in its cache, and the seconds of its blocks by number of rows."""

    name: str
    bytes_read: int
    run: Callable[[int], float]
    seconds: dict[int, list[float]] = field(default_factory=dict)

    def measure(self, rows: int) -> None:
        """Runs one block."""
        self.seconds.setdefault(rows, []).append(self.run(rows))

    def best(self, rows: int) -> float:
        """The least seconds."""
        return min(self.seconds[rows])


def layout_arm(layout: Layout, backbone: Backbone, context: int, most: int, bytes_read: int) -> Arm:
    """Blocks of tokens behind `context` committed rows; none is committed."""
    vocabulary = int(backbone.config.vocab_size)
    tokens = torch.randint(vocabulary, (context + most,), generator=torch.Generator().manual_seed(0))
    cache = TreeCache(num_layers=int(backbone.config.num_hidden_layers), capacity=context + most)

    def block(first: int, rows: int) -> float:
        positions, visible = causal_block(first, rows)
        start = time.perf_counter()
        with torch.inference_mode():
            layout.step(tokens[first : first + rows], positions, visible, cache)
        return time.perf_counter() - start

    def settled(rows: int) -> float:
        end = time.perf_counter() + SETTLE_S
        while time.perf_counter() < end:
            block(context, 1)
        return block(context, rows)

    block(0, context)
    cache.commit(context)
    return Arm(name=layout.name, bytes_read=bytes_read, run=settled)


def generate_arm(model: PreTrainedModel, backbone: Backbone, context: int, bytes_read: int) -> Arm:
    """Seconds a token of the library's own greedy loop: so many tokens less one token, whose time is the prefill's."""
    tokens_1T = torch.randint(int(backbone.config.vocab_size), (1, context), generator=torch.Generator().manual_seed(0))

    def seconds(count: int) -> float:
        start = time.perf_counter()
        model.generate(  # type: ignore[operator]
            tokens_1T,
            attention_mask=torch.ones_like(tokens_1T),
            do_sample=False,
            min_new_tokens=count,
            max_new_tokens=count,
        )
        return time.perf_counter() - start

    def run(rows: int) -> float:
        assert rows == 1
        backbone.use_native_attention()
        try:
            return (seconds(1 + GENERATED) - seconds(1)) / GENERATED
        finally:
            backbone.use_tree_attention()

    return Arm(name=GENERATE, bytes_read=bytes_read, run=run)


def measure(model: PreTrainedModel, names: Sequence[str], rows: Sequence[int], context: int, rounds: int) -> list[Row]:
    """One line for each arm and number of rows."""
    backbone = Backbone(model)
    all_bytes = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    arms = [generate_arm(model, backbone, context, all_bytes)]
    for name in names:
        try:
            chosen = choose_layout(name, model, backbone.plain)
        except ValueError as reason:
            print(f"left out: {reason}")
            continue
        found = chosen.facts.get("bytes_read", all_bytes)
        assert isinstance(found, int)
        arms.append(layout_arm(chosen.layout, backbone, context, max(rows), found))
    bandwidths, load = [], os.getloadavg()[0]
    for _ in range(rounds):
        bandwidths.append(read_bandwidth(1))
        for count in rows:
            for arm in arms:
                if count == 1 or arm.name != GENERATE:
                    arm.measure(count)
    return [
        line(arm, count, arms, max(bandwidths), {"context": str(context), "rounds": str(rounds), "load": f"{load:.2f}"})
        for arm in arms
        for count in arm.seconds
    ]


def line(arm: Arm, rows: int, arms: Sequence[Arm], bandwidth: float, where: Mapping[str, str]) -> Row:
    """As the module says."""
    best, exact = arm.best(rows), [other.best(1) for other in arms if other.name != GENERATE]
    floor_s = arm.bytes_read / bandwidth
    return {
        "layout": arm.name,
        "rows": str(rows),
        **where,
        "ms_min": f"{1e3 * best:.2f}",
        "ms_median": f"{1e3 * statistics.median(arm.seconds[rows]):.2f}",
        "over_one_row": f"{best / arm.best(1):.3f}",
        "over_best_one_row": f"{best / min(exact):.3f}",
        "over_generate": f"{arms[0].best(1) / best:.2f}" if rows == 1 else "",
        "bytes_read": str(arm.bytes_read),
        "bandwidth_gb_per_s": f"{bandwidth / 1e9:.2f}",
        "floor_ms": f"{1e3 * floor_s:.2f}",
        "floor_share": f"{floor_s / best:.3f}",
        "settle_ms": f"{1e3 * SETTLE_S:.0f}",
        "threads": str(torch.get_num_threads()),
        "cpu": cpu_name(),
        "cpu_capability": cpu_capability(),
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, nargs="?", default=Path("layouts.csv"))
    parser.add_argument("--model", default="smollm2-135m-instruct", help=f"alias, folder, id, or {' or '.join(NAMES)}")
    parser.add_argument("--layouts", nargs="+", default=list(LAYOUTS), choices=LAYOUTS)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 2, 3, 4, 6, 8, 12, 16, 24, 32])
    parser.add_argument("--contexts", type=int, nargs="+", default=[128])
    parser.add_argument("--rounds", type=int, default=30)
    chosen = parser.parse_args()
    try:
        before = table_before(chosen.csv)
    except ValueError as error:
        parser.error(str(error))
    model = random_model(chosen.model) if chosen.model in NAMES else pretrained.load(chosen.model)[0]
    rows = sorted({1, *chosen.rows})
    table = [
        {"model": chosen.model, **found}
        for context in chosen.contexts
        for found in measure(model, chosen.layouts, rows, context, chosen.rounds)
    ]
    write_beside_others(chosen.csv, before, table)


if __name__ == "__main__":
    run("offbook.harness.trials.layouts_benchmark", main)
