"""How many of the word problems a model solves, greedily: the measure by which their difficulty was set on dev.

python -m offbook.tasks.procedural.probe --split dev --model smollm2-135m-instruct --n 10
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine import pretrained
from offbook.engine.training.answers import chat_tokens, greedy_batch
from offbook.engine.training.corpus import instruct
from offbook.tasks import answers
from offbook.tasks.procedural import FAMILIES, SPLITS, Problem, generate

MAX_NEW_TOKENS = 128
BATCH = 24


def solved(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, problems: Iterable[Problem]) -> dict[str, bool]:
    """By id, whether the model's answer to the problem is right."""
    asked = [(chat_tokens(tokenizer, instruct(problem.question)), problem) for problem in problems]
    asked.sort(key=lambda pair: len(pair[0]))
    right = {}
    for start in range(0, len(asked), BATCH):
        batch = asked[start : start + BATCH]
        written = greedy_batch(model, tokenizer, [tokens for tokens, _ in batch], MAX_NEW_TOKENS)
        for (_, problem), tokens in zip(batch, written, strict=True):
            text = str(tokenizer.decode(tokens, skip_special_tokens=True))
            right[problem.id] = answers.score(text, problem.answer, "number") == 1
    return right


def table(problems: Iterable[Problem], right: dict[str, bool]) -> str:
    """How many are right, of each family, of one and of two steps, and of all."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for problem in problems:
        for group in (problem.family, f"{len(problem.steps)} step(s)", "all"):
            groups[group].append(right[problem.id])
    order = [*FAMILIES, "1 step(s)", "2 step(s)", "all"]
    return "\n".join(
        f"{name:<12}{sum(g):>4} of {len(g):>3}{sum(g) / len(g):>8.1%}" for name in order if (g := groups[name])
    )


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line, answers, prints the table."""
    parser = argparse.ArgumentParser(prog="python -m offbook.tasks.procedural.probe", description=__doc__)
    parser.add_argument("--split", choices=[split for split in SPLITS if split != "test"], default="dev")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="an alias, a local folder or a hub id")
    parser.add_argument("--n", type=int, default=10, help="problems a family")
    options = parser.parse_args(arguments)
    problems = [problem for family in FAMILIES for problem in generate(options.split, family, options.n)]
    model, tokenizer = pretrained.load(options.model)
    print(table(problems, solved(model, tokenizer, problems)))


if __name__ == "__main__":
    main()
