"""Do suites leave headroom? What a model makes of their development questions, by every way of scoring.

    python -m offbook.harness.trials.headroom_benchmark                             # the forgetting suite, both halves
    python -m offbook.harness.trials.headroom_benchmark procedural_id procedural_ood --csv results/headroom.csv

Test questions are never asked: every suite is asked its validation split, as it asks its test split.

| scoring | right is |
| --- | --- |
| `written` | the suite's own score of the greedy answer, cut at the suite's own cap |
| `likelihood` | the right choice is the likeliest behind "The answer is" by character (lm-eval's `acc_norm`) |

A suite on which forgetting can be read shows the untouched model between guessing and the ceiling. The rule: at least
20 points above guessing, at most 85 % right, and the lower end of the 95 % interval (Wilson's) at least 10 points above
guessing. `named` is the share of answers that name just one choice, `ended` that of answers that end before the cap.
Guessing gets nothing where a question does not list its choices.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import tabulate

from offbook.engine.chat_answers import chat_tokens
from offbook.engine.decoding.answering import answer_all
from offbook.engine.decoding.stop import visible_text
from offbook.engine.files import atomic_write_text
from offbook.engine.quoting import quoted
from offbook.harness.roster.target import Target, load_target
from offbook.harness.statistics.intervals import Interval, wilson
from offbook.harness.suites.likelihood import choice_scores
from offbook.harness.suites.scoring import number
from offbook.harness.suites.suite import PREFIX, Suite, find_suites
from offbook.harness.tables.csv_file import csv_text
from offbook.harness.trials.benchmark_command import run
from offbook.tasks.choice_question import choice_question
from offbook.tasks.generation_settings import generation_settings

SUITES = ("forgetting", "forgetting_replay")
WIDTH = 24
ABOVE_GUESSING, LOWER_END_ABOVE, MOST = 0.20, 0.10, 0.85
MEETS = "meets the rule"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """How many development questions of a suite are right by one way of scoring.

    Attributes:
        suite: its name.
        scoring: "written" or "likelihood".
        right: how many are.
        n: of so many.
        guess: the share that guessing gets.
        named: how many answers name just one choice; None where there are no choices.
        ended: how many answers end before the cap.
    """

    suite: str
    scoring: str
    right: int
    n: int
    guess: float
    named: int | None
    ended: int

    @property
    def interval(self) -> Interval:
        """Of the share right, 95 %."""
        return wilson(self.right, self.n)

    @property
    def verdict(self) -> str:
        """`MEETS`, or what is amiss."""
        share = self.right / self.n
        if share > MOST:
            return "too easy"
        if share < self.guess + ABOVE_GUESSING - 1e-9:
            return "too hard"
        return MEETS if self.interval.low >= self.guess + LOWER_END_ABOVE else "too near to guessing"

    def row(self) -> dict[str, str]:
        """As a line of the table."""
        low, high = self.interval
        return {
            "suite": self.suite.removeprefix(PREFIX),
            "scoring": self.scoring,
            "right": str(self.right),
            "n": str(self.n),
            "share": f"{self.right / self.n:.3f}",
            "low": f"{low:.3f}",
            "high": f"{high:.3f}",
            "guess": f"{self.guess:.3f}",
            "named": "" if self.named is None else f"{self.named / self.n:.3f}",
            "ended": f"{self.ended / self.n:.3f}",
            "verdict": self.verdict,
        }


def figures(target: Target, suite: Suite, *, limit: int | None = None) -> list[Figure]:
    """What a model makes of the development questions of a suite: the figure of its own score, and of likelihood.

    Args:
        target: the model, in the layout that it is to answer in.
        suite: what it is asked.
        limit: how many questions, from the first; None for all.

    Raises:
        ValueError: a suite without development questions.
        TaskError: one that cannot be built.
    """
    task = suite.task()
    if not task.has_validation_docs():
        msg = (
            f"suite {quoted(suite.name)}: expected development questions, a validation split, got none; choose a suite "
            f"that has some, such as {SUITES[0]}"
        )
        raise ValueError(msg)
    docs = [dict(doc) for doc in task.validation_docs()][:limit]
    asked = [str(task.doc_to_text(doc)) for doc in docs]
    cap = generation_settings(task.config.generation_kwargs).max_new_tokens
    texts, ended = _written(target, asked, cap)
    written = sum(_score(task, doc, text) == 1 for doc, text in zip(docs, texts, strict=True))
    common: dict[str, Any] = {"suite": suite.name, "n": len(docs), "ended": ended}
    questions = [choice_question(doc) for doc in docs]
    choices = [question for question in questions if question is not None]
    if len(choices) < len(docs):
        return [Figure(scoring="written", right=written, guess=0, named=None, **common)]
    encode, templated = partial(target.encode, templated=target.has_chat_template), target.has_chat_template
    scores = [
        choice_scores(
            target.backbone, encode, question, prompt=_prompt(target, text), templated=templated, answer=answer
        )
        for question, text, answer in zip(choices, asked, texts, strict=True)
    ]
    chance = [1 / len(question.choices) for question in choices]
    by_guessing = [share if question.listed else 0.0 for question, share in zip(choices, chance, strict=True)]
    named = sum(found.formed for found in scores)
    return [
        Figure(scoring="written", right=written, guess=sum(by_guessing) / len(docs), named=named, **common),
        Figure(
            scoring="likelihood",
            right=sum(found.right_by_character for found in scores),
            guess=sum(chance) / len(docs),
            named=named,
            **common,
        ),
    ]


def table(found: Sequence[Figure]) -> str:
    """All figures as a Markdown table, and how many of them meet the rule."""
    lines = tabulate([figure.row() for figure in found], headers="keys", tablefmt="pipe", disable_numparse=True)
    meet = sum(figure.verdict == MEETS for figure in found)
    return f"{lines}\n\n{meet} of {len(found)} lines meet the rule."


def main(arguments: list[str] | None = None) -> None:
    """Asks, prints the table, and writes it if told to.

    Raises:
        ValueError: no such suite, one without development questions, or a model that cannot be loaded.
    """
    parser = argparse.ArgumentParser(
        prog="python -m offbook.harness.trials.headroom_benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("suites", nargs="*", default=list(SUITES), help="suites or groups, by name")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="alias, folder or Hugging Face id")
    parser.add_argument("--limit", type=int, default=None, help="development questions of each suite, from its first")
    parser.add_argument("--csv", type=Path, default=None, help="where to write the table, too")
    options = parser.parse_args(arguments)
    suites = find_suites(options.suites)
    target = load_target(options.model).for_answers()
    found: list[Figure] = []
    for done, suite in enumerate(suites, start=1):
        found += figures(target, suite, limit=options.limit)
        print(f"{done} of {len(suites)}: {suite.name}", file=sys.stderr, flush=True)
    print(table(found))
    if options.csv is not None:
        rows = [{"model": target.name, "weights": target.weights_sha256, **figure.row()} for figure in found]
        atomic_write_text(options.csv, csv_text(pd.DataFrame(rows)))


def _written(target: Target, asked: Sequence[str], cap: int) -> tuple[list[str], int]:
    """Greedy answers as text, and how many of them end before the cap."""
    limits = target.limits(cap)
    target.backbone.use_native_attention()
    try:
        answers = answer_all(
            target.backbone.model,
            target.tokenizer,
            [chat_tokens(target.tokenizer, text) for text in asked],
            [limits] * len(asked),
            width=WIDTH,
            layout=target.backbone.layout,
        )
    finally:
        target.backbone.use_tree_attention()
    texts = [
        visible_text(str(target.tokenizer.decode(answer.tokens, skip_special_tokens=True)), limits.stop_strings)
        for answer in answers
    ]
    return texts, sum(answer.finished for answer in answers)


def _prompt(target: Target, text: str) -> str:
    """A user's turn with the answer's opened, or the bare text where the model has no template."""
    return target.render_chat([{"role": "user", "content": text}]) if target.has_chat_template else text


def _score(task: Any, doc: dict[str, Any], text: str) -> float:
    """The task's first metric that is a number."""
    values = (number(value) for value in task.process_results(doc, [text]).values())
    return next((value for value in values if value is not None), 0.0)


if __name__ == "__main__":
    run("offbook.harness.trials.headroom_benchmark", main)
