"""What a round of M rows costs the target: measured once on a machine, in a layout, and frozen.

A round is the loop's own: the tree as tensors, the step, the verifier's walk, the accepted rows moved together; where a
GPU plays these captured, it does so here. Before each, single rows are stepped for a while, untimed, as decoding mostly
does: behind a step of many rows a few single ones take longer, until a processor's clock and caches have settled.

A controller reads this table instead of the clock, so that the same text gives the same trees in every run, and with
them the same random numbers. Rows are interleaved. What counts is the median of the ratios to the single row just
before, times the least that a single row took, for machines are slower for seconds at a time.
"""

import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import torch

from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.never_falling import never_falling
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import verifier_for
from offbook.engine.quoting import quoted

if TYPE_CHECKING:
    from offbook.engine.decoding.backbone import Backbone
    from offbook.engine.decoding.target_rounds import TargetRounds

ROWS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
CONTEXTS = (128, 512, 2048)
ROUNDS = 9
SETTLE_S = 0.02  # of single rows before each entry
OTHERS = 3  # contexts but the shortest take every third round: there are few of them, and they last


@dataclass(frozen=True, kw_only=True)
class RowCosts:
    """Seconds of one round, the drafter's apart.

    Attributes:
        contexts: committed rows behind which was measured, ascending.
        rows: of the blocks that were measured, ascending from 1.
        seconds: by context and rows.

    Raises:
        ValueError: a table of another shape, or a time that is not positive.
    """

    contexts: tuple[int, ...]
    rows: tuple[int, ...]
    seconds: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        fits = (
            bool(self.contexts)
            and self.rows[:1] == (1,)
            and all(a < b for axis in (self.contexts, self.rows) for a, b in pairwise(axis))
            and [len(line) for line in self.seconds] == [len(self.rows)] * len(self.contexts)
            and all(0.0 < second < float("inf") for line in self.seconds for second in line)
        )
        if not fits:
            msg = (
                "expected a table of positive seconds, a line for each of the ascending contexts and a column for each "
                f"of the ascending rows from 1, got {quoted(self.seconds)}; measure it anew with `offbook tune`"
            )
            raise ValueError(msg)

    def of(self, rows: int, context: int) -> float:
        """Seconds of a round of `rows` rows behind `context` committed ones.

        In between it is interpolated; outside the contexts the nearest one is taken, beyond the rows the last slope.
        """
        by_context = [_interpolated(self.rows, line, rows) for line in self.seconds]
        return _interpolated(self.contexts, by_context, min(max(context, self.contexts[0]), self.contexts[-1]))


@torch.inference_mode()
def measure_costs(
    backbone: "Backbone",
    *,
    contexts: Sequence[int] = CONTEXTS,
    rows: Sequence[int] = ROWS,
    rounds: int = ROUNDS,
) -> RowCosts:
    """Times every number of rows behind every context; contexts that the model was not made for are left out.

    Args:
        backbone: the target in the layout that is measured.
        contexts: of the table; where the model is too short for any, the longest possible.
        rows: of the table, ascending from 1, and more than that.
        rounds: each takes every entry of the shortest context once, every third those of the others.
    """
    from offbook.engine.decoding.target_rounds import Target, TargetRounds, captures, size_of  # which load transformers

    longest = backbone.context_length - max(rows)
    fitting = sorted(c for c in contexts if c <= longest) or [max(1, longest)]
    cache = backbone.new_cache(fitting[-1] + size_of(max(rows)))
    captured = TargetRounds(Target(backbone, cache, Sampling(), ())) if captures(backbone) else None
    generator = torch.Generator().manual_seed(0)
    vocab_size = backbone.embedding_VH.shape[0]
    text = torch.randint(vocab_size, (fitting[-1] + max(rows),), generator=generator).to(backbone.device)
    while cache.length < fitting[-1]:
        block = text[cache.length : min(cache.length + fitting[0], fitting[-1])]
        backbone.extend(block, cache, logits_for=1)
        cache.commit(block.shape[0])
    several_rows = [m for m in rows if m > 1]
    ratios: dict[tuple[int, int], list[float]] = {(context, m): [] for context in fitting for m in several_rows}
    least = dict.fromkeys(fitting, float("inf"))
    for number in range(rounds + 1):  # the first also makes what is made once
        for context, m in ratios:
            if number % OTHERS and context != fitting[0]:
                continue
            chain = text[context : context + m].tolist()
            settled = _now(backbone.device) + SETTLE_S
            while True:
                single = _round(backbone, chain[:1], cache, context, captured)
                if _now(backbone.device) >= settled:
                    break
            several = _round(backbone, chain, cache, context, captured)
            if number or context != fitting[0]:
                ratios[context, m].append(several / single)
                least[context] = min(least[context], single)
    return RowCosts(
        contexts=tuple(fitting),
        rows=tuple(rows),
        seconds=tuple(_line(least[context], [median(ratios[context, m]) for m in several_rows]) for context in fitting),
    )


def _line(single: float, ratios: Sequence[float]) -> tuple[float, ...]:
    """Seconds of a single row and of more, by their ratios to it; more rows never take less."""
    return tuple(round(single * max(1.0, ratio), 7) for ratio in [1.0, *never_falling(ratios)])


def _round(
    backbone: "Backbone", tokens: Sequence[int], cache: TreeCache, context: int, captured: "TargetRounds | None"
) -> float:
    """Seconds of a round of a chain behind so many rows of before, whose values do not matter."""
    cache.cut_back(min(context, cache.length))
    cache.commit(context - cache.length)
    start, tree, generator = _now(backbone.device), Tree.chain(tokens), torch.Generator(backbone.device)
    if captured is not None:
        captured.play(tree, generator)
        return _now(backbone.device) - start
    rows = tree.tensors(backbone.device)
    output = backbone.step(rows.tokens_N, cache.length + rows.depths_N, rows.visible_NN, cache)
    verdict = verifier_for(Sampling(), backbone.device)(output.logits_NV, rows, generator)
    cache.commit_path(verdict.path_R[: len(verdict.path)])
    return _now(backbone.device) - start


def _interpolated(places: Sequence[int], values: Sequence[float], at: int) -> float:
    if len(places) == 1:
        return values[0]
    right = min(max(bisect_right(places, at), 1), len(places) - 1)
    left = right - 1
    share = (at - places[left]) / (places[right] - places[left])
    return values[left] + share * (values[right] - values[left])


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
