"""One step of a student's optimiser, over questions and what is replayed beside them."""

from dataclasses import replace
from typing import Any

from accelerate import Accelerator
from torch import nn

from offbook.engine.finite import check_numbers
from offbook.engine.students.clipping import clipped_mean
from offbook.engine.students.distiller import Job
from offbook.engine.students.objective import Objective, QuestionLoss
from offbook.engine.students.packing import packs
from offbook.engine.students.processes import bring_together, share, sum_gradients
from offbook.engine.students.replay import Replay, replay_loss
from offbook.engine.students.run_state import Run, next_questions
from offbook.engine.students.schedule import rate
from offbook.engine.students.token_weighting import TokenWeigher, with_shares

LOWER = "the training diverges: lower --learning-rate and choose another folder"


def take_step(
    accelerator: Accelerator,
    model: nn.Module,
    optimizer: Any,
    objective: Objective,
    job: Job,
    run: Run,
    weigher: TokenWeigher | None = None,
) -> float:
    """One step, on the mean over its questions; nothing moves where a loss or the gradient is not finite.

    Args:
        accelerator: the training's.
        model: the student.
        optimizer: of it and of the method's companion.
        objective: the method.
        job: the training's.
        run: where it stands; goes on.
        weigher: what weighs tokens inside of the objective's losses, for the log.

    Returns:
        The share of the budget that was spent when the step began.
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
        for pack in objective.packs(share(accelerator, next_questions(objective.questions, config, run)), done):
            found = objective.read(model, [question for _, question in pack], done)
            accelerator.backward(found.loss)
            for (place, _), part in zip(pack, found.questions, strict=True):
                log = part.log if weigher is None else {**part.log, **weigher.counts()}  # all with a pack's first
                mine.append((place, replace(part, loss=part.loss.detach().cpu(), log=log)))
        parts += bring_together(mine)
    loss = sum(float(part.loss) for part in parts) / len(parts)
    means = with_shares({name: sum(part.log[name] for part in parts) / len(parts) for name in parts[0].log})
    learned, replayed = sum(part.gradient_tokens for part in parts), dict[str, float]()
    if objective.replay is not None and done >= objective.alone:
        replayed = _replay(accelerator, model, objective.replay, run, weight=len(parts) / learned, learned=learned)
    check_numbers({"a loss of": loss, **means, **replayed}, owner, LOWER)
    sum_gradients(accelerator, parameters)
    divisor = len(parts) * (1 + replayed.get("replayed_tokens", 0) / learned)  # see `replay.py`
    norm = clipped_mean(parameters, divisor, config.clip_norm)
    check_numbers({"a gradient of norm": float(norm)}, f"{owner}, loss {loss:.3g}", LOWER)
    optimizer.step()
    optimizer.zero_grad()
    after = objective.after_step([part.memory for part in parts])
    check_numbers(after, owner, LOWER)
    run.gradient_tokens += learned + int(replayed.get("replayed_tokens", 0))
    run.sequences = sorted({*run.sequences, *(name for part in parts for name in part.sequences)})
    run.steps += 1
    run.log.append({"gradient_tokens": run.gradient_tokens, "loss": loss, **means, **replayed, **after})
    return done


def _replay(
    accelerator: Accelerator, model: nn.Module, replay: Replay, run: Run, *, weight: float, learned: int
) -> dict[str, float]:
    """Differentiates what is due beside a step's questions; for the log, its tokens and a token's mean loss.

    Args:
        accelerator: the training's.
        model: the student.
        replay: what there is.
        run: goes on.
        weight: of a token, so that all of it is divided by the questions' number like their own losses.
        learned: gradient tokens of the questions.
    """
    run.replay_owed += replay.owed(learned)
    items = replay.due(run.replay_owed, run.replayed)
    if not items:
        return {"replayed_tokens": 0}
    mine: list[tuple[int, float]] = []
    for pack in packs(share(accelerator, items), lambda placed: placed[1].rows):
        found = replay_loss(model, [item for _, item in pack], weight)
        accelerator.backward(found.loss)
        mine += [(place, float(part) / weight) for (place, _), part in zip(pack, found.questions, strict=True)]
    total, tokens = sum(bring_together(mine)), sum(len(item.tokens) for item in items)
    run.replayed += len(items)
    run.replayed_tokens += tokens
    run.replay_owed -= tokens
    return {"replayed_tokens": tokens, "replay_loss": total / tokens}
