"""How many of the questions a model answers rightly, greedily: the measure by which their difficulty was set on dev.

python -m offbook.tasks.procedural.probe --split dev --group id --model smollm2-135m-instruct --n 20
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine import pretrained
from offbook.engine.chat_answers import chat_tokens, greedy_texts
from offbook.engine.students.corpus import instruct
from offbook.tasks.procedural.documents import ID_FAMILIES, OOD_FAMILIES, Document, documents, score

MAX_NEW_TOKENS = {"id": 384, "ood": 128}  # the suites' own
BATCH = 24


class Asked(NamedTuple):
    """A question, and the lines of the table that it counts in."""

    document: Document
    lines: tuple[str, ...]


def in_distribution(split: str, n: int) -> list[Asked]:
    """The first `n` word problems of each family, by family and by number of steps."""
    return [
        Asked(document, (family, f"{document['steps']} step(s)", "all"))
        for family in ID_FAMILIES
        for document in documents(family, split)[:n]
    ]


def out_of_distribution(split: str, n: int) -> list[Asked]:
    """The first `n` questions of each family, by family."""
    return [Asked(document, (family, "all")) for family in OOD_FAMILIES for document in documents(family, split)[:n]]


GROUPS = {"id": in_distribution, "ood": out_of_distribution}


def solved(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, asked: Sequence[Asked], max_new_tokens: int
) -> list[bool]:
    """Of each question, whether the model's answer of at most so many tokens is right."""
    prompts = [chat_tokens(tokenizer, instruct(question.document["question"])) for question in asked]
    order = sorted(range(len(asked)), key=lambda i: len(prompts[i]))
    right = [False] * len(asked)
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        written = greedy_texts(model, tokenizer, [prompts[i] for i in batch], max_new_tokens)
        for i, text in zip(batch, written, strict=True):
            right[i] = score(asked[i].document, text) == 1
    return right


def table(asked: Sequence[Asked], right: Sequence[bool]) -> str:
    """How many are right, line by line; families as they come, then what they have in common."""
    lines: dict[str, list[bool]] = defaultdict(list)
    for question, is_right in zip(asked, right, strict=True):
        for line in question.lines:
            lines[line].append(is_right)
    order = sorted(lines, key=lambda line: (line == "all", line if "step" in line else ""))
    return "\n".join(
        f"{line:<12}{sum(g):>4} of {len(g):>3}{sum(g) / len(g):>8.1%}" for line in order if (g := lines[line])
    )


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line, answers, prints the table."""
    parser = argparse.ArgumentParser(prog="python -m offbook.tasks.procedural.probe", description=__doc__)
    parser.add_argument("--split", choices=["train", "dev"], default="dev", help="ood has no train")
    parser.add_argument("--group", choices=list(GROUPS), default="id", help="in distribution or out of it")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="an alias, a local folder or a hub id")
    parser.add_argument("--n", type=int, default=10, help="questions a family, at most")
    options = parser.parse_args(arguments)
    if options.group == "ood" and options.split == "train":
        parser.error("--split: expected dev for --group ood, got train: nothing of it is trained on; choose dev")
    asked = GROUPS[options.group](options.split, options.n)
    model, tokenizer = pretrained.load(options.model)
    print(table(asked, solved(model, tokenizer, asked, MAX_NEW_TOKENS[options.group])))


if __name__ == "__main__":
    main()
