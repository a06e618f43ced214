"""Replay: its share of the tokens, its weight in a step, and that all methods of a seed replay the same."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from offbook.engine.students import step
from offbook.engine.students.branches import branch_attention
from offbook.engine.students.companion import Companion
from offbook.engine.students.distiller import Job
from offbook.engine.students.objective import QuestionLoss, with_replay
from offbook.engine.students.predictions import QuestionSums
from offbook.engine.students.record import training_fingerprint
from offbook.engine.students.replay import Replay, ReplayItem
from offbook.engine.students.train import train_student
from offbook.engine.trained_on import read_trained_on
from tests.engine.students.test_student_training import StoppedError, job, objective, record, weights
from tests.tiny import tiny_model

ITEMS = [ReplayItem(id=f"r{n}", prompt=(97 + n, 10), tokens=(*range(70 + n, 74 + 2 * n), 257)) for n in range(5)]


def replaying(folder: Path, share: float = 0.25, **changes: Any) -> Job:
    return replace(job(folder, replay=share, **changes), replay=ITEMS)


def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of items, as they are replayed."""
    seen: list[str] = []
    plain = step.replay_loss

    def replay_loss(student: nn.Module, items: Sequence[ReplayItem], weight: float) -> QuestionSums:
        seen.extend(item.id for item in items)
        return plain(student, items, weight)

    monkeypatch.setattr(step, "replay_loss", replay_loss)
    return seen


@pytest.mark.parametrize("share", [0.05, 0.25, 0.6])
def test_replayed_tokens_have_their_share_of_the_budget_and_are_recorded_apart(share: float, tmp_path: Path) -> None:
    content = record(train_student(replaying(tmp_path / "s", share, gradient_tokens=2000), "plain", objective()))
    longest = max(len(item.tokens) for item in ITEMS)
    tokens = content["replay"]["tokens"]
    assert abs(tokens - share * content["gradient_tokens"]) <= longest
    assert tokens == sum(entry["replayed_tokens"] for entry in content["log"])
    assert content["replay"]["items"] == len(ITEMS)
    assert content["distinct_sequences"] == 5, "of the questions alone"
    before = [0, *(entry["gradient_tokens"] for entry in content["log"])]
    steps = [b - a for a, b in itertools.pairwise(before)]
    assert all(tokens > entry["replayed_tokens"] for tokens, entry in zip(steps, content["log"], strict=True))


def test_a_step_weighs_questions_and_replay_by_their_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    gradients: list[torch.Tensor] = []
    plain, seen = objective(), watched(monkeypatch)

    def loss(student: nn.Module, question: int, done: float) -> QuestionLoss:
        taken.append(question)
        return plain.loss(student, question, done)

    def clip(parameters: Sequence[nn.Parameter], count: float, bound: float) -> torch.Tensor:
        gradients.append(torch.cat([p.grad.flatten() / count for p in parameters if p.grad is not None]))
        return gradients[-1].norm()

    monkeypatch.setattr(step, "clipped_mean", clip)
    work = replaying(tmp_path / "s", gradient_tokens=1, evaluations=1, questions_per_step=3)
    train_student(work, "plain", replace(plain, loss=loss))
    assert len(gradients) == 1
    assert len(seen) >= 1
    student, items = tiny_model(), [next(item for item in ITEMS if item.id == name) for name in seen]
    with branch_attention(student):
        parts = [plain.loss(student, question, 0.0) for question in taken]
    nll = torch.stack([summed(student, item) for item in items]).sum()
    learned, replayed = sum(part.gradient_tokens for part in parts), sum(len(item.tokens) for item in items)
    mean = torch.stack([part.loss for part in parts]).mean()
    (learned / (learned + replayed) * mean + nll / (learned + replayed)).backward()  # type: ignore[no-untyped-call]
    expected = torch.cat([p.grad.flatten() for p in student.parameters() if p.grad is not None])
    torch.testing.assert_close(gradients[0], expected, rtol=1e-4, atol=1e-6)


def summed(student: nn.Module, item: ReplayItem) -> torch.Tensor:
    """Cross-entropy of an item, from one row."""
    ids = torch.tensor([[*item.prompt, *item.tokens]])
    logits = student(input_ids=ids).logits[0, len(item.prompt) - 1 : -1]
    return functional.cross_entropy(logits, ids[0, len(item.prompt) :], reduction="sum")


def test_all_methods_of_a_seed_replay_the_same_items_and_meet_questions_in_the_same_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def both(name: str, scale: int, seed: int = 0, **changes: Any) -> tuple[list[int], list[str]]:
        """Questions and items of a training whose questions have so many times the tokens."""
        plain, asked, seen = objective(), list[int](), watched(monkeypatch)

        def loss(student: nn.Module, question: int, done: float) -> QuestionLoss:
            asked.append(question)
            part = plain.loss(student, question, done)
            return replace(part, gradient_tokens=scale * part.gradient_tokens)

        train_student(replaying(tmp_path / name, seed=seed, **changes), name, replace(plain, loss=loss))
        return asked, list(seen)

    one = both("one", 1)
    for name, found in {
        "many": both("many", 3, gradient_tokens=1200),
        "other steps": both("other steps", 1, questions_per_step=1, tokens_per_step=150),
    }.items():
        for ours, theirs in zip(one, found, strict=True):
            shared = min(len(ours), len(theirs))
            assert shared > 4, name
            assert ours[:shared] == theirs[:shared], name
    assert both("other seed", 1, seed=1)[1] != one[1]


def test_every_round_replays_every_item_once_in_an_order_of_its_own() -> None:
    replay = Replay(items=tuple(ITEMS), share=0.2, seed=3)
    rounds = [[replay.item(5 * n + i).id for i in range(5)] for n in range(4)]
    assert all(sorted(found) == [item.id for item in ITEMS] for found in rounds)
    assert len({tuple(found) for found in rounds}) > 1


@pytest.mark.parametrize("lora_rank", [0, 4])
def test_an_interrupted_training_replays_on_where_it_stopped(
    lora_rank: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offbook.engine.students.train.SAVE_EVERY_S", -1.0)
    whole = train_student(replaying(tmp_path / "whole", lora_rank=lora_rank), "plain", objective())
    log = record(whole)["log"]

    def stop(done: int, total: int, message: str) -> None:
        if done == log[2]["gradient_tokens"]:
            raise StoppedError

    stopped = replace(replaying(tmp_path / "cut", lora_rank=lora_rank), report=stop)
    with pytest.raises(StoppedError):
        train_student(stopped, "plain", objective())
    cut_folder = train_student(replaying(tmp_path / "cut", lora_rank=lora_rank), "plain", objective())
    assert record(cut_folder)["log"] == log
    assert all(torch.equal(value, weights(cut_folder)[name]) for name, value in weights(whole).items())


def test_nothing_is_replayed_while_a_companion_is_trained_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, plain, net = watched(monkeypatch), objective(), nn.Linear(3, 1)
    early: list[int] = []

    def loss(student: nn.Module, question: int, done: float) -> QuestionLoss:
        own = net(torch.ones(3)).square().sum()
        if done < 0.5:
            early.append(len(seen))
            return QuestionLoss(loss=own, gradient_tokens=40, sequences=[f"{question}/0"])
        part = plain.loss(student, question, done)
        return replace(part, loss=part.loss + own)

    def save(sequences: Sequence[str]) -> list[str]:
        return []

    beside = Companion(network=net, save=save, alone=0.5)
    train_student(replaying(tmp_path / "s"), "plain", replace(plain, loss=loss, companion=beside))
    assert set(early) == {0}
    assert len(seen) > 0


def test_items_decide_the_fingerprint_where_they_are_replayed(tmp_path: Path) -> None:
    with_some, without = replaying(tmp_path), job(tmp_path)
    others = replace(with_some, replay=ITEMS[1:])
    assert training_fingerprint(with_some, "plain") != training_fingerprint(others, "plain")
    assert training_fingerprint(replace(without, replay=ITEMS), "plain") == training_fingerprint(without, "plain")


def test_a_share_without_items_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected items to replay and a share above 0 and below 1, got 0 items") as e:
        train_student(job(tmp_path / "s", replay=0.1), "plain", objective())
    assert "\n" not in str(e.value)
    with pytest.raises(ValueError, match="got 5 items and 1"):
        with_replay(objective(), ITEMS, 1.0, seed=0)


def test_what_is_replayed_is_written_down_as_learned_from(tmp_path: Path) -> None:
    question = "Which of the five old lighthouses on the northern coast was built by two sisters in a single summer?"
    items = [replace(ITEMS[0], question=question), *ITEMS[1:]]
    folder = train_student(replace(replaying(tmp_path / "s"), replay=items), "plain", objective())
    assert read_trained_on(folder, record(folder)["trained_on"]).holds([question])
    without = train_student(replace(job(tmp_path / "t"), replay=items), "plain", objective())
    assert not read_trained_on(without, record(without)["trained_on"]).holds([question])
