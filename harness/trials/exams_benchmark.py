"""How long do the answers of an exam take in each layout of the weights, beside `generate`'s padded batches?

    python -m offbook.harness.trials.exams_benchmark results/exams.csv

A model answers the first questions of a group of suites as an exam and a development score do, once with its weights as
they are stored (rounded to bf16, which `packed` holds exactly) and once as they are in the middle of a training (moved
a little, so that only fp32 holds them). In each round every arm makes its layout and answers all questions, so that
what else the machine does meets all alike.

Columns: `make_s` to lay the weights out, `answer_s` of all answers and `cpu_s`, the process's own time for both
together, each the least over the rounds; `over_generate` how many times less of the process's own time than `generate`
takes; `same_answers` those equal to `generate`'s, token by token.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import torch
from transformers import PreTrainedModel

from offbook.engine.decoding.answering import answer_all
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.layouts.layout import Layout
from offbook.engine.decoding.layouts.packed import PackedLayout
from offbook.engine.decoding.layouts.prepacked import prepacked_layout
from offbook.engine.files import atomic_write_text
from offbook.engine.machine import cpu_capability, cpu_name
from offbook.engine.students.saving import round_to_bf16
from offbook.harness.roster.target import Target, load_target
from offbook.harness.settings.bounds import EXAM_BATCH, EXAM_TOKENS
from offbook.harness.suites.suite import find_suites
from offbook.harness.tables.csv_file import csv_text
from offbook.harness.trials.benchmark_command import run
from offbook.harness.trials.paper import set_paper
from offbook.kernels.native_library import native_available

Row = dict[str, str]
Answers = list[list[int]]
GENERATE = "generate"


@dataclass
class Arm:
    """What one layout took in each round, and what it answered in the last."""

    make_s: list[float] = field(default_factory=list)
    answer_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    answers: Answers = field(default_factory=list)


def questions(target: Target, group: str, limit: int, cap: int) -> tuple[list[list[int]], list[Limits]]:
    """The first `limit` documents of every suite of a group as token ids, and where their answers end."""
    paper = set_paper({"id": find_suites([group])}, target, limit=limit, max_new_tokens=cap, batch_size=EXAM_BATCH)
    asked = [request for suite in paper.asked for request in suite.requests]
    prompts = [target.encode(request.prompt, templated=paper.chat_template) for request in asked]
    return prompts, [target.limits(cap, request.stop_strings) for request in asked]


def move_a_little(model: PreTrainedModel) -> None:
    """Weights as a training leaves them: near where they were, and in no small form."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1 + 1e-4 * torch.randn(weight.shape, generator=generator))


WEIGHTS: dict[str, Callable[[PreTrainedModel], None]] = {"stored": round_to_bf16, "in training": move_a_little}
ARMS: dict[str, Callable[[Backbone], Layout | None]] = {
    GENERATE: lambda backbone: None,
    "prepacked": lambda backbone: prepacked_layout(backbone.model, backbone.plain),
    "packed": lambda backbone: PackedLayout(backbone.model),
}


def take_turns(
    target: Target, prompts: Sequence[Sequence[int]], limits: Sequence[Limits], width: int, rounds: int
) -> dict[str, Arm]:
    """Every arm answers all prompts in each round; without C code here there is no packed one."""
    names = [name for name in ARMS if name != "packed" or native_available()[0]]
    arms = {name: Arm() for name in names}
    for _ in range(rounds):
        for name, arm in arms.items():
            start, cpu = time.perf_counter(), time.process_time()
            layout = ARMS[name](target.backbone)
            made = time.perf_counter()
            found = answer_all(target.backbone.model, target.tokenizer, prompts, limits, width=width, layout=layout)
            arm.make_s.append(made - start)
            arm.answer_s.append(time.perf_counter() - made)
            arm.cpu_s.append(time.process_time() - cpu)
            arm.answers = [answer.tokens for answer in found]
    return arms


def line(name: str, arms: dict[str, Arm]) -> Row:
    """As the module says."""
    arm, plain = arms[name], arms[GENERATE]
    same = sum(ours == theirs for ours, theirs in zip(arm.answers, plain.answers, strict=True))
    return {
        "arm": name,
        "documents": str(len(arm.answers)),
        "tokens": str(sum(map(len, arm.answers))),
        "same_answers": str(same),
        "make_s": f"{min(arm.make_s):.2f}",
        "answer_s": f"{min(arm.answer_s):.2f}",
        "cpu_s": f"{min(arm.cpu_s):.2f}",
        "over_generate": f"{min(plain.cpu_s) / min(arm.cpu_s):.2f}",
    }


def measure(
    model: str, group: str, limit: int, widths: Sequence[int], rounds: int, cap: int = EXAM_TOKENS
) -> list[Row]:
    """One line for each kind of weights, width and arm."""
    table = []
    for weights, change in WEIGHTS.items():
        target = load_target(model, device="cpu", layout="transformers")
        change(target.backbone.model)
        target.backbone.use_native_attention()
        prompts, limits = questions(target, group, limit, cap)
        for width in widths:
            arms = take_turns(target, prompts, limits, width, rounds)
            table += [{"weights": weights, "width": str(width), **line(name, arms)} for name in arms]
    return table


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, nargs="?", default=Path("exams.csv"))
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--group", default="procedural_id")
    parser.add_argument("--limit", type=int, default=6)
    parser.add_argument("--widths", type=int, nargs="+", default=[EXAM_BATCH])
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args()
    where = {"threads": str(torch.get_num_threads()), "cpu": cpu_name(), "cpu_capability": cpu_capability()}
    table = [
        {"model": chosen.model, **found, "rounds": str(chosen.rounds), **where}
        for found in measure(chosen.model, chosen.group, chosen.limit, chosen.widths, chosen.rounds)
    ]
    atomic_write_text(chosen.csv, csv_text(pd.DataFrame(table)))


if __name__ == "__main__":
    run("offbook.harness.trials.exams_benchmark", main)
