"""MoDE-CoTD (Li et al., LREC-COLING 2024): an expert of its own for every way of thinking, then a mixture of them.

    W = W_0 + Σ_k w_k ΔW_k        ΔW_k: LoRA, trained on rationale k alone while W_0 is frozen
    w = argmin  CE(held-out examples; w) + 0.05 · Σ_k |w_k| / K,     w_k in [-3, 3], 40 evaluations without gradients

As in the released code (it builds on LoraHub, arXiv:2307.13269): LoRA of rank 16, alpha 32, dropout 0.1, on the query
and value projections; learning rate 5e-4. It has one expert per task; here it is one per perspective.

Ours: every expert has an equal share of the gradient tokens and is taken as it is at its end; dev scores the merged
student only. The mixture is the sum of updates above; the code adds up the factors A and B apart, which brings in
products of one expert's A with another's B. The held-out examples are training questions that no expert sees, the
i-th told from the i-th of its perspectives, so that all are heard. A (1+1) evolution strategy searches, where the
code has nevergrad's; it starts from the experts' plain average, for the code's start at 0 is the untouched student.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Annotated, Self, cast

import torch
from peft import LoraConfig, PeftModel, PeftModelForCausalLM
from peft.tuners.lora import LoraLayer, LoraModel
from pydantic import Field
from torch import nn
from transformers import PreTrainedModel

from offbook.engine.decoding.clock import peak_bytes, reset_peak
from offbook.engine.quoting import quoted
from offbook.engine.students.branches import branch_attention, branch_means, lay_out
from offbook.engine.students.corpus import Corpus
from offbook.engine.students.distiller import Job, Options, read_options
from offbook.engine.students.parts import Part, finish, is_finished, train_part
from offbook.engine.students.path_objective import path_objective
from offbook.engine.students.paths import Paths, encode_corpus
from offbook.engine.students.precision import autocast, precision_of
from offbook.engine.students.predictions import predict
from offbook.engine.students.saving import save_student

NAME = "mode_cotd"
EXPERT = "expert"
PROJECTIONS = ("q_proj", "v_proj")
BOUND = 3.0
STEP = 0.3
GROWTH = math.exp(1 / 3)


class ModeCotdOptions(Options):
    """MoDE-CoTD's own settings.

    Attributes:
        rank: of the experts; alpha is twice as much.
        learning_rate: of the experts, in place of the one all methods share; `lora_rank` and `averaging` do not reach
            them either.
        held_out: questions for the mixture, which no expert sees.
        trials: weights that are tried.
        penalty: on the mean absolute weight.
    """

    rank: Annotated[int, Field(ge=1)] = 16
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    held_out: Annotated[int, Field(ge=1)] = 16
    trials: Annotated[int, Field(ge=1)] = 40
    penalty: Annotated[float, Field(ge=0)] = 0.05

    def check_corpus(self, corpus: Corpus) -> None:
        """See `Options`: questions must be left to learn from."""
        _check_held_out(self.held_out, len(corpus))


class Expert(PeftModelForCausalLM):
    """The frozen base model with one adapter, which stays apart from it: its files are the adapter's alone."""

    def merge_and_unload(self) -> Self:
        """The expert as it is; only the mixture is merged."""
        return self


def mode_cotd(job: Job) -> Path:
    """See `Distiller`.

    Raises:
        ValueError: fewer questions than are held out, or a perspective that only these have.
    """
    options = read_options(job, ModeCotdOptions)
    if is_finished(job, NAME):
        return job.folder
    questions = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length)
    training, held_out = split(questions, options.held_out, job.config.seed)
    unheard = [name for k, name in enumerate(job.corpus.perspectives) if not any(q.responses[k] for q in training)]
    if unheard:
        msg = (
            f"expected a rationale from {quoted(unheard[0])} that is not held out, got none; leave the perspective out"
        )
        raise ValueError(msg)
    experts: list[Part] = []
    for k in range(len(job.corpus.perspectives)):
        experts.append(train_expert(job, options, training, experts, k))
    return _mix(job, options, experts, held_out)


def split(questions: Sequence[Paths], held_out: int, seed: int) -> tuple[list[Paths], list[Paths]]:
    """The questions that experts learn from, and those the mixture is chosen on.

    Raises:
        ValueError: none is left to learn from.
    """
    _check_held_out(held_out, len(questions))
    chosen = set(Random(f"{seed}/held out").sample(range(len(questions)), held_out))
    return (
        [paths for i, paths in enumerate(questions) if i not in chosen],
        [paths for i, paths in enumerate(questions) if i in chosen],
    )


def _check_held_out(held_out: int, questions: int) -> None:
    if held_out >= questions:
        msg = f"held_out: expected less than the corpus's {questions} questions, got {held_out}; hold out fewer"
        raise ValueError(msg)


def train_expert(job: Job, options: ModeCotdOptions, training: Sequence[Paths], before: Sequence[Part], k: int) -> Part:
    """Expert k alone, the base model frozen; its part's folder holds the adapter.

    The budget that is left is shared among the experts that are left, so that the last steps' surplus does not add up.
    """
    mine = [paths for paths in training if paths.responses[k] is not None]
    spent = sum(part.record["gradient_tokens"] for part in before)
    share = max(1, (job.config.gradient_tokens - spent) // (len(job.corpus.perspectives) - k))
    config = replace(
        job.config,
        gradient_tokens=share,
        learning_rate=options.learning_rate,
        evaluations=1,
        averaging=0.0,
        lora_rank=0,
    )
    lora = LoraConfig(r=options.rank, lora_alpha=2 * options.rank, lora_dropout=0.1, target_modules=list(PROJECTIONS))
    torch.manual_seed(job.config.seed)
    expert = Expert(job.student, lora)
    part = train_part(
        replace(
            job,
            student=cast(PreTrainedModel, expert),
            config=config,
            score=lambda _: 0.0,
            report=lambda done, _, message: job.report(spent + done, job.config.gradient_tokens, message),
        ),
        f"{EXPERT}-{k}",
        f"{NAME}/{job.corpus.perspectives[k]}",
        path_objective(mine, lambda _: [k]),
    )
    expert.unload()
    return part


def _mix(job: Job, options: ModeCotdOptions, experts: Sequence[Part], held_out: Sequence[Paths]) -> Path:
    """Loads the experts, chooses their weights, merges them and writes the student."""
    start, names = time.perf_counter(), [f"{EXPERT}-{k}" for k in range(len(experts))]
    reset_peak(job.student.device)
    mixture = PeftModel.from_pretrained(job.student, experts[0].folder, names[0])
    for name, expert in zip(names[1:], experts[1:], strict=True):
        mixture.load_adapter(str(expert.folder), name)
    assert isinstance(mixture.base_model, LoraModel)
    mixture.base_model.set_adapter(names)
    mixture.eval()
    used = precision_of(job.folder, job.config.mixed_precision, job.student.device)
    precision = autocast(used, job.student.device)

    def objective(weights: Sequence[float]) -> float:
        weigh(mixture, dict(zip(names, weights, strict=True)))
        with precision:
            loss = held_out_loss(job.student, held_out)
        return loss + options.penalty * sum(map(abs, weights)) / len(weights)

    best, trials = search(
        objective, [1 / len(names)] * len(names), trials=options.trials, bound=BOUND, seed=job.config.seed
    )
    weigh(mixture, dict(zip(names, best, strict=True)))
    student: PreTrainedModel = mixture.merge_and_unload()
    with precision:
        score = job.score(student)
    saved = save_student(job, student, score, used)
    tokens = sum(expert.record["gradient_tokens"] for expert in experts)
    return finish(
        job,
        NAME,
        experts,
        wall_s=sum(expert.record["wall_s"] for expert in experts) + time.perf_counter() - start,
        peak_bytes=max(peak_bytes(job.student.device), *(expert.record["peak_bytes"] for expert in experts)),
        evaluations=[{"gradient_tokens": tokens, "score": score}],
        mixture={"weights": dict(zip(job.corpus.perspectives, best, strict=True)), "trials": trials},
        **saved,
    )


def search(
    objective: Callable[[Sequence[float]], float], start: Sequence[float], *, trials: int, bound: float, seed: int
) -> tuple[list[float], list[float]]:
    """The point of least value found, and the values of all points tried, in order.

    A (1+1) evolution strategy. Its step grows by e^(1/3) after a better point and shrinks by the fourth root of that
    after any other, so that one success in five keeps it as it is (Rechenberg's rule).

    Args:
        objective: what is minimised.
        start: the first point tried.
        trials: how many are tried.
        bound: no weight lies beyond it, on either side.
        seed: of the steps.
    """
    rng, step = Random(f"{seed}/search"), STEP
    best = list(start)
    values = [objective(best)]
    least = values[0]
    for _ in range(trials - 1):
        point = [min(max(weight + rng.gauss(0, step), -bound), bound) for weight in best]
        values.append(objective(point))
        if values[-1] < least:
            best, least, step = point, values[-1], step * GROWTH
        else:
            step *= GROWTH**-0.25
    return best, values


def weigh(mixture: nn.Module, weights: Mapping[str, float]) -> None:
    """Multiplies every expert's update by its weight."""
    for module in mixture.modules():
        if isinstance(module, LoraLayer):
            for name, weight in weights.items():
                module.set_scale(name, weight)


@torch.no_grad()
def held_out_loss(student: PreTrainedModel, questions: Sequence[Paths]) -> float:
    """Mean over the questions of a token's mean loss in one rationale each."""
    total = 0.0
    with branch_attention(student):
        for i, paths in enumerate(questions):
            present = paths.present()
            branches = lay_out(paths.prompt, paths.some([present[i % len(present)]]), student.device)
            total += float(branch_means(predict(student, branches).nll(branches.targets_N), branches))
    return total / len(questions)
