"""What a step of distillation spends its time on, part by part, and what each way of sparing time spares.

    python -m offbook.engine.students.step_benchmark results/student_steps.csv

Steps are the loop's own (`step.py`), over questions of random tokens, about as many as in the procedural corpus; what
they say changes no time. On a CPU, by torch's profiler: the time that every operation takes itself, by its part
(`step_parts.py`), as a share of the steps' time on the clock. `outside` is what neither products nor attention take.
`gflops` is what the products of the weights come to for each second of a step that nobody watches, and
`product_gflops` for each second of the products alone.

Of full training a line each leaves out one way of sparing time: packs of questions, layers differentiated by hand,
gradients summed in their products (the layers too, which need them), and kept memory; and one has attention as products
and a softmax, which shows what torch's fused one is worth here. `with_gradient` counts the tensors that got a gradient,
`trained` those that want one: of LoRA the adapters, and neither embedding nor frozen weights.
"""

import argparse
import contextlib
import csv
import io
import random
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.profiler import ProfilerActivity, profile
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine import pretrained
from offbook.engine.files import atomic_write_text
from offbook.engine.machine import abilities
from offbook.engine.students.branches import branch_attention, rows_of
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.corpus import Corpus, Question, Rationale, close
from offbook.engine.students.distiller import Job
from offbook.engine.students.gradient_sums import summed_gradients
from offbook.engine.students.kept_memory import kept_memory
from offbook.engine.students.lean_layers import lean_layers
from offbook.engine.students.path_objective import path_objective
from offbook.engine.students.paths import Paths, Response
from offbook.engine.students.processes import accelerator_for
from offbook.engine.students.run_state import Run
from offbook.engine.students.step import take_step
from offbook.engine.students.step_parts import PARTS, labels, seconds_by_part
from offbook.engine.students.train import with_adapters

PROMPT, SHORTEST, LONGEST = 90, 45, 75
PATHS = (1, 8)
MACHINE = ("cpu", "cpu_capability", "bf16_in_hardware", "torch_threads")
ENDLESS = 2**40  # gradient tokens


@dataclass(frozen=True, kw_only=True)
class Case:
    """Adapters' rank, which ways of sparing time are taken, and whether attention is torch's fused one."""

    rank: int = 0
    packed: bool = True
    lean: bool = True
    summed: bool = True
    kept: bool = True
    fused: bool = True


CASES = {
    "full": Case(),
    "full, question by question": Case(packed=False),
    "full, layers by autograd": Case(lean=False),
    "full, autograd's own sums": Case(lean=False, summed=False),
    "full, memory given back": Case(kept=False),
    "full, none of these": Case(packed=False, lean=False, summed=False, kept=False),
    "full, attention unfused": Case(fused=False),
    "lora": Case(rank=16),
}


def measure(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str, *, asked: int, paths: int, steps: int
) -> dict[str, object]:
    """One line of the table: the mean of some steps behind a first one, which is slower.

    Args:
        model: the student; its weights change.
        tokenizer: its own.
        name: of `CASES`.
        asked: questions a step.
        paths: of each question.
        steps: how many are measured, and how many are profiled.
    """
    case, questions = CASES[name], _questions(model, asked, paths)
    config = StudentConfig(gradient_tokens=ENDLESS, questions_per_step=asked, lora_rank=case.rank, learning_rate=1e-6)
    objective, run = path_objective(questions, Paths.present), Run()
    if not case.packed:
        packed = objective.loss
        objective = replace(objective, loss=lambda student, question, done: packed(student, question, done))
    job = Job(
        student=model,
        tokenizer=tokenizer,
        corpus=_corpus(),
        config=config,
        folder=Path("benchmark"),
        identity={},
        score=lambda _: 0.0,
    )
    with contextlib.ExitStack() as stack:
        accelerator = stack.enter_context(accelerator_for(model, "no"))
        if case.kept:
            stack.enter_context(kept_memory())
        student = with_adapters(model, config)
        trained = [p for p in student.parameters() if p.requires_grad]
        inner = torch.optim.AdamW(trained, lr=1e-6, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
        held: list[int] = []
        inner.register_step_pre_hook(lambda *_: held.append(sum(p.grad is not None for p in student.parameters())))
        optimizer = accelerator.prepare_optimizer(inner)
        prepared = accelerator.prepare_model(student, evaluation_mode=True)

        def take(count: int) -> float:
            start = time.perf_counter()
            with (
                branch_attention(student),
                lean_layers(student) if case.lean else contextlib.nullcontext(),
                summed_gradients(student) if case.summed else contextlib.nullcontext(),
                contextlib.nullcontext() if case.fused else sdpa_kernel(SDPBackend.MATH),
            ):
                for _ in range(count):
                    take_step(accelerator, prepared, optimizer, objective, job, run)
            return time.perf_counter() - start

        take(1)
        tokens, wall_s = run.gradient_tokens, take(steps) / steps
        with labels(student), profile(activities=[ProfilerActivity.CPU]) as found:
            profiled_s = take(steps)
    spent_s = seconds_by_part(found.events())
    shares = {part: spent_s.get(part, 0.0) / profiled_s for part in PARTS[:-1]}
    gflop = _gflop(model, questions, tokens, adapters=case.rank > 0)
    return {
        "case": name,
        "questions": asked,
        "paths": paths,
        "gradient_tokens": tokens,
        "steps": steps,
        "step_s": f"{wall_s:.3f}",
        "gflops": f"{gflop / wall_s:.1f}",
        "product_gflops": f"{gflop * steps / spent_s['product']:.1f}",
        **{part: f"{share:.3f}" for part, share in shares.items()},
        "rest": f"{1 - sum(shares.values()):.3f}",
        "outside": f"{1 - shares['product'] - shares['attention']:.3f}",
        "with_gradient": held[-1],
        "trained": len(trained),
        **{ability: abilities()[ability] for ability in MACHINE},
    }


def _gflop(model: PreTrainedModel, questions: list[Paths], tokens: int, *, adapters: bool) -> float:
    """Of a step's products of weights: forward, states' slopes and, without adapters, weights' gradients."""
    head: Any = model.get_output_embeddings()
    inside = sum(
        module.weight.numel()
        for module in model.modules()
        if isinstance(module, torch.nn.Linear) and module is not head
    )
    rows = sum(rows_of(question.prompt, question.some(question.present())) for question in questions)
    products: int = rows * inside + tokens * head.weight.numel()
    return products * 2 * (2 if adapters else 3) / 1e9


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
