"""The mean of the weights over a training's last steps: what it is the mean of, and that nothing else feels it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft.tuners.lora import LoraLayer
from torch import nn

from offbook.engine.students.averaging import Average
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.train import train_student, with_adapters
from tests.engine.students.test_student_training import StoppedError, job, objective, record, weights
from tests.tiny import tiny_model

Tensors = dict[str, torch.Tensor]


def exact_scores() -> Callable[[Any], float]:
    """One score of the training, and less for rounded weights, so that a student is stored as it was scored."""
    scores = iter([0.5, 0.0])
    return lambda _: next(scores)


def plain_weights(student: nn.Module) -> Tensors:
    """A student's weights, what adapters add to them among them."""
    found: Tensors = {}
    for name, p in student.named_parameters():
        if "lora_" not in name:
            found[name.replace(".base_layer", "")] = p.detach().clone()
    for name, module in student.named_modules():
        if isinstance(module, LoraLayer):
            found[f"{name}.weight"] += module.get_delta_weight("default").detach()  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("lora_rank", [0, 4])
def test_the_student_is_the_mean_over_the_steps_that_end_in_the_last_third(lora_rank: int, tmp_path: Path) -> None:
    work = job(tmp_path / "s", exact_scores(), lora_rank=lora_rank, evaluations=1, learning_rate=1e-2)
    behind: list[tuple[int, Tensors]] = []

    def report(done: int, total: int, message: str) -> None:
        if "loss" in message:
            behind.append((done, plain_weights(work.student)))

    folder = train_student(replace(work, report=report), "plain", objective())
    last = [found for done, found in behind if done > 400]
    assert 1 < len(last) < len(behind)
    assert record(folder)["averaged_steps"] == len(last)
    for name, value in weights(folder).items():
        torch.testing.assert_close(value, torch.stack([found[name] for found in last]).mean(dim=0))
    assert any(not torch.allclose(value, last[-1][name], atol=1e-5) for name, value in weights(folder).items())


def test_of_adapters_it_is_the_mean_of_products_and_not_the_product_of_means() -> None:
    student = with_adapters(tiny_model(), StudentConfig(lora_rank=2))
    average, seen = Average(student, None), []
    for seed in range(3):
        torch.manual_seed(seed)
        with torch.no_grad():
            for p in student.parameters():
                if p.requires_grad:
                    p.normal_(std=0.1)
        average.take()
        seen.append(plain_weights(student.get_base_model()))
    with average.standing_in():
        standing = student(input_ids=torch.arange(9)[None]).logits
    plain = average.settle()
    for name, value in plain.named_parameters():
        torch.testing.assert_close(value.detach(), torch.stack([found[name] for found in seen]).mean(dim=0))
    torch.testing.assert_close(plain(input_ids=torch.arange(9)[None]).logits, standing)


@pytest.mark.parametrize("lora_rank", [0, 4])
def test_a_training_with_a_mean_takes_the_steps_of_one_without(lora_rank: int, tmp_path: Path) -> None:
    logs = [
        record(train_student(job(tmp_path / str(a), averaging=a, lora_rank=lora_rank), "plain", objective()))["log"]
        for a in (0.0, 0.9)
    ]
    assert logs[0] == logs[1]


def test_what_is_scored_is_the_mean_and_the_last_score_is_kept_whatever_the_others(tmp_path: Path) -> None:
    seen: list[Tensors] = []
    scores = iter([0.9, 0.8, 0.3, 0.0])

    def score(student: nn.Module) -> float:
        seen.append({name: p.detach().clone() for name, p in student.named_parameters()})
        return next(scores)

    folder = train_student(job(tmp_path / "s", score, averaging=0.5), "plain", objective())
    content = record(folder)
    assert all(torch.equal(value, seen[2][name]) for name, value in weights(folder).items())
    assert content["kept_tokens"] == content["gradient_tokens"]
    assert content["dtype_scores"] == {"float32": 0.3, "bfloat16": 0.0}


def test_a_training_of_one_step_keeps_it(tmp_path: Path) -> None:
    work = job(tmp_path / "s", exact_scores(), gradient_tokens=1, evaluations=1)
    folder = train_student(work, "plain", objective())
    assert record(folder)["averaged_steps"] == 1
    untouched = dict(tiny_model().named_parameters())
    assert any(not torch.equal(value, untouched[name]) for name, value in weights(folder).items())


@pytest.mark.parametrize("lora_rank", [0, 4])
@pytest.mark.parametrize("at", [1, 4])  # before the first step of the mean and between two of them
def test_an_interrupted_mean_ends_as_an_uninterrupted_one(
    at: int, lora_rank: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offbook.engine.students.train.SAVE_EVERY_S", -1.0)

    def work(name: str) -> Any:
        return job(tmp_path / name, lora_rank=lora_rank, averaging=0.6, evaluations=1)

    whole = train_student(work("whole"), "plain", objective())
    log = record(whole)["log"]

    def stop(done: int, total: int, message: str) -> None:
        if done == log[at]["gradient_tokens"]:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_student(replace(work("cut"), report=stop), "plain", objective())
    cut = train_student(work("cut"), "plain", objective())
    assert record(cut)["averaged_steps"] == record(whole)["averaged_steps"]
    assert all(torch.equal(value, weights(cut)[name]) for name, value in weights(whole).items())


def test_the_mean_of_another_student_is_refused() -> None:
    average, other = Average(tiny_model(), None), Average(tiny_model(hidden_size=16), None)
    average.take()
    with pytest.raises(ValueError, match="expected the mean of this student's weights"):
        other.load_state_dict(average.state_dict())
