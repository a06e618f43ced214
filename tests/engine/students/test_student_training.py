"""The loop that trains students: budget, best checkpoint, interruption, and folders that are refused."""

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from accelerate import Accelerator
from torch import nn
from transformers import AutoModelForCausalLM

from offbook.engine.students import step
from offbook.engine.students.branches import branch_attention, lay_out, mean_weights
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.corpus import Corpus, Question, Rationale, close
from offbook.engine.students.distiller import Job
from offbook.engine.students.paths import encode_corpus
from offbook.engine.students.predictions import predict
from offbook.engine.students.record import RECORD
from offbook.engine.students.train import Objective, QuestionLoss, train_student
from tests.tiny import tiny_model, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
CONFIG = StudentConfig(gradient_tokens=600, questions_per_step=2, learning_rate=3e-3, evaluations=3, max_length=400)


class StoppedError(Exception):
    """Stands for Ctrl-C."""


def corpus() -> Corpus:
    questions = []
    for i in range(5):
        text, span = close(f"{i} + 1 = {i + 1}.", str(i + 1))
        rationale = Rationale(perspective="p", text=text, answer_span=span, provenance="test", licence="Apache-2.0")
        questions.append(Question(id=f"q{i}", question=f"{i} + 1?", answer=str(i + 1), rationales=(rationale,)))
    return Corpus.of(questions)


def objective() -> Objective:
    paths = encode_corpus(corpus(), TOKENIZER, max_length=400)

    def loss(student: nn.Module, question: int, done: float) -> QuestionLoss:
        (response,) = paths[question].responses
        assert response is not None
        branches = lay_out(paths[question].prompt, [response])
        value = predict(student, branches).loss(branches.targets_N, mean_weights(branches)).loss
        return QuestionLoss(loss=value, gradient_tokens=len(response.tokens), sequences=[f"{question}/0"])

    return Objective(questions=len(paths), loss=loss)


def job(folder: Path, score: Callable[[Any], float] = lambda _: 0.0, **changes: Any) -> Job:
    return Job(
        student=tiny_model(),
        tokenizer=TOKENIZER,
        corpus=corpus(),
        config=replace(CONFIG, **changes),
        folder=folder,
        identity={"model": "tiny"},
        score=score,
    )


def weights(folder: Path) -> dict[str, torch.Tensor]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return {name: p.detach() for name, p in model.named_parameters()}


def record(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / RECORD).read_text())
    return content


@pytest.mark.parametrize("lora_rank", [0, 4])
def test_training_lowers_the_loss_and_leaves_a_plain_model(lora_rank: int, tmp_path: Path) -> None:
    scores = iter([1.0, 2.0, 3.0, 3.0])
    folder = train_student(
        job(tmp_path / "s", lambda _: next(scores), lora_rank=lora_rank, gradient_tokens=2000), "plain", objective()
    )
    log = record(folder)["log"]
    assert log[-1]["loss"] < 0.8 * log[0]["loss"]
    untouched = dict(tiny_model().named_parameters())
    trained = weights(folder)
    assert trained.keys() == untouched.keys()
    assert any(not torch.equal(trained[name], untouched[name]) for name in trained)
    assert not (folder / "state").exists()


def test_the_budget_is_met_by_the_step_that_reaches_it(tmp_path: Path) -> None:
    content = record(train_student(job(tmp_path / "s"), "plain", objective()))
    before = content["log"][-2]["gradient_tokens"]
    assert before < 600 <= content["gradient_tokens"]
    assert content["distinct_sequences"] == 5
    assert content["steps"] == len(content["log"])


def test_a_step_takes_questions_until_it_has_its_tokens_and_the_last_one_no_more_than_the_budget(
    tmp_path: Path,
) -> None:
    folder = train_student(job(tmp_path / "s", questions_per_step=1, tokens_per_step=100), "plain", objective())
    done = [0, *(entry["gradient_tokens"] for entry in record(folder)["log"])]
    steps = [after - before for before, after in itertools.pairwise(done)]
    longest = max(len(r.tokens) for q in encode_corpus(corpus(), TOKENIZER, max_length=400) for r in q.responses if r)
    assert all(100 <= tokens < 100 + longest for tokens in steps[:-1])
    assert 600 <= done[-1] < 600 + longest


def test_a_step_follows_the_mean_gradient_of_its_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    gradients: list[torch.Tensor] = []
    plain = objective()

    def loss(student: nn.Module, question: int, done: float) -> QuestionLoss:
        taken.append(question)
        return plain.loss(student, question, done)

    def clip(parameters: Sequence[nn.Parameter], count: float, bound: float) -> torch.Tensor:
        gradients.append(torch.cat([p.grad.flatten() / count for p in parameters if p.grad is not None]))
        return gradients[-1].norm()

    monkeypatch.setattr(step, "clipped_mean", clip)
    config = {"gradient_tokens": 100, "evaluations": 1, "questions_per_step": 1, "tokens_per_step": 100}
    train_student(job(tmp_path / "s", **config), "plain", replace(plain, loss=loss))
    assert len(gradients) == 1
    assert len(taken) > 1
    student = tiny_model()
    with branch_attention(student):
        sum(plain.loss(student, question, 0.0).loss for question in taken).div(len(taken)).backward()
    expected = torch.cat([p.grad.flatten() for p in student.parameters() if p.grad is not None])
    torch.testing.assert_close(gradients[0], expected, rtol=1e-4, atol=1e-6)


def test_every_seed_has_an_order_and_a_small_one_keeps_its_own(tmp_path: Path) -> None:
    def order(seed: int) -> list[int]:
        taken: list[int] = []
        plain = objective()

        def loss(student: nn.Module, question: int, done: float) -> QuestionLoss:
            taken.append(question)
            return plain.loss(student, question, done)

        work = job(tmp_path / str(seed), seed=seed, gradient_tokens=1, evaluations=1, questions_per_step=5)
        train_student(work, "plain", replace(plain, loss=loss))
        return taken

    assert sorted(order(2**63 - 1)) == [0, 1, 2, 3, 4]
    assert order(3) == torch.randperm(5, generator=torch.Generator().manual_seed(30_021)).tolist()


def test_of_equal_scores_the_last_is_kept_and_its_tokens_are_named(tmp_path: Path) -> None:
    scores = iter([0.5, 0.5, 0.1, 0.5])
    content = record(train_student(job(tmp_path / "s", lambda _: next(scores), averaging=0.0), "plain", objective()))
    assert content["kept_tokens"] == content["evaluations"][1]["gradient_tokens"] < content["gradient_tokens"]


def test_the_best_checkpoint_by_development_score_is_kept(tmp_path: Path) -> None:
    seen: list[dict[str, torch.Tensor]] = []
    scores = iter([0.2, 0.9, 0.4, 0.8])  # by the last, weights are kept as they are

    def score(student: nn.Module) -> float:
        seen.append({name: p.detach().clone() for name, p in student.named_parameters()})
        return next(scores)

    trained = weights(train_student(job(tmp_path / "s", score, averaging=0.0), "plain", objective()))
    for name, value in trained.items():
        assert torch.equal(value, seen[1][name])
    assert any(not torch.equal(value, seen[2][name]) for name, value in trained.items())


@pytest.mark.parametrize("lora_rank", [0, 4])
def test_an_interrupted_training_ends_as_an_uninterrupted_one(lora_rank: int, tmp_path: Path) -> None:
    whole = train_student(job(tmp_path / "whole", lora_rank=lora_rank), "plain", objective())
    calls = iter(range(100))

    def stop_at_the_second(_: nn.Module) -> float:
        if next(calls) == 1:
            raise StoppedError
        return 0.0

    with pytest.raises(StoppedError):
        train_student(job(tmp_path / "cut", stop_at_the_second, lora_rank=lora_rank), "plain", objective())
    cut = train_student(job(tmp_path / "cut", lora_rank=lora_rank), "plain", objective())
    assert record(cut)["log"] == record(whole)["log"]
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(cut)[name])


@pytest.mark.parametrize(("every_s", "kept"), [(-1.0, 3), (600.0, 0)])
def test_the_state_is_kept_between_scores_too(
    every_s: float, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offbook.engine.students.train.SAVE_EVERY_S", every_s)
    whole = train_student(job(tmp_path / "whole", lora_rank=4, evaluations=1), "plain", objective())
    entries = record(whole)["log"]
    assert len(entries) > 4

    def stop_after_the_fourth_step(done: int, total: int, message: str) -> None:
        if done == entries[3]["gradient_tokens"]:
            raise StoppedError

    cut = job(tmp_path / "cut", lora_rank=4, evaluations=1)
    with pytest.raises(StoppedError):
        train_student(replace(cut, report=stop_after_the_fourth_step), "plain", objective())
    reported: list[int] = []
    again = replace(job(tmp_path / "cut", lora_rank=4, evaluations=1), report=lambda done, *_: reported.append(done))
    train_student(again, "plain", objective())
    assert reported[0] == entries[kept]["gradient_tokens"]
    assert record(tmp_path / "cut")["log"] == entries
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(tmp_path / "cut")[name])


def test_a_finished_student_is_not_trained_again(tmp_path: Path) -> None:
    folder = train_student(job(tmp_path / "s"), "plain", objective())

    def never(_: nn.Module) -> float:
        raise AssertionError

    assert train_student(job(tmp_path / "s", never), "plain", objective()) == folder


def test_another_training_in_the_folder_is_refused(tmp_path: Path) -> None:
    train_student(job(tmp_path / "s"), "plain", objective())
    with pytest.raises(ValueError, match="choose another folder"):
        train_student(job(tmp_path / "s", seed=1), "plain", objective())
    with pytest.raises(ValueError, match="choose another folder"):
        train_student(job(tmp_path / "s"), "other", objective())


def test_the_order_of_questions_follows_the_seed(tmp_path: Path) -> None:
    logs = [record(train_student(job(tmp_path / str(s), seed=s), "plain", objective()))["log"] for s in (0, 1)]
    assert logs[0] != logs[1]


def test_trainings_of_one_process_each_have_their_own_precision(tmp_path: Path) -> None:
    def first_loss(name: str, precision: Literal["no", "bf16"]) -> float:
        folder = train_student(job(tmp_path / name, mixed_precision=precision), "plain", objective())
        return float(record(folder)["log"][0]["loss"])

    Accelerator(cpu=True)  # such as that of a drafter trained before
    exact = first_loss("before", "no")
    assert first_loss("rough", "bf16") != exact
    assert first_loss("after", "no") == exact
    assert Accelerator(cpu=True).mixed_precision == "no"
