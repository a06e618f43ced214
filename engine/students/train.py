"""The loop that trains every student, through accelerate; interrupt and resume at will.

    repeat: a few questions; the method's loss of each, differentiated at once (one question's branches in memory)
            clip, step; the method is told what came of the questions
            at every n-th of the budget: development score, best weights kept (of equals the last)
            there and every ten minutes: state saved
    until so many response tokens have been differentiated

What a method adds is an `Objective`. The best weights by development score become the student. Several processes share
a step's questions (`processes.py`); steps, log and record are those of one process, but for dropout's draws.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

from offbook.engine.decoding.clock import peak_bytes, reset_peak
from offbook.engine.files import atomic_files
from offbook.engine.finite import check_numbers, check_weights
from offbook.engine.resuming.held import Stateful, Steps, Weights
from offbook.engine.resuming.state import resume, save_state
from offbook.engine.students.best import keep, restore, trained
from offbook.engine.students.branches import branch_attention
from offbook.engine.students.companion import Companion
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.distiller import Job
from offbook.engine.students.precision import Precision, keep_precision, precision_of
from offbook.engine.students.processes import accelerator_for, bring_together, from_main, share, sum_gradients
from offbook.engine.students.record import STATE, is_trained, training_fingerprint, write_record
from offbook.engine.students.saving import development_score, save_student
from offbook.engine.students.schedule import rate

SAVE_EVERY_S = 600.0
LOWER = "the training diverges: lower --learning-rate and choose another folder"


@dataclass(frozen=True, kw_only=True)
class QuestionLoss:
    """What a method makes of one question.

    Attributes:
        loss: scalar with gradient, a mean over this question.
        gradient_tokens: response tokens that it differentiates.
        sequences: names of the responses these tokens belong to.
        log: numbers worth keeping, averaged over the step's questions.
        memory: what `Objective.after_step` is to know of this question; it travels between processes.
    """

    loss: torch.Tensor
    gradient_tokens: int
    sequences: Sequence[str]
    log: Mapping[str, float] = field(default_factory=dict)
    memory: Any = None


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A method, as the loop sees it.

    Attributes:
        questions: how many there are.
        loss: student, question's index and share of the budget spent -> its loss.
        after_step: is called behind every optimiser step with the memories of its questions, in every process with all
            of them; returns numbers worth keeping.
        state: what is saved beside the weights, such as a network and optimiser of its own.
        companion: what the loop itself trains with the student.
    """

    questions: int
    loss: Callable[[nn.Module, int, float], QuestionLoss]
    after_step: Callable[[Sequence[Any]], Mapping[str, float]] = lambda memories: {}
    state: Sequence[Stateful] = ()
    companion: Companion | None = None

    @property
    def alone(self) -> float:
        """Share of the budget, from its beginning, in which the companion alone is trained."""
        return 0.0 if self.companion is None else self.companion.alone


@dataclass(kw_only=True)
class _Run:
    """Where a training stands; what is saved between sittings."""

    epoch: int = 0
    position: int = 0
    steps: int = 0
    gradient_tokens: int = 0
    wall_s: float = 0.0
    best: float = -math.inf
    kept_tokens: int = 0
    sequences: list[str] = field(default_factory=list)
    evaluations: list[dict[str, float]] = field(default_factory=list)
    log: list[dict[str, float]] = field(default_factory=list)


def train_student(job: Job, method: str, objective: Objective, *, as_part: bool = False) -> Path:
    """Trains `job.student` into `job.folder`; see `Distiller`.

    The folder holds the model, in bf16 unless its development score falls by that (`saving.py`), the tokenizer, what a
    companion writes and, last, `distillation.json`: method, settings, the mixed precision that was used, processes,
    machine, gradient tokens (all, and those behind the kept weights), the distinct sequences with their names, steps,
    seconds, peak memory, development scores, number format and scores of the weights as they are stored, and the log of
    every step.

    Args:
        job: what is trained, of what, and where to.
        method: its name.
        objective: what the method adds to the loop.
        as_part: for one training of several, whose weights are no student yet and are kept as they are.

    Raises:
        ValueError: a folder that holds another training, finished or not, a training that diverges, or a budget that a
            companion spends alone.
    """
    if is_trained(job.folder, training_fingerprint(job, method)):
        return job.folder
    precision = precision_of(job.folder, job.config.mixed_precision, job.student.device)
    with accelerator_for(job.student, precision) as accelerator:
        _train(accelerator, job, method, objective, precision, as_part=as_part)
    return job.folder


def with_adapters(student: nn.Module, config: StudentConfig) -> Any:
    """The student with LoRA on every linear layer, or as it is for rank 0."""
    if config.lora_rank == 0:
        return student
    lora = LoraConfig(
        r=config.lora_rank, lora_alpha=2 * config.lora_rank, lora_dropout=0.05, target_modules="all-linear"
    )
    return get_peft_model(student, lora)


def _train(
    accelerator: Accelerator, job: Job, method: str, objective: Objective, precision: Precision, *, as_part: bool
) -> None:
    """Every step of the budget, from where an earlier sitting stopped."""
    config, state, fingerprint = job.config, job.folder / STATE, training_fingerprint(job, method)
    state.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    student = with_adapters(job.student, config).to(accelerator.device)
    torch.manual_seed(config.seed + accelerator.process_index)  # processes draw different dropout
    reset_peak(accelerator.device)
    companion = objective.companion
    groups = [[p for p in student.parameters() if p.requires_grad]]
    if companion is not None:
        groups.append([*companion.network.to(accelerator.device).parameters()])
    parameters = [{"params": group} for group in groups]
    optimizer = accelerator.prepare_optimizer(
        torch.optim.AdamW(parameters, lr=config.learning_rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    )
    # "Evaluation" leaves out the wrapper for several processes, whose work `sum_gradients` does, and nothing else.
    model = accelerator.prepare_model(student, evaluation_mode=True)
    held: dict[str, Stateful] = {"weights": Weights(student), "optimizer": Steps(optimizer)}
    if companion is not None:
        held["companion"] = Weights(companion.network)
    held |= {f"method {i}": own for i, own in enumerate(objective.state)}
    run = _Run(**(resume(accelerator, state, fingerprint, held, _Run) or {}))
    if accelerator.is_main_process:
        keep_precision(job.folder, precision)
    report = job.report if accelerator.is_main_process else lambda *_: None
    clock, spent = time.perf_counter(), run.wall_s
    saved = clock
    while run.gradient_tokens < config.gradient_tokens:
        with branch_attention(student):
            done = _step(accelerator, model, optimizer, objective, job, run)
        report(run.gradient_tokens, config.gradient_tokens, f"{method} loss {run.log[-1]['loss']:.3f}")
        due = _due(done, run, config, objective.alone)
        if due > len(run.evaluations):
            student.eval()
            owner = f"{job.folder}: step {run.steps}"
            check_weights(trained(student, companion).items(), owner, LOWER)
            score = from_main(development_score(job, student, precision) if accelerator.is_main_process else math.nan)
            check_numbers({"development score": score}, owner, LOWER)
            run.evaluations += [{"gradient_tokens": run.gradient_tokens, "score": score}] * (due - len(run.evaluations))
            if score >= run.best:
                run.best, run.kept_tokens = score, run.gradient_tokens
                if accelerator.is_main_process:
                    keep(trained(student, companion), state)
            report(run.gradient_tokens, config.gradient_tokens, f"{method} development score {score:.3f}")
        elif not from_main(time.perf_counter() - saved > SAVE_EVERY_S):
            continue
        run.wall_s = spent + time.perf_counter() - clock
        save_state(accelerator, state, run.steps, asdict(run), held)
        saved = time.perf_counter()
    if not run.evaluations:
        msg = (
            f"{job.folder}: expected steps that train the student, got {run.gradient_tokens} gradient tokens that its "
            "companion spent alone; raise --gradient-tokens and choose another folder"
        )
        raise ValueError(msg)
    if accelerator.is_main_process:
        stored = _save(job, student, companion, run, precision, as_part=as_part)
        write_record(
            job,
            method,
            mixed_precision=precision,
            processes=accelerator.num_processes,
            sequences=run.sequences,
            gradient_tokens=run.gradient_tokens,
            kept_tokens=run.kept_tokens,
            steps=run.steps,
            wall_s=spent + time.perf_counter() - clock,
            peak_bytes=peak_bytes(accelerator.device),
            evaluations=run.evaluations,
            log=run.log,
            **stored,
        )
    accelerator.wait_for_everyone()


def _step(
    accelerator: Accelerator, model: nn.Module, optimizer: Any, objective: Objective, job: Job, run: _Run
) -> float:
    """One optimiser step, on the mean over its questions; nothing moves where a loss or the gradient is not finite.

    Returns the share of the budget that was spent when it began.
    """
    config, owner = job.config, f"{job.folder}: step {run.steps + 1}"
    done = run.gradient_tokens / config.gradient_tokens
    rates = [1.0] if objective.companion is None else [1.0, objective.companion.rate]
    for group, multiple in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = config.learning_rate * multiple * rate(done, config.warmup, objective.alone)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    wanted = min(config.tokens_per_step, config.gradient_tokens - run.gradient_tokens)
    model.train()
    parts: list[QuestionLoss] = []
    while not parts or sum(part.gradient_tokens for part in parts) < wanted:
        mine = []
        for place, question in share(accelerator, _next_questions(objective.questions, config, run)):
            part = objective.loss(model, question, done)
            accelerator.backward(part.loss)
            mine.append((place, replace(part, loss=part.loss.detach().cpu())))
        parts += bring_together(mine)
    loss = sum(float(part.loss) for part in parts) / len(parts)
    means = {name: sum(part.log[name] for part in parts) / len(parts) for name in parts[0].log}
    check_numbers({"a loss of": loss, **means}, owner, LOWER)
    sum_gradients(accelerator, parameters)
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad /= len(parts)
    norm = accelerator.clip_grad_norm_(parameters, config.clip_norm)
    check_numbers({"a gradient of norm": float(norm)}, f"{owner}, loss {loss:.3g}", LOWER)
    optimizer.step()
    optimizer.zero_grad()
    after = objective.after_step([part.memory for part in parts])
    check_numbers(after, owner, LOWER)
    run.gradient_tokens += sum(part.gradient_tokens for part in parts)
    run.sequences = sorted({*run.sequences, *(name for part in parts for name in part.sequences)})
    run.steps += 1
    run.log.append({"gradient_tokens": run.gradient_tokens, "loss": loss, **means, **after})
    return done


def _next_questions(count: int, config: StudentConfig, run: _Run) -> list[int]:
    """The next questions of this epoch's order; an epoch's last step may be smaller."""
    generator = torch.Generator().manual_seed((config.seed * 10_007 + run.epoch) % 2**63)
    order = torch.randperm(count, generator=generator).tolist()
    chosen: list[int] = order[run.position : run.position + config.questions_per_step]
    run.position += len(chosen)
    if run.position >= count:
        run.epoch, run.position = run.epoch + 1, 0
    return chosen


def _due(done: float, run: _Run, config: StudentConfig, alone: float) -> int:
    """How many development scores there should be behind a step that began at `done`, evenly over the second stage."""
    if done < alone:
        return 0
    begin, budget = int(alone * config.gradient_tokens), config.gradient_tokens
    return (min(run.gradient_tokens, budget) - begin) * config.evaluations // (budget - begin)


def _save(
    job: Job, student: Any, companion: Companion | None, run: _Run, precision: Precision, *, as_part: bool
) -> dict[str, Any]:
    """Writes the best weights as a plain model, and the companion's; what the record says of them."""
    restore(trained(student, companion), job.folder / STATE)
    plain = student.merge_and_unload() if isinstance(student, PeftModel) else student
    check_weights(plain.named_parameters(), str(job.folder), LOWER)
    if as_part:
        stored: dict[str, Any] = {}
        with atomic_files(job.folder) as written:
            plain.save_pretrained(written)
            job.tokenizer.save_pretrained(written)
    else:
        stored = save_student(job, plain, run.best, precision)
    return stored if companion is None else {**stored, "beside": companion.save(run.sequences)}
