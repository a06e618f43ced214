"""What does it cost an exam to measure more than its answers, in each layout of the weights?

    python -m offbook.harness.trials.exam_measures_benchmark results/exam_measures.csv

A model answers the first questions of a group in distribution and of one out of it, as an exam does; then right answers
and choices are scored by likelihood (`exam_measures`), and it is held against its own laws on generic texts
(`divergence`), as a student is against its base model's.

Columns: `documents` and `tokens` of the answers (of the texts for `divergence`), `answer_s` to generate them,
`measure_s` for what is measured behind them, and `over_answers`, how many times the seconds of the answers that takes.
"""

import argparse
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
import torch

from offbook.engine.files import atomic_write_text
from offbook.engine.machine import cpu_capability, cpu_name
from offbook.engine.progress import Silent
from offbook.harness.roster.target import Target, load_target
from offbook.harness.settings.bounds import EXAM_BATCH, EXAM_TOKENS
from offbook.harness.suites.suite import find_suites
from offbook.harness.tables.csv_file import csv_text
from offbook.harness.trials.benchmark_command import run
from offbook.harness.trials.divergence import divergence, make_reference
from offbook.harness.trials.exam_answers import answer_paper, answer_texts
from offbook.harness.trials.exam_measures import measure
from offbook.harness.trials.paper import Paper, set_paper
from offbook.harness.trials.reference import generic_texts
from offbook.kernels.native_library import native_available
from offbook.tasks.exam_groups import Group

Row = dict[str, str]
GROUPS: dict[Group, str] = {"id": "procedural_id", "form": "procedural_ood"}


def lines(target: Target, papers: Mapping[Group, Paper]) -> Iterator[Row]:
    """A line for each group, and one for the divergence."""
    for group, paper in papers.items():
        prompts = {
            name: target.encode(request.prompt, templated=paper.chat_template) for name, request in paper.questions()
        }
        began = time.perf_counter()
        answers = answer_paper(paper, target, "", prompts, "", Silent())
        answered = time.perf_counter()
        measure(paper, target, answer_texts(paper, target, answers), "", Silent())
        ended = time.perf_counter()
        tokens = sum(len(answer.tokens) for answer in answers.answers)
        yield _line(group, len(prompts), tokens, answered - began, ended - answered)
    texts = generic_texts(target)
    made = make_reference("", target.backbone, texts, Silent())
    began = time.perf_counter()
    divergence(made, target.backbone, "", Silent())
    yield _line("divergence", len(texts), sum(len(text.tokens) for text in texts), None, time.perf_counter() - began)


def table(model: str, groups: Mapping[Group, str], limit: int, cap: int = EXAM_TOKENS) -> list[Row]:
    """The lines of every layout that is to be had here."""
    target = load_target(model, device="cpu", layout="transformers")
    papers = {
        group: set_paper({group: find_suites([name])}, target, limit=limit, max_new_tokens=cap, batch_size=EXAM_BATCH)
        for group, name in groups.items()
    }
    layouts = ["transformers", "prepacked", *(["packed"] if native_available()[0] else [])]
    return [{"layout": layout, **line} for layout in layouts for line in lines(target.under(layout), papers)]


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, nargs="?", default=Path("exam_measures.csv"))
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--limit", type=int, default=4, help="documents of each suite, from its first")
    chosen = parser.parse_args()
    where = {"threads": str(torch.get_num_threads()), "cpu": cpu_name(), "cpu_capability": cpu_capability()}
    found = [{"model": chosen.model, **line, **where} for line in table(chosen.model, GROUPS, chosen.limit)]
    atomic_write_text(chosen.csv, csv_text(pd.DataFrame(found)))


def _line(what: str, documents: int, tokens: int, answer_s: float | None, measure_s: float) -> Row:
    return {
        "what": what,
        "documents": str(documents),
        "tokens": str(tokens),
        "answer_s": "" if answer_s is None else f"{answer_s:.2f}",
        "measure_s": f"{measure_s:.2f}",
        "over_answers": "" if answer_s is None else f"{measure_s / answer_s:.2f}",
    }


if __name__ == "__main__":
    run("offbook.harness.trials.exam_measures_benchmark", main)
