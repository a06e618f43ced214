"""Drafters that are counted, not trained by gradients: n-grams of the target's own answers, in a checkpoint.

    model.safetensors    of every n up to the order: `ngrams_n` (G, n) and `counts_n` (G,), int32
    config.json          the target, the order, how many answers; sealed, written last
    trained_on.json      hashes of the prompts

N-grams lie as `ngrams` has them. One may begin in the prompt; its last token is the answer's.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.checkpoint import SCHEMA_VERSION, TargetName, check_target, read_config
from offbook.engine.drafters.config import TrainingConfig, held_out
from offbook.engine.drafters.ngrams import CountedArchitecture, NgramCounts
from offbook.engine.files import atomic_write_text
from offbook.engine.resuming.seal import sealed
from offbook.engine.resuming.state import is_finished
from offbook.engine.tensor_file import write_tensors
from offbook.engine.trained_on import write_trained_on


def count_drafter(
    architecture: CountedArchitecture,
    answers: Sequence[Answer],
    folder: Path,
    *,
    target: TargetName,
    vocab_size: int,
    dev_fraction: float = TrainingConfig().dev_fraction,
) -> Path:
    """Counts the answers into a checkpoint and returns its folder; a finished one is returned as it is.

    Answers to the prompts that every drafter's training holds out are not counted: settings are chosen on them.

    Raises:
        ValueError: no answers, or a folder that holds something else.
    """
    answers = [answer for answer in answers if not held_out(answer.id, dev_fraction)]
    fingerprint = _fingerprint(architecture, answers, target)
    if is_finished(folder / "config.json", fingerprint, "training", "fingerprint"):
        return folder
    if not answers:
        msg = "expected an answer to count at least, got none; give more prompts"
        raise ValueError(msg)
    tensors: dict[str, torch.Tensor] = {}
    for n in range(1, architecture.order + 1):
        found = counted(answers, n)
        tensors |= {f"ngrams_{n}": found.ngrams_GN, f"counts_{n}": found.counts_G}
    write_tensors(folder / "model.safetensors", tensors)
    training: dict[str, Any] = {
        "prompts": len(answers),
        "answer_tokens": sum(len(answer.answer_tokens) for answer in answers),
        "gradient_tokens": 0,
        "flops": 0,
        "fingerprint": fingerprint,
    }
    if all(answer.prompt for answer in answers):
        training["trained_on"] = write_trained_on(folder, [answer.prompt for answer in answers])
    config = {
        "schema_version": SCHEMA_VERSION,
        "architecture": architecture.name,
        "target": asdict(target),
        "vocab_size": vocab_size,
        "order": architecture.order,
        "training": training,
    }
    config = sealed(config, folder / "config.json", ["model.safetensors"])
    atomic_write_text(folder / "config.json", json.dumps(config, indent=2, sort_keys=True, allow_nan=False) + "\n")
    return folder


def counted(answers: Sequence[Answer], n: int) -> NgramCounts:
    """All n-grams that end in an answer."""
    counts: Counter[tuple[int, ...]] = Counter()
    for answer in answers:
        text = (*answer.prompt_tokens, *answer.answer_tokens)
        first = len(answer.prompt_tokens)
        counts.update(text[end - n : end] for end in range(max(n, first + 1), len(text) + 1))
    ordered = sorted(counts.items(), key=lambda item: (item[0][:-1], -item[1], item[0][-1]))
    return NgramCounts(
        ngrams_GN=torch.tensor([ngram for ngram, _ in ordered], dtype=torch.int32).reshape(-1, n),
        counts_G=torch.tensor([count for _, count in ordered], dtype=torch.int32),
    )


def load_counts(
    folder: Path,
    architecture: CountedArchitecture,
    *,
    vocab_size: int,
    target: TargetName | None = None,
    base: TargetName | None = None,
) -> list[NgramCounts]:
    """The counts of a checkpoint, of single tokens first.

    Args:
        folder: where `count_drafter` wrote.
        architecture: whose.
        vocab_size: of the model in memory.
        target: name and hash of that; None skips the comparison of hashes.
        base: another model whose drafters are taken too.

    Raises:
        ValueError: not a checkpoint of this architecture, one for another model, or a damaged one.
    """
    config = read_config(folder, (architecture.name,))
    if config["vocab_size"] != vocab_size:
        msg = f"{folder}: expected counts for vocabulary {vocab_size}, got {config['vocab_size']}; count this model's"
        raise ValueError(msg)
    check_target(folder, config, target=target, base=base)
    path = folder / "model.safetensors"
    try:
        tensors = load_file(path)
        return [_checked(tensors, n, vocab_size) for n in range(1, architecture.order + 1)]
    except (SafetensorError, KeyError, ValueError) as error:
        problem = " ".join(str(error).split())
        msg = f"{path}: expected counts of n-grams up to {architecture.order}, got {problem:.300}; count them anew"
        raise ValueError(msg) from error


def _checked(tensors: Mapping[str, torch.Tensor], n: int, vocab_size: int) -> NgramCounts:
    ngrams, counts = tensors[f"ngrams_{n}"], tensors[f"counts_{n}"]
    fits = ngrams.dtype == counts.dtype == torch.int32 and ngrams.shape == (*counts.shape, n)
    if not fits or (counts < 1).any() or (ngrams < 0).any() or (ngrams >= vocab_size).any():
        msg = f"{n}-grams that are none of this vocabulary, each with its count"
        raise ValueError(msg)
    return NgramCounts(ngrams_GN=ngrams, counts_G=counts)


def _fingerprint(architecture: CountedArchitecture, answers: Sequence[Answer], target: TargetName) -> str:
    rows = [{"id": a.id, "prompt_tokens": a.prompt_tokens, "answer_tokens": a.answer_tokens} for a in answers]
    return hashlib.sha256(json.dumps([asdict(architecture), asdict(target), rows], sort_keys=True).encode()).hexdigest()
