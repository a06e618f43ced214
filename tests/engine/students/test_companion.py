"""A network beside the student: its rate and stages, what is kept of it, and that the student does not feel it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from offbook.engine.resuming.seal import broken
from offbook.engine.students.companion import Companion
from offbook.engine.students.record import RECORD
from offbook.engine.students.schedule import rate
from offbook.engine.students.train import Objective, QuestionLoss, train_student
from offbook.engine.tensor_file import read_tensors, write_tensors
from tests.engine.students.test_student_training import StoppedError, job, objective, record, weights

KEPT = "beside/network.safetensors"


def network() -> nn.Linear:
    torch.manual_seed(4)
    return nn.Linear(3, 1)


def beside(folder: Path, net: nn.Linear, **settings: Any) -> Objective:
    """Fine-tuning, and a network that learns 3 from ones, alone at first if `settings` say so."""
    plain = objective()

    def save(sequences: Sequence[str]) -> list[str]:
        assert (folder / "model.safetensors").is_file()
        assert not (folder / RECORD).exists()
        assert sequences == [f"{i}/0" for i in range(5)]
        write_tensors(folder / KEPT, dict(net.named_parameters()))
        return [KEPT]

    def loss(student: nn.Module, question: int, done: float) -> QuestionLoss:
        own = (net(torch.ones(3)) - 3).square().sum()
        if done < settings.get("alone", 0.0):
            return QuestionLoss(loss=own, gradient_tokens=40, sequences=[f"{question}/0"])
        part = plain.loss(student, question, done)
        return replace(part, loss=part.loss + own)

    return replace(plain, loss=loss, companion=Companion(network=net, save=save, **settings))


def kept(folder: Path) -> dict[str, torch.Tensor]:
    return read_tensors(folder / KEPT, remedy="")[0]


def test_a_student_beside_a_network_that_it_does_not_feel_is_the_student_alone(tmp_path: Path) -> None:
    alone = train_student(job(tmp_path / "alone", clip_norm=1e9), "plain", objective())
    net, start = network(), network()
    folder = train_student(job(tmp_path / "s", clip_norm=1e9), "plain", beside(tmp_path / "s", net))
    for name, value in weights(alone).items():
        assert torch.equal(value, weights(folder)[name])
    assert not torch.equal(net.weight, start.weight)
    assert torch.equal(kept(folder)["weight"], net.weight)


def test_it_has_a_rate_of_its_own(tmp_path: Path) -> None:
    steps = []
    for multiple in (1.0, 5.0):
        net = network()
        folder = tmp_path / str(multiple)
        train_student(
            job(folder, gradient_tokens=1, evaluations=1, questions_per_step=5),
            "plain",
            beside(folder, net, rate=multiple),
        )
        steps.append(float((net.weight - network().weight).abs().max().detach()))
    assert steps[1] / steps[0] == pytest.approx(5, rel=1e-3)


def test_the_schedule_begins_anew_where_it_is_no_longer_alone() -> None:
    assert [rate(done, 0.1) for done in (0.0, 0.05, 0.1, 1.0)] == pytest.approx([0.1, 0.5, 1.0, 0.0])
    assert [rate(done, 0.1, 0.5) for done in (0.0, 0.025, 0.05, 0.4999)] == pytest.approx([0.1, 0.5, 1, 0], abs=1e-4)
    assert [rate(done, 0.1, 0.5) for done in (0.5, 0.525, 0.55, 1.0)] == pytest.approx([0.1, 0.5, 1, 0])


def test_alone_it_moves_alone_and_no_weights_are_scored(tmp_path: Path) -> None:
    scored: list[int] = []
    seen: list[int] = []
    work = job(tmp_path / "s", lambda _: float(scored.append(seen[-1]) or 0), gradient_tokens=1000, evaluations=10)
    net, untouched = network(), {name: p.detach().clone() for name, p in work.student.named_parameters()}
    steps: list[float] = []

    @torch.no_grad()
    def report(done: int, total: int, message: str) -> None:
        if "loss" in message:
            seen.append(done)
            steps.append(max(float((p - untouched[name]).abs().max()) for name, p in work.student.named_parameters()))

    train_student(replace(work, report=report), "plain", beside(tmp_path / "s", net, alone=0.5))
    begun = [0, *seen]  # what was spent when a step began
    stood = [step == 0 for step in steps]
    assert stood == [tokens < 500 for tokens in begun[: len(steps)]]
    first = stood.index(False)
    assert 0 < first < len(steps) - 1
    assert steps[first] == pytest.approx(3e-3 * rate(begun[first] / 1000, 0.05, 0.5), rel=0.02), "a schedule of its own"
    assert all(tokens > 500 for tokens in scored)
    assert len(record(tmp_path / "s")["evaluations"]) == 10


def test_a_budget_that_it_spends_alone_is_refused(tmp_path: Path) -> None:
    work = job(tmp_path / "s", gradient_tokens=10, evaluations=1)
    with pytest.raises(ValueError, match="expected steps that train the student, got 80 gradient tokens"):
        train_student(work, "plain", beside(tmp_path / "s", network(), alone=0.5))


def test_it_is_kept_as_it_was_when_the_student_scored_best(tmp_path: Path) -> None:
    net, at_score, scores = network(), [], iter([0.0, 1.0, 0.5, 0.5])

    def score(_: nn.Module) -> float:
        at_score.append(net.weight.detach().clone())
        return next(scores)

    folder = train_student(job(tmp_path / "s", score, averaging=0.0), "plain", beside(tmp_path / "s", net))
    assert torch.equal(kept(folder)["weight"], at_score[1])
    assert not torch.equal(at_score[1], at_score[2])


@pytest.mark.parametrize("alone", [0.0, 0.4])
def test_an_interrupted_training_ends_as_an_uninterrupted_one(
    alone: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offbook.engine.students.train.SAVE_EVERY_S", -1.0)
    whole = train_student(job(tmp_path / "whole"), "plain", beside(tmp_path / "whole", network(), alone=alone))
    log = record(whole)["log"]

    def stop(done: int, total: int, message: str) -> None:
        if done == log[2]["gradient_tokens"]:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_student(
            replace(job(tmp_path / "cut"), report=stop), "plain", beside(tmp_path / "cut", network(), alone=alone)
        )
    cut = train_student(job(tmp_path / "cut"), "plain", beside(tmp_path / "cut", network(), alone=alone))
    assert record(cut)["log"] == log
    assert all(torch.equal(value, kept(cut)[name]) for name, value in kept(whole).items())
    assert all(torch.equal(value, weights(cut)[name]) for name, value in weights(whole).items())


def test_the_record_seals_its_files(tmp_path: Path) -> None:
    folder = train_student(job(tmp_path / "s"), "plain", beside(tmp_path / "s", network()))
    assert KEPT in record(folder)["files"]
    assert broken(folder / RECORD) is None
    (folder / KEPT).unlink()
    assert KEPT in str(broken(folder / RECORD))
