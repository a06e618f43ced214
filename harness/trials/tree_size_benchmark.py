"""How many tokens a second does a drafter give with trees of each size, and how many do its row costs predict?

    offbook train-drafter ngram_table --output runs/ngram_table
    python -m offbook.harness.trials.tree_size_benchmark results/tree_size.csv --decoder ngram_table --drafter
    runs/ngram_table
    python -m offbook.harness.trials.tree_size_benchmark results/tree_size_qwen2.csv --model qwen2.5-0.5b-shape
    --decoder token_recycling --layouts prepacked packed --sizes 1 3 7 15 31 --prompts 3 --tokens 24

Development prompts, which no drafter has learned from, are answered greedily by plain decoding and with trees of 1 to
31 candidates, in turn and in another order for every prompt, so that what else the machine does meets all alike.
`measured_tokens_per_s` is tokens over seconds of rounds, the prefill on neither side.

`predicted_tokens_per_s` knows only what rows cost (`engine.decoding.costs`), how long a draft takes, and what the
drafter proposes to these answers when they are replayed: tokens of the replayed rounds over the sum of their costs. A
line of size 0 is plain decoding. Where the curves part, a round costs something that is neither rows nor drafting.

Models of `random_shapes` are asked random tokens, by a decoder that needs no drafter. What they accept means nothing;
their lines are speeds and nothing else, as `weights` says.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median

import pandas as pd
import torch
from pydantic import JsonValue

from offbook.engine.decoding.costs import RowCosts, measure_costs
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import make_ready
from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.layouts.names import AUTO, LAYOUTS
from offbook.engine.decoding.replay import KnownText, Proposal, replay
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.files import atomic_write_text
from offbook.engine.machine import cpu_capability, cpu_name
from offbook.engine.progress import Silent
from offbook.harness.artifacts.tune import answers_to, development_tokens
from offbook.harness.roster.arms import Arm, build_arm
from offbook.harness.roster.decoders import BASELINE, contender
from offbook.harness.roster.target import Target, load_target
from offbook.harness.tables.csv_file import csv_text
from offbook.harness.trials.benchmark_command import run
from offbook.harness.trials.random_shapes import NAMES, random_prompts, random_target

SIZES = (1, 2, 3, 5, 7, 11, 15, 23, 31)  # candidates below the root
PLAIN = 0
CONTEXTS = (64, 256)  # prompts are short


@dataclass
class Side:
    """One size of tree: its arm, and what came of it."""

    size: int
    arm: Arm
    generations: list[Generation] = field(default_factory=list)
    rounds: list[list[Proposal]] = field(default_factory=list)

    def measured(self) -> float:
        """Tokens a second of decoding."""
        tokens = sum(len(one.tokens) - one.prefill_committed for one in self.generations)
        return tokens / sum(one.decode_s for one in self.generations)

    def acceptance_length(self) -> float:
        """Tokens of a replayed round."""
        return mean(len(one.committed) for answer in self.rounds for one in answer)

    def rows(self) -> float:
        """Of a replayed round's tree, on average."""
        return mean(len(one.tree) for answer in self.rounds for one in answer)

    def predicted(self, costs: RowCosts) -> float:
        """Tokens a second by what rows and drafts cost."""
        draft_s = median(one.draft_s for answer in self.rounds for one in answer[1:] or answer)
        every = [one for answer in self.rounds for one in answer]
        seconds = sum(costs.of(len(one.tree), one.context) + (draft_s if self.size else 0.0) for one in every)
        return sum(len(one.committed) for one in every) / seconds


def sides(
    target: Target,
    decoder: str,
    sizes: Sequence[int],
    *,
    option: str,
    fixed: Mapping[str, JsonValue],
    drafter: Path | None,
) -> list[Side]:
    """Plain decoding, and a decoder with trees of each size.

    Args:
        target: in its layout.
        decoder: of the roster.
        sizes: of trees.
        option: of the decoder, which sets the size.
        fixed: its other settings.
        drafter: folder of its trained drafter.

    Raises:
        ValueError: see `build_arm`.
    """
    chosen = contender(decoder)
    return [
        Side(PLAIN, build_arm(target, contender(BASELINE))),
        *(
            Side(size, build_arm(target, chosen, options={**fixed, option: size}, drafter_folder=drafter))
            for size in sizes
        ),
    ]


def measure(
    target: Target, found: Sequence[Side], asked: Sequence[Sequence[int]], tokens: int
) -> list[dict[str, object]]:
    """Decodes and replays; one line a size.

    Args:
        target: in its layout.
        found: of `sides`.
        asked: prompts as token ids.
        tokens: of each answer, at most.

    Raises:
        ValueError: a decoder without rounds in offbook's loop.
    """
    load, costs = os.getloadavg()[0], measure_costs(target.backbone, contexts=CONTEXTS)
    answers = answers_to(target, asked, 0.0, Silent(), tokens=tokens)
    for side in found:
        make_ready(side.arm.decoder, sampling=Sampling(), rows=max(map(len, asked), default=0) + tokens)
    for number, known in enumerate(answers):
        turn = number % len(found)
        for side in [*found[turn:], *found[:turn]]:
            side.generations.append(_decoded(target, side.arm, known, tokens))
    for side in found:
        side.rounds = [_rounds(side, known) for known in answers if len(known.answer) > 1]
    plain_s, plain_predicted = found[0].measured(), found[0].predicted(costs)
    return [
        {
            "layout": target.backbone.layout.name,
            "size": side.size,
            "rows": round(side.rows(), 2),
            "acceptance_length": round(side.acceptance_length(), 3),
            "measured_tokens_per_s": round(side.measured(), 2),
            "predicted_tokens_per_s": round(side.predicted(costs), 2),
            "measured_speedup": round(side.measured() / plain_s, 3),
            "predicted_speedup": round(side.predicted(costs) / plain_predicted, 3),
            "prompts": len(answers),
            "load": round(load, 2),
            "threads": torch.get_num_threads(),
            "cpu": cpu_name(),
            "cpu_capability": cpu_capability(),
        }
        for side in found
    ]


def _decoded(target: Target, arm: Arm, known: KnownText, tokens: int) -> Generation:
    return arm.decoder.generate(
        torch.tensor([known.prompt], device=target.device),
        sampling=Sampling(temperature=0.0),
        limits=target.limits(tokens),
        generator=target.generator(0),
    )


def _rounds(side: Side, known: KnownText) -> list[Proposal]:
    if not isinstance(side.arm.decoder, SpeculativeDecoder):
        msg = f"{side.arm.name}: expected a decoder with rounds in offbook's loop, got one of its own; name another"
        raise ValueError(msg)
    return replay(side.arm.decoder.drafter, known)


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, nargs="?", default=Path("tree_size.csv"))
    parser.add_argument("--model", default="smollm2-135m-instruct", help=f"alias, folder, id, or {' or '.join(NAMES)}")
    parser.add_argument("--layouts", nargs="+", default=[AUTO], choices=[AUTO, *LAYOUTS])
    parser.add_argument("--decoder", required=True)
    parser.add_argument("--option", default="nodes", help="the decoder's setting that is the size of its tree")
    parser.add_argument("--drafter", type=Path, help="folder of its trained drafter")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--prompts", type=int, default=6)
    parser.add_argument("--tokens", type=int, default=48, help="of each answer, at most")
    chosen = parser.parse_args()
    random, settings = chosen.model in NAMES, contender(chosen.decoder).options.model_fields
    whole = "least" in settings and chosen.option != "least"
    fixed = {"least": 0.0} if whole else {}  # or few trees are as large as they may be
    if random:
        target = random_target(chosen.model)
        asked = random_prompts(chosen.prompts, int(target.backbone.config.vocab_size))
    else:
        target = load_target(chosen.model, device="cpu", layout="transformers")
        asked = development_tokens(target, chosen.prompts)
    of = {"model": chosen.model, "weights": "random" if random else "its own", "decoder": chosen.decoder}
    lines = [
        of | line
        for layout in chosen.layouts
        for here in [target.under(layout)]
        for line in measure(
            here,
            sides(here, chosen.decoder, chosen.sizes, option=chosen.option, fixed=fixed, drafter=chosen.drafter),
            asked,
            chosen.tokens,
        )
    ]
    atomic_write_text(chosen.csv, csv_text(pd.DataFrame(lines)))


if __name__ == "__main__":
    run("offbook.harness.trials.tree_size_benchmark", main)
