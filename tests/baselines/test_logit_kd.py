"""Logit distillation: the forward KL from a teacher, against plain sums; what is counted, refused and remembered."""

from pathlib import Path
from typing import Any

import pytest
import torch

from offbook.baselines.distillation.logit_kd import (
    LogitKdOptions,
    check_vocabulary,
    logit_kd,
    logit_kd_objective,
)
from offbook.engine.pretrained import weights_sha256
from offbook.engine.students.branches import branch_attention
from offbook.engine.students.paths import encode_corpus
from offbook.engine.students.predictions import Predictions
from offbook.engine.students.train import QuestionLoss
from tests.baselines.distillation_job import TOKENIZER, StoppedError, alike, corpus, job, plain_logits, record, timeless
from tests.tiny import save_tiny, tiny_model, tiny_tokenizer


@pytest.fixture(scope="module", name="teacher")
def teacher_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_tiny(tmp_path_factory.mktemp("teacher"), seed=5))


def visit(teacher_seed: int = 5, **options: Any) -> QuestionLoss:
    questions = encode_corpus(corpus(), TOKENIZER, max_length=400)
    student = tiny_model()
    settings = LogitKdOptions(teacher="tiny", **options)
    objective = logit_kd_objective(questions, tiny_model(seed=teacher_seed), settings)
    with branch_attention(student):
        return objective.loss(student, 0, 0.0)


def test_the_loss_is_the_mixture_of_the_equation() -> None:
    (paths, *_) = encode_corpus(corpus(), TOKENIZER, max_length=400)
    temperature, alpha = 2.0, 0.3
    divergences, entropies = [], []
    for response in paths.some([0, 1, 2]):
        ours, theirs = (plain_logits(tiny_model(seed=s), paths.prompt, response.tokens).detach() for s in (0, 5))
        p, q = (theirs / temperature).softmax(-1), (ours / temperature).softmax(-1)
        divergences.append((p * (p / q).log()).sum(-1).mean())
        entropies.append(-ours.softmax(-1)[range(len(response.tokens)), response.tokens].log().mean())
    expected = alpha * temperature**2 * torch.stack(divergences).mean() + (1 - alpha) * torch.stack(entropies).mean()
    part = visit(temperature=temperature, alpha=alpha)
    torch.testing.assert_close(part.loss.detach(), expected, rtol=1e-4, atol=1e-5)
    assert part.gradient_tokens == sum(len(r.tokens) for r in paths.some([0, 1, 2]))
    assert part.sequences == ["q0/0", "q0/1", "q0/2"]


def test_a_student_like_its_teacher_has_nothing_to_learn() -> None:
    assert float(visit(teacher_seed=0, alpha=1.0).loss.detach()) == pytest.approx(0, abs=1e-6)
    assert float(visit(teacher_seed=5, alpha=1.0).loss.detach()) > 0.1


def forward_kl(teacher: torch.Tensor, student: torch.Tensor) -> torch.Tensor:
    wanted, found = (Predictions(states_NH=logits, head_VH=None) for logits in (teacher, student))
    return found.loss(torch.zeros(1).long(), None, teacher=wanted, divergence_weights_N=torch.ones(1)).loss


def test_the_divergence_is_forward_and_its_gradient_the_students() -> None:
    p, q = torch.tensor([[0.7, 0.2, 0.1]]), torch.tensor([[0.2, 0.2, 0.6]])
    teacher, student = p.log().requires_grad_(), q.log().requires_grad_()
    divergence = forward_kl(teacher, student)
    assert divergence.item() == pytest.approx(float((p * (p / q).log()).sum()), rel=1e-6)
    divergence.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    assert student.grad is not None
    torch.testing.assert_close(student.grad, q - p)  # of KL(p‖q); KL(q‖p) has q · (log q/p - KL)
    assert teacher.grad is None


def test_ids_that_only_one_model_has_are_left_out() -> None:
    p, q = torch.tensor([[0.7, 0.3]]).log(), torch.tensor([[0.4, 0.6]]).log()
    padded = torch.cat([q, torch.tensor([[9.0]])], dim=-1)
    torch.testing.assert_close(forward_kl(p, padded), forward_kl(p, q))
    torch.testing.assert_close(forward_kl(torch.cat([p, torch.tensor([[9.0]])], dim=-1), q), forward_kl(p, q))


def test_training_brings_the_student_nearer_and_leaves_the_teacher_alone(teacher: str, tmp_path: Path) -> None:
    before = weights_sha256(teacher)
    options = {"teacher": teacher, "alpha": 1.0}
    folder = logit_kd(job(tmp_path / "s", corpus(), options, gradient_tokens=4000, learning_rate=3e-3))
    log = record(folder)["log"]
    assert log[-1]["divergence"] < 0.7 * log[0]["divergence"]
    assert weights_sha256(teacher) == before


def test_an_interrupted_training_ends_as_an_uninterrupted_one(teacher: str, tmp_path: Path) -> None:
    whole = logit_kd(job(tmp_path / "whole", corpus(), {"teacher": teacher}))
    calls = iter(range(9))

    def stop_at_the_second(_: Any) -> float:
        if next(calls) == 1:
            raise StoppedError
        return 0.0

    with pytest.raises(StoppedError):
        logit_kd(job(tmp_path / "cut", corpus(), {"teacher": teacher}, stop_at_the_second))
    cut = logit_kd(job(tmp_path / "cut", corpus(), {"teacher": teacher}))
    assert timeless(cut) == timeless(whole)
    assert alike(cut, whole)


def test_another_teacher_under_the_same_name_is_another_training(tmp_path: Path) -> None:
    teacher = save_tiny(tmp_path / "teacher", seed=5)
    work = job(tmp_path / "s", corpus(), {"teacher": str(teacher)})
    folder = logit_kd(work)
    assert record(folder)["identity"] == {"model": "tiny", "teacher": weights_sha256(str(teacher))}
    assert logit_kd(work) == folder
    save_tiny(teacher, seed=6)
    with pytest.raises(ValueError, match="choose another folder"):
        logit_kd(work)


def test_a_teacher_with_another_vocabulary_is_refused_in_one_line(tmp_path: Path) -> None:
    teacher = save_tiny(tmp_path / "teacher", vocab_size=259)
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["<think>"])
    tokenizer.save_pretrained(teacher)
    with pytest.raises(ValueError, match=r"258 tokens\), got another \(259 tokens, '<think>' differs\)") as error:
        logit_kd(job(tmp_path / "s", corpus(), {"teacher": str(teacher)}))
    assert "\n" not in str(error.value)
    check_vocabulary("same", tiny_tokenizer(chat=False), TOKENIZER)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "teacher: Field required"),
        ({"teacher": "t", "temperature": 0}, "temperature: Input should be greater than 0"),
        ({"teacher": "t", "alpha": 0}, "alpha: Input should be greater than 0"),
        ({"teacher": "no such model!"}, "no model 'no such model!'"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        logit_kd(job(tmp_path / "s", corpus(), options))
