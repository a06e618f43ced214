"""Several questions in one pass are the questions one by one: losses, gradients, students, and what is logged."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from offbook.engine.students import objective as objective_module
from offbook.engine.students import packing
from offbook.engine.students.branches import (
    Branches,
    branch_attention,
    lay_out,
    lay_out_questions,
    mean_weights,
    rows_of,
)
from offbook.engine.students.clipping import clipped_mean
from offbook.engine.students.config import TokenWeight
from offbook.engine.students.distiller import Job
from offbook.engine.students.objective import Objective, PackedLoss, QuestionLosses
from offbook.engine.students.packing import packs
from offbook.engine.students.path_objective import path_objective
from offbook.engine.students.paths import Paths, Response, encode_corpus
from offbook.engine.students.predictions import predict, weighing
from offbook.engine.students.replay import ReplayItem, replay_loss
from offbook.engine.students.token_weighting import TokenWeigher
from offbook.engine.students.train import QuestionLoss, train_student
from offbook.kernels.tree_attention import unpack_words
from tests.engine.students.test_replay import ITEMS
from tests.engine.students.test_student_training import TOKENIZER, corpus, job, record, weights
from tests.engine.students.test_token_weighting import surprisals
from tests.tiny import ARCHITECTURES, tiny_model

QUESTIONS = [
    ((5, 6, 7, 8), [Response(tokens=(11, 12, 13, 257), answer=(2,)), Response(tokens=(257,), answer=(0,))]),
    ((9, 10), [Response(tokens=(*range(30, 42), 257), answer=(1, 2))]),
    ((104, 105, 63), [Response(tokens=(21, 257), answer=(0,)), Response(tokens=(22, 23, 24, 257), answer=(1,))]),
]


def told(model: nn.Module, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return gradients


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_pack_has_the_losses_and_the_gradient_of_its_questions(architecture: str) -> None:
    model = tiny_model(architecture, dtype=torch.float64)
    together = lay_out_questions(QUESTIONS)
    with branch_attention(model):
        found = predict(model, together).question_losses(together, mean_weights(together))
        alone = []
        for prompt, responses in QUESTIONS:
            branches = lay_out(prompt, responses)
            alone.append(predict(model, branches).loss(branches.targets_N, mean_weights(branches)))
    for ours, own in (
        (torch.stack(found.questions), torch.stack([one.loss.detach() for one in alone])),
        (found.nll_N, torch.cat([one.nll_N for one in alone])),
    ):
        torch.testing.assert_close(ours, own, rtol=1e-5, atol=1e-6)
    expected = told(model, torch.stack([one.loss for one in alone]).sum())
    gradients = told(model, found.loss)
    assert gradients.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(gradients[name], value, rtol=1e-4, atol=1e-6, msg=name)


def test_no_question_sees_another() -> None:
    together, row = lay_out_questions(QUESTIONS), 0
    visible_TT = unpack_words(together.mask.words_BTW[0], together.mask.rows)
    for prompt, responses in QUESTIONS:
        own = lay_out(prompt, responses).mask
        seen = visible_TT[row : row + own.rows]
        assert torch.equal(seen[:, row : row + own.rows], unpack_words(own.words_BTW[0], own.rows))
        assert seen.sum() == seen[:, row : row + own.rows].sum()
        row += own.rows
    assert row == visible_TT.shape[0] == sum(rows_of(*question) for question in QUESTIONS)


def test_a_pack_knows_its_questions_prompts_and_answers() -> None:
    together = lay_out_questions(QUESTIONS)
    apart = [lay_out(*question) for question in QUESTIONS]
    assert [end - start for start, end in together.questions] == [one.starts[-1] for one in apart]
    assert [list(group) for group in together.groups] == [[0, 1], [2], [3, 4]]
    prompts = [tuple(together.tokens_1T[0, first:behind].tolist()) for first, behind in together.places]
    assert prompts == [prompt for prompt, responses in QUESTIONS for _ in responses]

    def answers(branches: Branches) -> list[list[int]]:
        return [branches.targets_N[list(answer)].tolist() for answer in branches.answers]

    assert answers(together) == [answer for one in apart for answer in answers(one)]


def test_a_pack_has_as_many_items_as_its_rows_have_room_for_and_at_least_one() -> None:
    assert packs([3, 4, 2, 9, 1, 1], lambda size: size, most=7) == [[3, 4], [2], [9], [1, 1]]
    assert packs([], lambda size: size) == []


def chosen_paths() -> list[Paths]:
    return encode_corpus(corpus(), TOKENIZER, max_length=400)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"lora_rank": 4},
        {"replay": 0.3},
        {"questions_per_step": 2, "tokens_per_step": 100},
        {"token_weight": TokenWeight(kind="threshold", value=5.0)},
        {"token_weight": TokenWeight(kind="power", value=0.5)},
    ],
    ids=["full", "adapters", "replay", "several draws", "threshold", "power"],
)
def test_a_student_of_packs_is_the_student_of_questions_one_by_one(settings: dict[str, Any], tmp_path: Path) -> None:
    plain = path_objective(chosen_paths(), Paths.present)
    assert isinstance(plain.loss, PackedLoss)

    def one(student: nn.Module, question: int, done: float) -> QuestionLoss:
        return plain.loss(student, question, done)

    chosen: dict[str, Any] = {"questions_per_step": 3, **settings}

    def work(name: str) -> Job:
        return replace(job(tmp_path / name, **chosen), replay=ITEMS)

    together = train_student(work("together"), "plain", plain)
    alone = train_student(work("alone"), "plain", replace(plain, loss=one))
    for ours, own in zip(record(together)["log"], record(alone)["log"], strict=True):
        assert ours == pytest.approx(own, rel=1e-3)
    assert record(together)["sequences"] == record(alone)["sequences"]
    own_weights = weights(alone)
    for name, value in weights(together).items():
        torch.testing.assert_close(value, own_weights[name], rtol=1e-2, atol=1e-4, msg=name)


@pytest.mark.gpu
def test_packs_are_read_on_a_gpu_too(tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    plain, untouched = path_objective(chosen_paths(), Paths.present), tiny_model()
    with branch_attention(untouched), torch.no_grad():
        losses = [float(plain.loss(untouched, question, 0.0).loss) for question in range(5)]
    work = replace(job(tmp_path / "s", questions_per_step=5, replay=0.3), replay=ITEMS)
    student: Any = work.student
    student.to("cuda")
    log = record(train_student(work, "plain", plain))["log"]
    assert student.device.type == "cuda"
    assert log[0]["loss"] == pytest.approx(sum(losses) / 5, rel=1e-2)
    assert log[-1]["loss"] < log[0]["loss"]


def test_a_step_reads_packs_and_a_question_is_chosen_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    read: list[int] = []

    def choose(paths: Paths) -> list[int]:
        asked.append(paths.id)
        return paths.present()

    objective = path_objective(chosen_paths(), choose)
    plain = objective.loss
    assert isinstance(plain, PackedLoss)

    def together(student: nn.Module, questions: Sequence[int], done: float) -> QuestionLosses:
        read.append(len(questions))
        return plain.together(student, questions, done)

    work = job(tmp_path / "s", gradient_tokens=1, evaluations=1, questions_per_step=4)
    train_student(work, "plain", replace(objective, loss=replace(plain, together=together)))
    assert read == [4]
    assert len(asked) == len(set(asked)) == 4
    longest = max(plain.rows(question, 0.0) for question in range(5))
    monkeypatch.setattr(objective_module, "packs", lambda items, rows: packing.packs(items, rows, most=2 * longest))
    read.clear()
    work = job(tmp_path / "smaller", gradient_tokens=1, evaluations=1, questions_per_step=5)
    train_student(work, "plain", replace(objective, loss=replace(plain, together=together)))
    assert sum(read) == 5
    assert max(read) > 1
    assert len(read) > 1


def test_a_loss_in_the_place_of_one_that_packs_is_read_question_by_question() -> None:
    def loss(student: nn.Module, question: int, done: float) -> QuestionLoss:
        return QuestionLoss(loss=torch.zeros(()), gradient_tokens=1, sequences=[str(question)])

    packed = path_objective(chosen_paths(), Paths.present)
    questions = [*enumerate(range(5))]
    assert packed.packs(questions, 0.0) == [questions]
    assert Objective(questions=5, loss=loss).packs(questions, 0.0) == [[question] for question in questions]
    assert replace(packed, loss=loss).read(tiny_model(), [3], 0.0).questions[0].sequences == ["3"]


@pytest.mark.parametrize("weight", [TokenWeight(kind="threshold", value=5.0), TokenWeight(kind="power", value=0.5)])
def test_tokens_of_a_pack_are_weighed_as_those_of_its_questions(weight: TokenWeight) -> None:
    model = tiny_model(seed=1)

    def losses(laid: Branches) -> list[torch.Tensor]:
        with branch_attention(model), weighing(model, TokenWeigher(weight, TOKENIZER, surprisals)):
            return predict(model, laid).question_losses(laid, mean_weights(laid)).questions

    apart = itertools.chain.from_iterable(losses(lay_out(*question)) for question in QUESTIONS)
    torch.testing.assert_close(
        torch.stack(losses(lay_out_questions(QUESTIONS))), torch.stack([*apart]), rtol=1e-4, atol=1e-6
    )


def test_replayed_answers_of_a_pack_lose_what_each_loses_alone() -> None:
    items = [ReplayItem(id=str(n), prompt=(97 + n, 10), tokens=(*range(70, 74 + 2 * n), 257)) for n in range(3)]
    model = tiny_model()
    with branch_attention(model):
        together = replay_loss(model, items, 0.5)
        alone = [replay_loss(model, [item], 0.5) for item in items]
    torch.testing.assert_close(torch.stack(together.questions), torch.stack([one.loss.detach() for one in alone]))
    ours, own = told(model, together.loss), told(model, torch.stack([one.loss for one in alone]).sum())
    for name, value in own.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-4, atol=1e-6, msg=name)


def test_where_nothing_has_a_gradient_nothing_is_clipped() -> None:
    assert float(clipped_mean(tiny_model().parameters(), 3, 1.0)) == 0


@pytest.mark.parametrize("bound", [0.01, 1e6])
def test_a_mean_is_clipped_as_torch_clips_it(bound: float) -> None:
    ours, own = tiny_model(), tiny_model()
    for model in (ours, own):
        model(torch.tensor([[5, 6, 7]]), labels=torch.tensor([[5, 6, 7]])).loss.backward()
        model.lm_head.weight.grad = None  # one without a gradient stays without
    norm = clipped_mean(ours.parameters(), 2.5, bound)
    for p in own.parameters():
        if p.grad is not None:
            p.grad /= 2.5
    torch.testing.assert_close(norm, nn.utils.clip_grad_norm_(own.parameters(), bound), rtol=1e-5, atol=0)
    for mine, theirs in zip(ours.parameters(), own.parameters(), strict=True):
        assert (mine.grad is None) == (theirs.grad is None)
        if mine.grad is not None and theirs.grad is not None:
            torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-5, atol=0)
