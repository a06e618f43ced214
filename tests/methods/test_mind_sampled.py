"""MIND's update by one path drawn from the weights: the weighted one on average, at one path's price."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from offbook.baselines.distillation.random_path import random_path
from offbook.engine.students.branches import branch_attention
from offbook.engine.students.distiller import checked_options
from offbook.engine.students.learnability import LEARNABILITIES, measure
from offbook.engine.students.train import QuestionLoss
from offbook.engine.students.visits import draw, drawn
from offbook.methods.mind import objective as module
from offbook.methods.mind.objective import MindTraining, mind_objective
from offbook.methods.mind.options import MindOptions
from offbook.methods.mind.train import mind
from tests.methods.mind_corpus import NAMES, mind_corpus, mind_paths, opinionated, path_vectors
from tests.methods.test_mind_training import StoppedError, job, record, weights
from tests.tiny import tiny_model


def training(**options: Any) -> MindTraining:
    """MIND before its first step, the untouched costs drawn at random."""
    drawn_NK = 0.2 * torch.randn(4, len(NAMES), generator=torch.Generator().manual_seed(0))
    table = drawn_NK.masked_fill(~mind_corpus().path_mask, torch.nan)
    settings = MindOptions(warmup_epochs=0, **options)
    tested = mind_objective(mind_paths(), path_vectors(), NAMES, table, settings, seed=0).state[1]
    assert isinstance(tested, MindTraining)
    opinionated(tested.updater.network)
    return tested


def visit(tested: MindTraining, question: int = 0, student: Any = None) -> QuestionLoss:
    student = student or tiny_model()
    with branch_attention(student):
        return tested.loss(student, question, 0.0)


def gradient(tested: MindTraining) -> tuple[QuestionLoss, torch.Tensor]:
    """Of a fresh student at its visit to question 0, all parameters in one row."""
    student = tiny_model()
    part = visit(tested, student=student)
    part.loss.backward()
    return part, torch.cat([p.grad.flatten() for p in student.parameters() if p.grad is not None])


def alphas(part: QuestionLoss) -> list[float]:
    return [part.log[f"alpha/{name}"] for name in NAMES]


def test_the_sampled_update_is_the_weighted_one_on_average(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each path's gradient, times the probability that it is drawn, adds up to that of L_SFT."""
    whole, expected = gradient(training(selection="all", consistency=0.0))
    alpha = alphas(whole)
    total, tokens, place = torch.zeros_like(expected), 0, 0.0
    for k, share in enumerate(alpha):
        assert share > 0
        number = place + share / 2
        monkeypatch.setattr(module, "draw", lambda *_, number=number: number)
        part, found = gradient(training(update="sampled", selection="all"))
        assert part.sequences == [f"q0/{NAMES[k]}"]
        total, tokens, place = total + share * found, tokens + part.gradient_tokens, place + share
    torch.testing.assert_close(total, expected, rtol=1e-4, atol=1e-6)
    assert tokens == whole.gradient_tokens, "a drawn path costs its own tokens alone"


def test_paths_are_drawn_from_the_weights_and_never_one_that_is_not_selected() -> None:
    tested = training(update="sampled", selection="top_m", keep=2)
    seen = set()
    for _ in range(20):
        part = visit(tested)
        expected = drawn(alphas(part), draw(0, "q0", tested.history.visits.counts[0]))
        assert part.sequences == [f"q0/{NAMES[expected]}"]
        assert visit(tested).sequences == part.sequences, "a visit draws the same whoever draws"
        seen |= set(part.sequences)
        tested.history.take([part.memory])
    unselected = NAMES[alphas(part).index(0.0)]
    assert len(seen) == 2
    assert f"q0/{unselected}" not in seen


def test_equal_weights_draw_what_a_random_path_draws(tmp_path: Path) -> None:
    same: dict[str, Any] = {"update": "sampled", "selection": "all", "tau_student": 1e9}
    ours = record(mind(job(tmp_path / "mind", **same), path_vectors()))
    other = record(random_path(replace(job(tmp_path / "random"), options={})))
    names = [name.replace(f"/{NAMES[k]}", f"/{k}") for name in ours["sequences"] for k in range(3) if NAMES[k] in name]
    assert sorted(names) == other["sequences"]
    for one, two in zip(ours["log"], other["log"], strict=True):
        assert one["gradient_tokens"] == two["gradient_tokens"]
        assert one["loss"] == pytest.approx(two["loss"], rel=1e-4)


def test_a_missing_path_is_never_drawn() -> None:
    tested = training(update="sampled", selection="all")
    for _ in range(12):
        part = visit(tested, question=1)
        assert part.sequences != ["q1/intuitive"]
        tested.history.take([part.memory])


def test_one_path_has_none_to_agree_with_and_the_record_says_so() -> None:
    assert checked_options({"update": "sampled"}, MindOptions).model_dump()["consistency"] == 0
    assert checked_options({}, MindOptions).consistency == 0.1
    with pytest.raises(ValueError, match=r"expected consistency=0 beside update=sampled, got 0\.1"):
        checked_options({"update": "sampled", "consistency": 0.1}, MindOptions)
    assert visit(training(update="sampled", selection="all")).log["consistency"] == 0
    assert visit(training(selection="all")).log["consistency"] > 0, "where it is on, it acts"


# --- what is read without gradient ---


def read(part: QuestionLoss) -> int:
    found: int = part.memory.read_tokens
    return found


def test_paths_that_were_not_drawn_are_read_for_their_costs_and_counted_apart() -> None:
    tested = training(update="sampled", selection="all")
    tested.losses_NK.zero_()
    part = visit(tested)
    assert (tested.losses_NK[0] > 0).all()
    whole = sum(len(r.tokens) for r in mind_paths()[0].responses if r is not None)
    assert part.gradient_tokens + read(part) == whole
    assert tested.after_step([part.memory])["read_tokens"] == read(part)
    assert read(visit(training(update="sampled", selection="all", refresh=2), question=2)) > 0
    later = training(update="sampled", refresh=2)
    later.steps = 1
    assert read(visit(later)) == 0


@pytest.mark.parametrize("scores", ["metanet", "instantaneous"])
def test_the_untouched_students_costs_stand_throughout_on_request(scores: str) -> None:
    tested = training(update="sampled", learnability="answer", rescored=False, scores=scores)
    before = tested.losses_NK.clone()
    for _ in range(3):
        part = visit(tested)
        assert read(part) == 0
        tested.after_step([part.memory])
    torch.testing.assert_close(tested.losses_NK, before, equal_nan=True)


def test_rsr_is_of_the_untouched_student_unless_it_is_guarded() -> None:
    assert not checked_options({"learnability": "rsr"}, MindOptions).rescored
    assert all(checked_options({"learnability": of}, MindOptions).rescored for of in LEARNABILITIES if of != "rsr")
    with pytest.raises(ValueError, match="expected rescored=false beside learnability=rsr, got true") as error:
        checked_options({"learnability": "rsr", "rescored": True}, MindOptions)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("update", ["weighted", "sampled"])
@pytest.mark.parametrize("of", [of for of in LEARNABILITIES if of != "rsr"])
def test_every_cost_is_taken_of_the_student_as_it_is(of: Any, update: Any) -> None:
    """Also LARK, which is a share of the question: its paths are read together, whatever is learned from."""
    tested = training(update=update, selection="top_m", keep=2, learnability=of)
    part = visit(tested)
    student = tiny_model()
    with branch_attention(student):
        expected = measure(student, mind_paths()[0], [0, 1, 2], [of])[:, 0]
    torch.testing.assert_close(tested.losses_NK[0], expected, rtol=1e-3, atol=1e-5)
    assert (read(part) == sum(len(r.tokens) for r in mind_paths()[0].some([0, 1, 2]))) == (of == "lark")


def test_lark_keeps_its_last_costs_until_they_are_due() -> None:
    tested = training(learnability="lark", refresh=2)
    tested.steps = 1
    before = tested.losses_NK.clone()
    visit(tested)
    torch.testing.assert_close(tested.losses_NK, before, equal_nan=True)


@pytest.mark.parametrize("of", ["path", "answer", "rsr", "lark"])
def test_metanet_starts_from_the_cost_that_it_is_to_follow(
    of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[torch.Tensor] = []

    def note(*arguments: Any, **more: Any) -> Any:
        given.append(arguments[3])
        raise StoppedError

    monkeypatch.setattr("offbook.methods.mind.train.mind_objective", note)
    with pytest.raises(StoppedError):
        mind(job(tmp_path / "s", learnability=of), path_vectors())
    student = tiny_model()
    for question, costs_K in zip(mind_paths(), given[0], strict=True):
        with branch_attention(student):
            expected = measure(student, question, question.present(), [of])[:, 0]
        torch.testing.assert_close(costs_K[question.present()], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"update": "weighted", "consistency": 0.5, "selection": "all"},
        {"update": "sampled"},
        {"learnability": "rsr_guarded"},
        {"learnability": "answer", "scores": "instantaneous"},
        {"learnability": "lark", "refresh": 2},
    ],
)
def test_questions_read_together_are_those_read_one_by_one(options: dict[str, Any]) -> None:
    packed, single = training(**options), training(**options)
    students = tiny_model(), tiny_model()
    with branch_attention(students[0]), branch_attention(students[1]):
        rows = [packed.rows(question, 0.0) for question in range(4)]
        together = packed.together(students[0], range(4), 0.0)
        alone = [single.loss(students[1], question, 0.0) for question in range(4)]
    assert all(size > 0 for size in rows)
    together.loss.backward()
    torch.stack([part.loss for part in alone]).sum().backward()
    for ours, own in zip(together.questions, alone, strict=True):
        assert (ours.gradient_tokens, ours.sequences) == (own.gradient_tokens, own.sequences)
        assert ours.log == pytest.approx(own.log, rel=1e-4, abs=1e-6, nan_ok=True)
        assert ours.memory.read_tokens == own.memory.read_tokens
        assert ours.memory.losses == pytest.approx(own.memory.losses, rel=1e-4, nan_ok=True)
        torch.testing.assert_close(ours.loss, own.loss.detach(), rtol=1e-4, atol=1e-6)
    for mine, theirs in zip(students[0].parameters(), students[1].parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"update": "sampled", "learnability": "answer", "meta_questions": 1, "watched_rates": [1e-3]},
        {"learnability": "lark", "refresh": 2, "inertia": "item"},
        {"scores": "instantaneous", "learnability": "rsr_guarded"},
    ],
)
def test_an_interrupted_training_goes_on_bit_for_bit(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offbook.engine.students.train.SAVE_EVERY_S", -1.0)
    whole = mind(job(tmp_path / "whole", **options), path_vectors())
    log = record(whole)["log"]

    def stop(done: int, total: int, message: str) -> None:
        if done == log[1]["gradient_tokens"]:
            raise StoppedError

    with pytest.raises(StoppedError):
        mind(replace(job(tmp_path / "cut", **options), report=stop), path_vectors())
    cut = mind(job(tmp_path / "cut", **options), path_vectors())
    assert record(cut)["log"] == log
    assert len(log) > 2
    assert all(torch.equal(value, weights(cut)[name]) for name, value in weights(whole).items())
