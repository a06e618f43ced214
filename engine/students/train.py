"""The loop that trains every student, through accelerate; interrupt and resume at will.

    repeat: a few questions; the method's loss of each, differentiated at once (one question's branches in memory)
            what is replayed beside them (`replay.py`); clip, step; the method is told what came of the questions
            in the last part of the budget: the weights join the mean that becomes the student (`averaging.py`)
            at every n-th of the budget: development score
            there and every ten minutes: state saved
    until so many response tokens have been differentiated

What a method adds is an `Objective`. Without averaging, the best weights by development score become the student, of
equals the last. Several processes share a step's questions (`processes.py`); steps, log and record are those of one
process, but for dropout's draws.
"""

import contextlib
import math
import time
from dataclasses import asdict
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
from offbook.engine.students.averaging import Average
from offbook.engine.students.best import keep, restore, trained
from offbook.engine.students.branches import branch_attention
from offbook.engine.students.companion import Companion
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.distiller import Job
from offbook.engine.students.gradient_sums import summed_gradients
from offbook.engine.students.kept_memory import kept_memory
from offbook.engine.students.lean_layers import lean_layers
from offbook.engine.students.objective import Objective, QuestionLoss, with_replay
from offbook.engine.students.precision import Precision, keep_precision, precision_of
from offbook.engine.students.predictions import weighing
from offbook.engine.students.processes import accelerator_for, from_main
from offbook.engine.students.record import STATE, is_trained, replay_record, training_fingerprint, write_record
from offbook.engine.students.run_state import Run, due, in_mean
from offbook.engine.students.saving import development_score, save_student
from offbook.engine.students.step import LOWER, take_step
from offbook.engine.students.token_weighting import token_weigher

__all__ = ["Objective", "QuestionLoss", "train_student", "with_adapters"]

SAVE_EVERY_S = 600.0


def train_student(job: Job, method: str, objective: Objective, *, as_part: bool = False) -> Path:
    """Trains `job.student` into `job.folder`; see `Distiller`.

    The folder holds the model, in bf16 unless its development score falls by that (`saving.py`), the tokenizer, what a
    companion writes and, last, `distillation.json`: method, settings, the mixed precision that was used, processes,
    machine, gradient tokens (all, and those behind the kept weights), what was replayed, the distinct sequences with
    their names, steps, how many of them are in the mean, seconds, peak memory, development scores, number format and
    scores of the weights as they are stored, and the log of every step.

    Args:
        job: what is trained, of what, and where to.
        method: its name.
        objective: what the method adds to the loop; what the job replays is added to it here.
        as_part: for one training of several, whose weights are no student yet and are kept as they are.

    Raises:
        ValueError: a folder that holds another training, finished or not, a training that diverges, a budget that a
            companion spends alone, or a share to replay and nothing that could be.
    """
    if is_trained(job.folder, training_fingerprint(job, method)):
        return job.folder
    if job.config.replay:
        objective = with_replay(objective, job.replay, job.config.replay, seed=job.config.seed)
    precision = precision_of(job.folder, job.config.mixed_precision, job.student.device)
    with accelerator_for(job.student, precision) as accelerator, kept_memory():
        _train(accelerator, job, method, objective, precision, as_part=as_part)
    return job.folder


def with_adapters(student: nn.Module, config: StudentConfig) -> Any:
    """The student with LoRA on every linear layer, or as it is for rank 0.

    Without dropout: its draws would be others for every method, and take longer than the adapters' products.
    """
    if config.lora_rank == 0:
        return student
    lora = LoraConfig(
        r=config.lora_rank, lora_alpha=2 * config.lora_rank, lora_dropout=0.0, target_modules="all-linear"
    )
    return get_peft_model(student, lora)


def _train(
    accelerator: Accelerator, job: Job, method: str, objective: Objective, precision: Precision, *, as_part: bool
) -> None:
    """Every step of the budget, from where an earlier sitting stopped."""
    config, state, fingerprint = job.config, job.folder / STATE, training_fingerprint(job, method)
    state.mkdir(parents=True, exist_ok=True)
    weigher = token_weigher(job, precision)
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
    average = Average(student, companion) if config.averaging else None
    held: dict[str, Stateful] = {"weights": Weights(student), "optimizer": Steps(optimizer)}
    if companion is not None:
        held["companion"] = Weights(companion.network)
    if average is not None:
        held["average"] = average
    held |= {f"method {i}": own for i, own in enumerate(objective.state)}
    run = Run(**(resume(accelerator, state, fingerprint, held, Run) or {}))
    if accelerator.is_main_process:
        keep_precision(job.folder, precision)
    report = job.report if accelerator.is_main_process else lambda *_: None
    clock, spent = time.perf_counter(), run.wall_s
    saved = clock
    while run.gradient_tokens < config.gradient_tokens:
        with branch_attention(student), weighing(student, weigher), lean_layers(student), summed_gradients(student):
            done = take_step(accelerator, model, optimizer, objective, job, run, weigher)
        report(run.gradient_tokens, config.gradient_tokens, f"{method} loss {run.log[-1]['loss']:.3f}")
        if average is not None and in_mean(done, run, config, objective.alone):
            average.take()
        wanted = due(done, run, config, objective.alone)
        if wanted > len(run.evaluations):
            student.eval()
            owner = f"{job.folder}: step {run.steps}"
            check_weights(trained(student, companion).items(), owner, LOWER)
            with _judged(average):
                own = development_score(job, student, precision) if accelerator.is_main_process else math.nan
            score = from_main(own)
            check_numbers({"development score": score}, owner, LOWER)
            entry = {"gradient_tokens": run.gradient_tokens, "score": score}
            run.evaluations += [entry] * (wanted - len(run.evaluations))
            if average is not None or score >= run.best:
                run.best, run.kept_tokens = score, run.gradient_tokens
                if average is None and accelerator.is_main_process:
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
        stored = _save(job, student, companion, average, run, precision, as_part=as_part)
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
            **replay_record(job, run.replayed_tokens),
            **stored,
        )
    accelerator.wait_for_everyone()


def _judged(average: Average | None) -> contextlib.AbstractContextManager[None]:
    """Inside, the student has the weights that are scored."""
    return contextlib.nullcontext() if average is None else average.standing_in()


def _save(
    job: Job,
    student: Any,
    companion: Companion | None,
    average: Average | None,
    run: Run,
    precision: Precision,
    *,
    as_part: bool,
) -> dict[str, Any]:
    """Writes the mean or the best weights as a plain model, and the companion's; what the record says of them."""
    stored: dict[str, Any] = {}
    if average is not None:
        plain = average.settle()
        stored["averaged_steps"] = average.taken
    else:
        restore(trained(student, companion), job.folder / STATE)
        plain = student.merge_and_unload() if isinstance(student, PeftModel) else student
    check_weights(plain.named_parameters(), str(job.folder), LOWER)
    if as_part:
        with atomic_files(job.folder) as written:
            plain.save_pretrained(written)
            job.tokenizer.save_pretrained(written)
    else:
        stored |= save_student(job, plain, run.best, precision)
    return stored if companion is None else {**stored, "beside": companion.save(run.sequences)}
