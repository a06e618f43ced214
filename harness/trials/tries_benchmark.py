"""What does a decoder accept under each of the settings that it may be tried with, at temperature 0 and above?

    offbook train-drafter jakiro_decoupled --output runs/apart
    python -m offbook.harness.trials.tries_benchmark tries.csv --decoder jakiro_decoupled --drafter runs/apart

Development prompts, which no drafter has learned from, are answered under every one of the contender's `tries`, in turn
and each time in another order, by true decoding: what candidates that are *drawn* are worth shows in no replay. All
settings answer a prompt from one seed. No test prompt is read.

Columns: `acceptance_length`, committed tokens per round; `level_1` and further, the share of rounds that accept a
candidate at that level of the tree; `draft_ms` of a usual round, beside its `round_ms`; `tokens_per_s` of rounds. Times
are of this process, so read them beside each other.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import pandas as pd
import torch

from offbook.engine.chat_answers import chat_tokens
from offbook.engine.decoding.decoder import make_ready
from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.layouts.names import AUTO, LAYOUTS
from offbook.engine.decoding.metrics import acceptance_length, decode_tokens_per_second
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.files import atomic_write_text
from offbook.engine.progress import Progress, progress
from offbook.harness.artifacts.tune import development_prompts
from offbook.harness.roster.arms import build_arm
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.target import Target, load_target
from offbook.harness.tables.csv_file import csv_text
from offbook.harness.trials.acceptance_benchmark import of_size
from offbook.harness.trials.benchmark_command import run

LEVELS = 7  # that have a column; no published tree is deeper

Row = dict[str, str]


def measure(
    target: Target,
    chosen: Contender,
    folder: Path | None,
    *,
    nodes: int,
    prompts: int,
    tokens: int,
    temperature: float,
    progress: Progress,
) -> list[Row]:
    """A line for each setting.

    Args:
        target: in the layout that decodes.
        chosen: whose settings are tried.
        folder: its trained drafter.
        nodes: of the tree, root included.
        prompts: how many are answered, the suites in turn.
        tokens: cap on each answer.
        temperature: of the answers.
        progress: is told.

    Raises:
        ValueError: see `build_arm`; also where a decoder has no tree whose nodes could be counted.
    """
    size = of_size(chosen, nodes)
    arms = [build_arm(target, chosen, options=size | dict(one), drafter_folder=folder) for one in chosen.tries]
    asked = [chat_tokens(target.tokenizer, prompt.asked) for prompt in development_prompts(prompts)]
    for arm in arms:
        rows = max(map(len, asked), default=0) + tokens
        make_ready(arm.decoder, sampling=Sampling(temperature=temperature), rows=rows)
    found: list[list[Generation]] = [[] for _ in arms]
    for number, ids in enumerate(asked):
        progress.update(number, len(asked), f"answers at temperature {temperature:g}")
        for turn in range(len(arms)):
            place = (number + turn) % len(arms)
            answer = arms[place].decoder.generate(
                torch.tensor([ids], device=target.device),
                sampling=Sampling(temperature=temperature),
                limits=target.limits(min(tokens, target.backbone.context_length - len(ids))),
                generator=target.generator(number),
            )
            found[place].append(answer)
    where = {"nodes": str(nodes), "layout": target.backbone.layout.name}
    return [
        {
            "decoder": chosen.name,
            "settings": json.dumps(dict(one), sort_keys=True),
            "temperature": f"{temperature:g}",
            **line(answers),
            **where,
        }
        for one, answers in zip(chosen.tries, found, strict=True)
    ]


def line(answers: Sequence[Generation]) -> Row:
    """What answers under one setting come to."""
    rounds = [one for answer in answers for one in answer.rounds]
    times = [time for answer in answers for time in answer.times]
    known = [time.draft_s for time in times if time.draft_s is not None]
    return {
        "prompts": str(len(answers)),
        "rounds": str(len(rounds)),
        "tokens": str(sum(one.committed for one in rounds)),
        "acceptance_length": f"{acceptance_length(answers):.3f}",
        **{
            f"level_{level}": f"{sum(one.accepted >= level for one in rounds) / len(rounds):.3f}" if rounds else ""
            for level in range(1, LEVELS + 1)
        },
        "draft_ms": f"{1e3 * median(known):.2f}" if known and len(known) == len(times) else "",
        "round_ms": f"{1e3 * median(time.wall_s for time in times):.2f}" if times else "",
        "tokens_per_s": f"{decode_tokens_per_second(answers):.2f}",
    }


def _main() -> None:
    parser = argparse.ArgumentParser(description="What a decoder accepts under each setting that it is tried with.")
    parser.add_argument("path", type=Path, help="CSV file to write")
    parser.add_argument("--decoder", required=True, help="of the roster")
    parser.add_argument("--drafter", type=Path, default=None, help="folder of its trained drafter")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="alias, local folder, or Hugging Face id")
    parser.add_argument("--layout", default=AUTO, choices=[AUTO, *LAYOUTS], help="of the target's weights")
    parser.add_argument("--nodes", type=int, default=16, help="of the tree, root included")
    parser.add_argument("--prompts", type=int, default=24, help="development prompts, the suites in turn")
    parser.add_argument("--tokens", type=int, default=64, help="cap on each answer")
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.0, 1.0], help="of the answers")
    chosen = parser.parse_args()
    target, who = load_target(chosen.model, layout=chosen.layout), contender(chosen.decoder)
    rows: list[Row] = []
    with progress() as bar:
        for temperature in chosen.temperatures:
            rows += measure(
                target,
                who,
                chosen.drafter,
                nodes=chosen.nodes,
                prompts=chosen.prompts,
                tokens=chosen.tokens,
                temperature=temperature,
                progress=bar,
            )
    text = csv_text(pd.DataFrame(rows))
    atomic_write_text(chosen.path, text)
    print(text, end="")


if __name__ == "__main__":
    run("offbook.harness.trials.tries_benchmark", _main)
