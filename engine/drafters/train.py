"""Trains a drafter on the target's own answers, through accelerate; interrupt and resume at will.

What is learned from a batch is the architecture's objective; what a batch is stands in `batch.py`. The noise is
(U(0,1) - 0.5) * 0.2 * 512 / max(S, 2048) on the input feature only; targets are clean. AdamW with betas (0.9, 0.95),
gradients clipped by *value*, warm-up, then the architecture's schedule. Network and loss are fp32; what comes from
a target of another dtype (features, embeddings, head) is cast.
"""

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from transformers import get_scheduler

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.batch import DraftData, kept_taps
from offbook.engine.drafters.checkpoint import TargetName, draft_config, save_drafter
from offbook.engine.drafters.config import TrainingConfig, held_out
from offbook.engine.drafters.features import Features
from offbook.engine.drafters.flops import training_cost
from offbook.engine.drafters.vocabulary import draft_vocabulary, share_outside
from offbook.engine.finite import NotFiniteError, check_numbers, check_weights
from offbook.engine.resuming.held import Steps, Weights
from offbook.engine.resuming.state import is_finished, resume, save_state
from offbook.engine.trained_on import write_trained_on

STATE = ".training"  # in the drafter's folder, until it is finished
LOWER = "the training diverges: lower --learning-rate and choose another folder"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a running training reports."""

    stage: str
    done: int
    total: int
    message: str = ""


def train_drafter(
    backbone: Backbone,
    architecture: DraftArchitecture,
    answers: Sequence[Answer],
    config: TrainingConfig,
    folder: Path,
    *,
    target: TargetName,
    features_dir: Path | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Path:
    """Trains one drafter into `folder` and returns it; an interrupted run continues after its last epoch.

    Args:
        backbone: the target.
        architecture: what to train.
        answers: the target's own answers.
        config: hyper-parameters.
        folder: checkpoint folder; a finished one is returned as it is.
        target: name and weights hash, written into the checkpoint.
        features_dir: cache of features; None computes them online.
        progress: called as work goes on.

    Raises:
        ValueError: no answers, a folder that holds another training, finished or not, or a training that diverges.
    """
    fingerprint = _fingerprint(answers, config, architecture, target)
    if is_finished(folder / "config.json", fingerprint, "training", "fingerprint"):
        return folder
    train_rows, dev_rows = _split(answers, config)
    sequences = [_sequence(a, config) for a in answers]
    layers, size = int(backbone.config.num_hidden_layers), config.draft_vocab_size
    layer = architecture.sized(draft_config(backbone), layers=layers, draft_vocab_size=size)
    states = kept_taps(layer.taps)
    features = Features(backbone, sequences, features_dir, target=target.weights_sha256, taps=states)
    features.prepare(lambda done, total: progress(Progress(stage="features", done=done, total=total)))
    vocab_size = backbone.embedding_VH.shape[0]
    token_ids = draft_vocabulary([answers[i] for i in train_rows], size=size, vocab_size=vocab_size)
    head = DraftHead(backbone.head_VH.float(), token_ids)
    data = DraftData(answers, sequences, features, token_ids, backbone.embedding_VH, layer.taps)

    torch.manual_seed(config.seed)
    network = architecture.build(layer)
    if architecture.start is not None:
        architecture.start(network, head)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, betas=(0.9, 0.95), weight_decay=architecture.weight_decay
    )
    steps = -(-len(train_rows) // config.batch_size) * config.epochs
    scheduler = get_scheduler(architecture.schedule, optimizer, config.warmup_steps, steps)
    accelerator = Accelerator(cpu=backbone.device.type == "cpu")
    model, optimizer, scheduler = accelerator.prepare(network, optimizer, scheduler)
    state = folder / STATE
    held = {"weights": Weights(accelerator.unwrap_model(model)), "optimizer": Steps(optimizer), "schedule": scheduler}
    kind = list[dict[str, float | None]]
    history: list[dict[str, float | None]] = resume(accelerator, state, fingerprint, held, kind) or []
    for epoch in range(len(history), config.epochs):
        generator = torch.Generator().manual_seed((config.seed * 10_007 + epoch) % 2**63)
        order = [train_rows[i] for i in torch.randperm(len(train_rows), generator=generator).tolist()]
        batches = [order[i : i + config.batch_size] for i in range(0, len(order), config.batch_size)]
        model.train()
        running = 0.0
        for step, rows in enumerate(batches, start=1):
            batch = data.batch(rows, config, generator if architecture.noise else None)
            loss = architecture.objective(model, batch, head)
            value = float(loss.detach())
            if not math.isfinite(value):
                msg = f"{folder}: expected a finite loss, got {value} at step {step} of epoch {epoch + 1}; {LOWER}"
                raise NotFiniteError(msg)
            accelerator.backward(loss)
            accelerator.clip_grad_value_(model.parameters(), config.clip_value)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            running += value
            message = f"epoch {epoch + 1}/{config.epochs} loss {running / step:.3f}"
            progress(Progress(stage="training", done=epoch * len(batches) + step, total=steps, message=message))
        network = accelerator.unwrap_model(model)
        check_weights(network.named_parameters(), f"{folder}: epoch {epoch + 1}", LOWER)
        dev_loss = development_loss(network, architecture, data, dev_rows, head, config)
        agreed = agreement(network, architecture, data, dev_rows, head, config)
        top1, top3 = agreed or (None, None)
        history.append({"epoch": epoch + 1, "loss": running / len(batches)})
        history[-1] |= {"dev_loss": dev_loss, "dev_top1": top1, "dev_top3": top3}
        behind = development_loss(network, architecture, data, batches[-1], head, config)
        check_numbers(history[-1] | {"behind the last step a loss of": behind}, f"{folder}: epoch {epoch + 1}", LOWER)
        found = "agreement top-1 {:.3f} top-3 {:.3f}".format(*agreed) if agreed else "answers: none"
        if dev_loss is not None:
            found = f"loss {dev_loss:.3f} {found}"
        message = f"epoch {epoch + 1}/{config.epochs} dev {found}"
        progress(Progress(stage="training", done=(epoch + 1) * len(batches), total=steps, message=message))
        save_state(accelerator, state, len(history), history, held)

    training = {
        **asdict(config),
        "prompts": len(train_rows),
        "answer_tokens": sum(max(0, len(sequences[i]) - len(answers[i].prompt_tokens)) for i in train_rows),
        **training_cost(architecture, accelerator.unwrap_model(model), data, train_rows, head, epochs=config.epochs),
        "dev_prompts": len(dev_rows),
        "outside_draft_vocabulary": {
            "training": share_outside([answers[i] for i in train_rows], token_ids),
            "dev": share_outside([answers[i] for i in dev_rows], token_ids),
        },
        "history": history,
        "fingerprint": fingerprint,
    }
    if architecture.ranks is not None:
        network = accelerator.unwrap_model(model)
        training["rank_accuracy"] = rank_accuracy(network, architecture, data, dev_rows, head, config)
    if all(answer.prompt for answer in answers):
        training["trained_on"] = write_trained_on(folder, [answer.prompt for answer in answers])
    save_drafter(
        folder,
        accelerator.unwrap_model(model),
        token_ids,
        layer=layer,
        architecture=architecture.name,
        variant=architecture.variant,
        target=target,
        vocab_size=vocab_size,
        training=training,
    )
    shutil.rmtree(state, ignore_errors=True)
    return folder


@torch.inference_mode()
def development_loss(
    network: torch.nn.Module,
    architecture: DraftArchitecture,
    data: DraftData,
    rows: Sequence[int],
    head: DraftHead,
    config: TrainingConfig,
) -> float | None:
    """The training loss without noise, a mean over batches; None where no row counts."""
    network.eval()
    losses = []
    for start in range(0, len(rows), config.batch_size):
        batch = data.batch(rows[start : start + config.batch_size], config, None)
        if batch.later_BT.any():  # then some row counts for the next position too
            losses.append(float(architecture.objective(network, batch, head)))
    return sum(losses) / len(losses) if losses else None


@torch.inference_mode()
def agreement(
    network: torch.nn.Module,
    architecture: DraftArchitecture,
    data: DraftData,
    rows: Sequence[int],
    head: DraftHead,
    config: TrainingConfig,
) -> tuple[float, float] | None:
    """Share of answer tokens that are the draft's first guess, and among its first three (teacher-forced).

    Tokens outside the draft vocabulary count as missed. None where `rows` have no answer token to guess.
    """
    network.eval()
    hits_1 = hits_3 = total = 0
    for start in range(0, len(rows), config.batch_size):
        chunk = rows[start : start + config.batch_size]
        batch = data.batch(chunk, config, None)
        ids_BTK = architecture.guesses(network, batch, head, min(3, head.token_ids.shape[0]))
        for row, i in enumerate(chunk):
            first, end = len(data.answers[i].prompt_tokens), len(data.sequences[i])
            wanted = batch.tokens_BS[row, first + 1 : end]  # the answer's first token is the prefill's
            if wanted.numel() == 0:
                continue
            hit = ids_BTK[row, first - 1 : end - 2] == wanted[:, None]
            hits_1 += int(hit[:, 0].sum())
            hits_3 += int(hit.any(dim=1).sum())
            total += wanted.numel()
    return (hits_1 / total, hits_3 / total) if total else None


@torch.inference_mode()
def rank_accuracy(
    network: torch.nn.Module,
    architecture: DraftArchitecture,
    data: DraftData,
    rows: Sequence[int],
    head: DraftHead,
    config: TrainingConfig,
) -> list[list[float]] | None:
    """How often the r-th guess for each position ahead is right; None where there is nothing to guess."""
    assert architecture.ranks is not None
    network.eval()
    found = [
        architecture.ranks(network, data.batch(rows[start : start + config.batch_size], config, None), head)
        for start in range(0, len(rows), config.batch_size)
    ]
    if not found:
        return None
    hits, counts = (torch.stack(side).sum(dim=0) for side in zip(*found, strict=True))
    if not bool((counts > 0).all()):
        return None
    shares: list[list[float]] = (hits / counts[:, None]).tolist()
    return shares


def _split(answers: Sequence[Answer], config: TrainingConfig) -> tuple[list[int], list[int]]:
    """Training and development rows; see `held_out`."""
    if len(answers) < 2:
        msg = f"expected at least two answers to train on, got {len(answers)}; give more prompts"
        raise ValueError(msg)
    out = [held_out(answer.id, config.dev_fraction) for answer in answers]
    return [i for i, kept in enumerate(out) if not kept], [i for i, kept in enumerate(out) if kept]


def _sequence(answer: Answer, config: TrainingConfig) -> list[int]:
    return [*answer.prompt_tokens, *answer.answer_tokens][: config.max_length]


def _fingerprint(
    answers: Sequence[Answer], config: TrainingConfig, architecture: DraftArchitecture, target: TargetName
) -> str:
    rows = [{"id": a.id, "prompt_tokens": a.prompt_tokens, "answer_tokens": a.answer_tokens} for a in answers]
    what = [asdict(config), architecture.name, asdict(target), rows]
    if architecture.variant:
        what.append(dict(architecture.variant))
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
