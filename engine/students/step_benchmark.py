"""What a step of distillation spends its time on: matrix products, attention, and everything else.

    python -m offbook.engine.students.step_benchmark results/student_steps.csv

Steps are the loop's own (`step.py`), over questions of random tokens, about as many as in the procedural corpus; what
they say changes no time. On a CPU, by torch's profiler: the time that every operation takes itself, as a share of the
steps' time on the clock. `outside` is what neither products nor attention take; fused attention stands apart, because
its products cannot be told from the rest of it. Of full training a line each is with the loop's sums of gradients
(`gradient_sums.py`) and with autograd's own. `with_gradient` counts the tensors that got a gradient, `trained` those
that want one: of LoRA the adapters, and neither embedding nor frozen weights.
"""

import argparse
import contextlib
import csv
import io
import random
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine import pretrained
from offbook.engine.files import atomic_write_text
from offbook.engine.machine import abilities
from offbook.engine.students.branches import branch_attention
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.corpus import Corpus, Question, Rationale, close
from offbook.engine.students.distiller import Job
from offbook.engine.students.gradient_sums import summed_gradients
from offbook.engine.students.path_objective import path_objective
from offbook.engine.students.paths import Paths, Response
from offbook.engine.students.processes import accelerator_for
from offbook.engine.students.run_state import Run
from offbook.engine.students.step import take_step
from offbook.engine.students.train import with_adapters

PROMPT, SHORTEST, LONGEST = 90, 45, 75
CASES = {"full": (0, True), "full, autograd's own sums": (0, False), "lora": (16, True)}  # rank, `gradient_sums`
PATHS = (1, 8)
KINDS = ("product", "attention", "optimiser", "rest")
PRODUCTS = ("mm", "addmm", "addmm_", "bmm", "baddbmm", "mv", "addmv", "dot")
ATTENTION = ("scaled_dot_product", "flash_attention")
OPTIMISER = ("_fused_adam", "_foreach", "linalg_vector_norm", "optimizer.")
MACHINE = ("cpu", "cpu_capability", "bf16_in_hardware", "torch_threads")
ENDLESS = 2**40  # gradient tokens


def kind_of(operation: str) -> str:
    """Whose time an operation's is, by its name in the profile: one of `KINDS`."""
    name = operation.removeprefix("aten::")
    if any(part in name for part in ATTENTION):
        return "attention"
    if name in PRODUCTS or name.startswith("mkldnn"):
        return "product"
    return "optimiser" if any(part in name.lower() for part in OPTIMISER) else "rest"


def measure(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, case: str, *, asked: int, paths: int, steps: int
) -> dict[str, object]:
    """One line of the table: the mean of some steps behind a first one, which is slower.

    Args:
        model: the student; its weights change.
        tokenizer: its own.
        case: of `CASES`.
        asked: questions a step.
        paths: of each question.
        steps: how many are measured, and how many are profiled.
    """
    rank, summed = CASES[case]
    config = StudentConfig(gradient_tokens=ENDLESS, questions_per_step=asked, lora_rank=rank, learning_rate=1e-6)
    objective, run = path_objective(_questions(model, asked, paths), Paths.present), Run()
    job = Job(
        student=model,
        tokenizer=tokenizer,
        corpus=_corpus(),
        config=config,
        folder=Path("benchmark"),
        identity={},
        score=lambda _: 0.0,
    )
    with accelerator_for(model, "no") as accelerator:
        student = with_adapters(model, config)
        trained = [p for p in student.parameters() if p.requires_grad]
        inner = torch.optim.AdamW(trained, lr=1e-6, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
        held: list[int] = []
        inner.register_step_pre_hook(lambda *_: held.append(sum(p.grad is not None for p in student.parameters())))
        optimizer = accelerator.prepare_optimizer(inner)
        prepared = accelerator.prepare_model(student, evaluation_mode=True)

        def take(count: int) -> float:
            start = time.perf_counter()
            with branch_attention(student), summed_gradients(student) if summed else contextlib.nullcontext():
                for _ in range(count):
                    take_step(accelerator, prepared, optimizer, objective, job, run)
            return time.perf_counter() - start

        take(1)
        tokens, wall_s = run.gradient_tokens, take(steps) / steps
        with profile(activities=[ProfilerActivity.CPU]) as found:
            profiled_s = take(steps)
    spent_us: dict[str, float] = defaultdict(float)
    for event in found.key_averages():
        spent_us[kind_of(event.key)] += event.self_cpu_time_total
    shares = {kind: spent_us[kind] / 1e6 / profiled_s for kind in KINDS[:-1]}
    inside = shares["product"] + shares["attention"]
    return {
        "case": case,
        "questions": asked,
        "paths": paths,
        "gradient_tokens": tokens,
        "steps": steps,
        "step_s": f"{wall_s:.3f}",
        **{kind: f"{share:.3f}" for kind, share in shares.items()},
        "rest": f"{1 - sum(shares.values()):.3f}",
        "outside": f"{1 - inside:.3f}",
        "with_gradient": held[-1],
        "trained": len(trained),
        **{name: abilities()[name] for name in MACHINE},
    }


def _questions(model: PreTrainedModel, count: int, paths: int) -> list[Paths]:
    draw, vocabulary = random.Random(0), range(model.config.vocab_size)
    found = []
    for number in range(count):
        said = [tuple(draw.choices(vocabulary, k=draw.randint(SHORTEST, LONGEST))) for _ in range(paths)]
        responses = tuple(Response(tokens=tokens, answer=(len(tokens) - 2,)) for tokens in said)
        prompt = tuple(draw.choices(vocabulary, k=PROMPT))
        found.append(Paths(id=str(number), prompt=prompt, responses=responses))
    return found


def _corpus() -> Corpus:
    """A job has one; the benchmark's questions are its own."""
    text, span = close("1 + 1 = 2.", "2")
    only = Rationale(perspective="p", text=text, answer_span=span, provenance="benchmark", licence="Apache-2.0")
    return Corpus.of([Question(id="q", question="1 + 1?", answer="2", rationales=(only,))])


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--questions", type=int, default=16)
    parser.add_argument("--steps", type=int, default=2)
    chosen = parser.parse_args()
    lines: list[dict[str, Any]] = []
    for case in CASES:
        for paths in PATHS:
            model, tokenizer = pretrained.load(chosen.model)  # anew: the last one was trained
            lines.append(measure(model, tokenizer, case, asked=chosen.questions, paths=paths, steps=chosen.steps))
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    atomic_write_text(chosen.csv, table.getvalue())


if __name__ == "__main__":
    main()
