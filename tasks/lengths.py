"""How long a model's own answers to the development questions of suites are: what the caps of these are chosen by.

    python -m offbook.tasks.lengths                          # word problems, and the forgetting suite
    python -m offbook.tasks.lengths procedural_ood --cap 512

Prints, for each suite and each group asked for, the share of greedy answers that end by themselves within each cap. A
suite is asked its validation split as it asks its test split; the latter is not touched. Of the embedded prompts, which
have no such split, `offbook.tasks.prompts.lengths` does the same on training prompts.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.layouts.names import AUTO, LAYOUTS
from offbook.engine.pretrained import load
from offbook.engine.quoting import quoted
from offbook.tasks import TASKS_PATH
from offbook.tasks.build import build
from offbook.tasks.index import task_index
from offbook.tasks.prompts.lengths import CAPS, answer_lengths, lines

SUITES = ("procedural_one_step", "procedural_two_steps", "forgetting", "forgetting_replay")
PREFIX = "offbook_"


class Question(NamedTuple):
    """A development question of a suite: `id` is the suite's name and its place there."""

    id: str
    suite: str
    asked: str


def development(group: str, limit: int | None = None) -> list[Question]:
    """The development questions of a suite, or of all suites of a group, the first `limit` of each.

    Raises:
        ValueError: no such suite, or one without development questions.
    """
    manager = task_index([TASKS_PATH])
    name = group if group in manager.task_index else PREFIX + group
    if name not in manager.task_index:
        msg = f"expected a suite or a group of offbook's, got {quoted(group)}; `offbook ls` lists them"
        raise ValueError(msg)
    return [question for suite, task in build(name, manager).items() for question in _questions(suite, task, limit)]


def main(arguments: list[str] | None = None) -> int:
    """Ask and print; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m offbook.tasks.lengths",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("suites", nargs="*", default=list(SUITES), help="suites or groups, by name")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="alias, folder or Hugging Face id")
    parser.add_argument("--limit", type=int, default=None, help="development questions of each suite, from its first")
    parser.add_argument("--cap", type=int, default=CAPS[-1], help="tokens after which an answer counts as endless")
    parser.add_argument("--layout", choices=(AUTO, *LAYOUTS), default=AUTO, help="of the model's weights")
    options = parser.parse_args(arguments)
    try:
        groups = {group: development(group, options.limit) for group in options.suites}
        model, tokenizer = load(options.model, dtype=torch.float32)
        layout = Backbone(model).under(options.layout).layout
    except ValueError as error:
        parser.error(str(error))
    asked = list({question.id: question for found in groups.values() for question in found}.values())
    lengths = answer_lengths(
        model,
        tokenizer,
        asked,
        cap=options.cap,
        layout=layout,
        progress=lambda ended, total: print(f"{ended} of {total} answers have ended", file=sys.stderr, flush=True),
    )
    by_suite: dict[str, list[int]] = {}
    for group, found in groups.items():
        for question in found:
            by_suite.setdefault(question.suite, []).append(lengths[question.id])
        if len({question.suite for question in found}) > 1:
            by_suite[f"all of {group}"] = [lengths[question.id] for question in found]
    print(lines(by_suite, options.cap, what="suite"))
    return 0


def _questions(suite: str, task: Any, limit: int | None) -> Sequence[Question]:
    if not task.has_validation_docs():
        msg = f"suite {quoted(suite)}: expected development questions, a validation split, got none; choose another"
        raise ValueError(msg)
    docs = list(task.validation_docs())[:limit]
    name = suite.removeprefix(PREFIX)
    return [Question(f"{name}/{place}", name, str(task.doc_to_text(doc))) for place, doc in enumerate(docs)]


if __name__ == "__main__":
    sys.exit(main())
