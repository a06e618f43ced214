"""How long a model's own answers to the prompts are, asked as the suites ask: what their caps are chosen by.

    python -m offbook.tasks.prompts.lengths                  # 20 training prompts of each category, up to 768 tokens
    python -m offbook.tasks.prompts.lengths --split test --per-category 12

Prints, for each category, the share of greedy answers that end by themselves within each cap. The caps of the suites
hold for both splits.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import quantiles
from typing import Protocol

import torch
from tabulate import tabulate
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine.chat_answers import chat_tokens
from offbook.engine.decoding.answering import answer_all
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.endings import limits_of
from offbook.engine.decoding.layouts.layout import Layout
from offbook.engine.decoding.layouts.names import AUTO, LAYOUTS
from offbook.engine.pretrained import load
from offbook.tasks.prompts import CATEGORIES, SPLITS, load_prompts

CAPS = (24, 48, 96, 128, 192, 256, 384, 512, 768)
STEP = 64  # tokens between two looks at who has ended
UNENDED = sys.maxsize  # the length of an answer that reached the cap


class Asked(Protocol):
    """A question by its id, as a model is asked it."""

    @property
    def id(self) -> str:
        """Unique."""
        ...

    @property
    def asked(self) -> str:
        """The user's turn."""
        ...


def answer_lengths(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Asked],
    *,
    cap: int = CAPS[-1],
    batch_size: int = 40,
    layout: Layout | None = None,
    progress: Callable[[int, int], None] = lambda ended, total: None,
) -> dict[str, int]:
    """Tokens of each greedy answer by prompt id, the end token counted; `UNENDED` where it reached the cap.

    Answers go on in steps, those that have ended leave the batch: one that repeats itself for ever does not hold up
    the others.
    """
    asked = {prompt.id: chat_tokens(tokenizer, prompt.asked) for prompt in prompts}
    told: dict[str, list[int]] = {name: [] for name in asked}
    lengths: dict[str, int] = {}
    for done in range(0, cap, STEP):
        going = sorted((name for name in asked if name not in lengths), key=lambda name: len(asked[name]))
        for start in range(0, len(going), batch_size):
            names = going[start : start + batch_size]
            so_far = [asked[name] + told[name] for name in names]
            limits = limits_of(model, tokenizer, min(STEP, cap - done))
            answers = answer_all(model, tokenizer, so_far, [limits] * len(names), width=batch_size, layout=layout)
            for name, answer in zip(names, answers, strict=True):
                told[name] += answer.tokens
                if answer.finished:
                    lengths[name] = len(told[name])
            progress(len(lengths), len(asked))
    return {name: lengths.get(name, UNENDED) for name in asked}


def ended_within(lengths: Sequence[int], cap: int) -> float:
    """The share of answers that end by themselves within a cap."""
    return sum(length <= cap for length in lengths) / len(lengths)


def table(lengths: dict[str, int], cap: int) -> str:
    """One line a category: how many answers, quartiles of their lengths, and the share ended within each cap."""
    by_category = {
        category: [length for name, length in lengths.items() if name.startswith(f"{category}-")]
        for category in CATEGORIES
    }
    return lines(by_category, cap, what="category")


def lines(lengths: Mapping[str, Sequence[int]], cap: int, *, what: str) -> str:
    """The same of lengths by whatever; of fewer than two answers there is no line."""
    rows = []
    for name, found in lengths.items():
        if len(found) < 2:
            continue
        quartiles = ["never" if q > cap else f"{q:.0f}" for q in quantiles(found, n=4, method="inclusive")]
        shares = {f"<= {c}": f"{100 * ended_within(found, c):.0f} %" for c in CAPS if c <= cap}
        rows.append({what: name, "answers": len(found), "quartiles": " / ".join(quartiles), **shares})
    return str(tabulate(rows, headers="keys", tablefmt="pipe", disable_numparse=True))


def main(arguments: list[str] | None = None) -> int:
    """Ask and print; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m offbook.tasks.prompts.lengths", description=__doc__)
    parser.add_argument("--model", default="smollm2-135m-instruct", help="alias, folder or Hugging Face id")
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--per-category", type=int, default=20, help="prompts of each category, evenly spaced")
    parser.add_argument("--cap", type=int, default=CAPS[-1], help="tokens after which an answer counts as endless")
    parser.add_argument("--layout", choices=(AUTO, *LAYOUTS), default=AUTO, help="of the model's weights")
    parser.add_argument("--category", choices=CATEGORIES, action="append", help="only this one (may be repeated)")
    settings = parser.parse_args(arguments)
    model, tokenizer = load(settings.model, dtype=torch.float32)
    layout = Backbone(model).under(settings.layout).layout
    prompts = []
    for category in settings.category or CATEGORIES:
        every = load_prompts(settings.split, category)
        count = min(settings.per_category, len(every))
        prompts += [every[number * len(every) // count] for number in range(count)]
    found = answer_lengths(
        model,
        tokenizer,
        prompts,
        cap=settings.cap,
        layout=layout,
        progress=lambda ended, total: print(f"{ended} of {total} answers have ended", file=sys.stderr, flush=True),
    )
    print(table(found, settings.cap))
    return 0


if __name__ == "__main__":
    sys.exit(main())
