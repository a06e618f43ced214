"""Does every layout of a model's weights say what the plain one says, and how far apart are their logits?

    python -m offbook.harness.trials.identity_benchmark results/identity.csv
    python -m offbook.harness.trials.identity_benchmark results/identity.csv --rounded
    python -m offbook.harness.trials.identity_benchmark results/identity.csv --model qwen2.5-0.5b-shape-bf16 --prompts 1

Test prompts, so many of each of the six categories, are answered greedily in each layout; a model of `random_shapes`,
which has no tokenizer, is asked random tokens. `--rounded` rounds the weights to bfloat16 first and loads them from a
checkpoint in that format, whose small form is exact. Where an answer leaves that of the layout `transformers`, it is
`tied` if the two tokens' logits lie no further apart there than the two layouts' logits of these tokens do, and these
as near as rounding leaves them (`layouts.check`), else `parted`. `logit_difference` is the largest over all rows of
prompts and answers, of the vocabulary's all logits, `largest_logit` the largest there is. Lines that the file has of
other models and machines stay.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine import pretrained
from offbook.engine.chat_answers import chat_tokens
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.layouts.check import EXACT
from offbook.engine.decoding.layouts.layout import Layout, causal_block
from offbook.engine.decoding.layouts.names import LAYOUTS
from offbook.engine.files import writing
from offbook.engine.machine import cpu_capability, cpu_name
from offbook.harness.trials.benchmark_command import run
from offbook.harness.trials.random_shapes import NAMES, random_model, random_prompts
from offbook.harness.trials.tables_of_machines import table_before, write_beside_others
from offbook.tasks.prompts import CATEGORIES, load_prompts

OTHERS = [name for name in LAYOUTS if name != "transformers"]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a layout answers, and the logits (T, V) that it gives the plain layout's text."""

    answer: Sequence[int]
    logits_TV: torch.Tensor


def compare(
    model: PreTrainedModel, layouts: Sequence[str], prompts: Sequence[Sequence[int]], tokens: int
) -> list[dict[str, str]]:
    """One line for each layout that is to be had beside the plain one.

    Args:
        model: float32, on a CPU.
        layouts: to be compared with the plain one.
        prompts: token ids.
        tokens: of each answer, at most; an end token ends none, so that all are as long.
    """
    backbone = Backbone(model)
    lines = []
    for name in layouts:
        try:
            other = backbone.under(name)
        except ValueError as reason:
            print(f"left out: {reason}")
            continue
        identical = tied = 0
        furthest = largest = 0.0
        for prompt in prompts:
            plain = greedy(backbone.layout, backbone, prompt, tokens)
            here = greedy(other.layout, backbone, prompt, tokens)
            text = [*prompt, *plain]
            theirs_TV, ours_TV = (of_text(one, backbone, text) for one in (backbone.layout, other.layout))
            furthest = max(furthest, float((ours_TV - theirs_TV).abs().max()))
            largest = max(largest, float(theirs_TV.abs().max()))
            identical += here == plain
            tied += here != plain and is_tie(theirs_TV[len(prompt) - 1 :], ours_TV[len(prompt) - 1 :], plain, here)
        lines.append(
            {
                "layout": other.layout.name,
                "largest_difference_at_load": str(other.layout_facts["largest_difference"]),
                "prompts": str(len(prompts)),
                "tokens": str(tokens),
                "identical": str(identical),
                "tied": str(tied),
                "parted": str(len(prompts) - identical - tied),
                "logit_difference": f"{furthest:.2e}",
                "largest_logit": f"{largest:.1f}",
                "threads": str(torch.get_num_threads()),
                "cpu": cpu_name(),
                "cpu_capability": cpu_capability(),
            }
        )
    return lines


@torch.inference_mode()
def greedy(layout: Layout, backbone: Backbone, prompt: Sequence[int], tokens: int) -> list[int]:
    """The prompt in one block, then token by token."""
    cache = backbone.new_cache(len(prompt) + tokens)
    answer: list[int] = []
    block = list(prompt)
    while len(answer) < tokens:
        answer.append(int(_logits(layout, cache, block, last=1)[-1].argmax()))
        block = answer[-1:]
    return answer


@torch.inference_mode()
def of_text(layout: Layout, backbone: Backbone, text: Sequence[int]) -> torch.Tensor:
    """Logits (T, V) of every row of a text, in one block, fp64."""
    return _logits(layout, backbone.new_cache(len(text)), text, last=0).double()


def _logits(layout: Layout, cache: TreeCache, block: Sequence[int], *, last: int) -> torch.Tensor:
    positions, visible = causal_block(cache.length, len(block))
    out = layout.step(torch.tensor(block), positions, visible, cache, logits_for=last)
    cache.commit(len(block))
    return out.logits_NV


def is_tie(theirs_TV: torch.Tensor, ours_TV: torch.Tensor, plain: Sequence[int], here: Sequence[int]) -> bool:
    """See the module; rows begin with the one that an answer's first token is read off."""
    place = next(i for i, (a, b) in enumerate(zip(plain, here, strict=True)) if a != b)
    both = [plain[place], here[place]]
    margin = (theirs_TV[place, both[0]] - theirs_TV[place, both[1]]).abs()
    apart = (theirs_TV[place, both] - ours_TV[place, both]).abs()
    return bool(margin <= apart.sum()) and bool(apart.max() <= EXACT * theirs_TV[place].abs().max())


def asked(tokenizer: PreTrainedTokenizerBase | None, each: int, vocab_size: int) -> list[list[int]]:
    """The prompts' token ids."""
    if tokenizer is None:
        return random_prompts(each * len(CATEGORIES), vocab_size)
    return [
        list(chat_tokens(tokenizer, prompt.asked))
        for category in CATEGORIES
        for prompt in load_prompts("test", category)[:each]
    ]


@contextmanager
def loaded(name: str, *, rounded: bool) -> Iterator[tuple[str, PreTrainedModel, PreTrainedTokenizerBase | None]]:
    """What the table calls it, model and tokenizer."""
    if name in NAMES:
        yield f"{name}, random weights", random_model(name), None
        return
    model, tokenizer = pretrained.load(name)
    if not rounded:
        yield name, model, tokenizer
        return
    with tempfile.TemporaryDirectory(prefix="offbook-rounded-") as folder:
        with writing(Path(folder)):
            model.bfloat16().save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        again, tokenizer = pretrained.load(folder)
        yield f"{name}, rounded to bf16", again, tokenizer


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, nargs="?", default=Path("identity.csv"))
    parser.add_argument("--model", default="smollm2-135m-instruct", help=f"alias, folder, id, or {' or '.join(NAMES)}")
    parser.add_argument("--rounded", action="store_true")
    parser.add_argument("--layouts", nargs="+", default=OTHERS, choices=OTHERS)
    parser.add_argument("--prompts", type=int, default=12, help="of each category")
    parser.add_argument("--tokens", type=int, default=40)
    chosen = parser.parse_args()
    if chosen.rounded and chosen.model in NAMES:
        parser.error(f"expected --rounded with a model that has weights of its own, got {chosen.model}; take ...-bf16")
    try:
        before = table_before(chosen.csv)
    except ValueError as error:
        parser.error(str(error))
    with loaded(chosen.model, rounded=chosen.rounded) as (title, model, tokenizer):
        prompts = asked(tokenizer, chosen.prompts, int(model.config.vocab_size))
        lines = compare(model, chosen.layouts, prompts, chosen.tokens)
    if lines:
        write_beside_others(chosen.csv, before, [{"model": title, **line} for line in lines])


if __name__ == "__main__":
    run("offbook.harness.trials.identity_benchmark", main)
