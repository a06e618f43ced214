"""Are branches faster than one row a response? Forward and backward passes of both, taking turns, their sums compared.

    python -m offbook.engine.students.branches_benchmark results/branches.csv

On a CPU, in one thread, timed by the process's own CPU time, which a busy machine disturbs less than the clock on the
wall. Rows are one batch, padded on the right, under the model's own attention. Prompts and responses are random tokens,
about as many as in the procedural corpus; what they say changes no time. Gradients are compared in the tests.
"""

import argparse
import csv
import io
import random
import statistics
import time
from pathlib import Path

import torch
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel

from offbook.engine import pretrained
from offbook.engine.files import atomic_write_text
from offbook.engine.machine import abilities
from offbook.engine.students.branches import branch_attention, lay_out, mean_weights
from offbook.engine.students.paths import Response
from offbook.engine.students.predictions import predict

PATHS = (1, 2, 4, 8)
PROMPT, SHORTEST, LONGEST = 90, 60, 90
PRECISIONS = ("fp32", "bf16")
MACHINE = ("cpu", "cpu_capability", "bf16_in_hardware", "torch_threads")  # below each table: in each line of it


def branches_loss(model: PreTrainedModel, prompt: list[int], responses: list[Response]) -> torch.Tensor:
    """Mean over responses of a token's mean loss, the prompt read once."""
    with branch_attention(model):
        branches = lay_out(prompt, responses)
        return predict(model, branches).loss(branches.targets_N, mean_weights(branches)).loss


def rows_loss(model: PreTrainedModel, prompt: list[int], responses: list[Response]) -> torch.Tensor:
    """The same, the prompt read K times."""
    rows = [torch.tensor([*prompt, *r.tokens]) for r in responses]
    tokens_KT = pad_sequence(rows, batch_first=True)
    kept = tokens_KT.shape[1] - len(prompt) + 1
    logits_KTV = model(input_ids=tokens_KT, use_cache=False, logits_to_keep=kept).logits
    found = [
        functional.cross_entropy(logits_TV[: len(r.tokens)].float(), row_T[len(prompt) : len(prompt) + len(r.tokens)])
        for logits_TV, row_T, r in zip(logits_KTV, tokens_KT, responses, strict=True)
    ]
    return torch.stack(found).mean()


WAYS = {"branches": branches_loss, "rows": rows_loss}


def seconds(way: str, model: PreTrainedModel, prompt: list[int], responses: list[Response], precision: str) -> float:
    """Of one question, forward and backward."""
    start = time.process_time()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        loss = WAYS[way](model, prompt, responses)
    loss.backward()
    model.zero_grad()
    return time.process_time() - start


def measure(model: PreTrainedModel, paths: int, precision: str, repeats: int, seed: int) -> dict[str, object]:
    """One line of the table: medians, and the ratio of neighbouring runs with its quartiles."""
    draw = random.Random(seed)
    prompt = draw.choices(range(model.config.vocab_size), k=PROMPT)
    lengths = [draw.randint(SHORTEST, LONGEST) for _ in range(paths)]
    tokens = [tuple(draw.choices(range(model.config.vocab_size), k=length)) for length in lengths]
    responses = [Response(tokens=t, answer=(len(t) - 1,)) for t in tokens]
    with torch.no_grad():
        torch.testing.assert_close(*(way(model, prompt, responses) for way in WAYS.values()), rtol=1e-4, atol=1e-5)
    for way in WAYS:  # the first run of a shape is slower
        seconds(way, model, prompt, responses, precision)
    pairs = [{way: seconds(way, model, prompt, responses, precision) for way in WAYS} for _ in range(repeats)]
    ratios = [pair["rows"] / pair["branches"] for pair in pairs]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {
        "precision": precision,
        "paths": paths,
        "tokens_branches": PROMPT + sum(lengths) - paths,
        "tokens_rows": paths * (PROMPT + max(lengths)),
        "repeats": repeats,
        **{f"{way}_s": f"{statistics.median(pair[way] for pair in pairs):.4f}" for way in WAYS},
        "ratio": f"{middle:.3f}",
        "ratio_low": f"{low:.3f}",
        "ratio_high": f"{high:.3f}",
        **{name: abilities()[name] for name in MACHINE},
    }


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--repeats", type=int, default=9)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    model, _ = pretrained.load(chosen.model)
    lines = [measure(model, k, p, chosen.repeats, seed=k) for p in PRECISIONS for k in PATHS]
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    atomic_write_text(chosen.csv, table.getvalue())


if __name__ == "__main__":
    main()
