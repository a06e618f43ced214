"""MIND through the common training loop: warm-up, ablations, interruption, and what it refuses."""

import copy
import functools
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from transformers import AutoModelForCausalLM

from offbook.engine.students import untouched as untouched_module
from offbook.engine.students.branches import branch_attention
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.corpus import Corpus
from offbook.engine.students.distiller import Job
from offbook.engine.students.processes import accelerator_for
from offbook.engine.students.train import QuestionLoss
from offbook.engine.students.untouched import of_cost, untouched_costs
from offbook.methods.mind.calibration import MetaUpdater
from offbook.methods.mind.inertia import PerspectiveTrend
from offbook.methods.mind.metanet import MetaNet
from offbook.methods.mind.objective import MindTraining, mind_objective
from offbook.methods.mind.options import MindOptions
from offbook.methods.mind.train import mind
from tests.methods.mind_corpus import NAMES, TOKENIZER, WIDTH, mind_corpus, mind_paths, opinionated, path_vectors
from tests.tiny import tiny_model

CONFIG = StudentConfig(gradient_tokens=600, questions_per_step=2, learning_rate=1e-3, evaluations=3, max_length=400)
OPTIONS: dict[str, Any] = {"accumulation": 2, "meta_rate": 1e-2, "warmup_epochs": 2, "tau": 1.0}


class StoppedError(Exception):
    """Stands for Ctrl-C."""


def job(folder: Path, score: Callable[[Any], float] = lambda _: 0.0, **options: Any) -> Job:
    return Job(
        student=tiny_model(),
        tokenizer=TOKENIZER,
        corpus=mind_corpus(),
        config=CONFIG,
        folder=folder,
        identity={"model": "tiny", "encoder": "random"},
        score=score,
        options=OPTIONS | options,
    )


def record(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "distillation.json").read_text())
    return content


@functools.cache
def untouched_once() -> torch.Tensor:
    return of_cost(untouched_costs(job(Path("unused")), mind_paths(), Accelerator(cpu=True)), "path")


def untouched() -> torch.Tensor:
    """ℓ(θ0) (4, 3)."""
    return untouched_once().clone()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a student of these scores that was trained without a stop; never written to."""
    return functools.cache(
        lambda scores: mind(job(tmp_path_factory.mktemp("whole") / "s", scores=scores), path_vectors())
    )


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).named_parameters())


def training(**options: Any) -> MindTraining:
    torch.manual_seed(0)
    settings = MindOptions(**options)
    updater = MetaUpdater(
        opinionated(MetaNet(vector_width=WIDTH, perspectives=len(NAMES), bounded=settings.selection == "literal")),
        PerspectiveTrend(len(NAMES), settings.rho, window=settings.window),
        tau=settings.tau,
        rate=1e-2,
        accumulation=1,
        direction=settings.direction,
    )
    return MindTraining(mind_paths(), path_vectors(), NAMES, untouched(), settings, updater, seed=0)


def visit(tested: MindTraining, question: int = 0) -> QuestionLoss:
    student = tiny_model()
    with branch_attention(student):
        return tested.loss(student, question, 0.0)


def alphas(part: QuestionLoss) -> list[float]:
    return [part.log[f"alpha/{name}"] for name in NAMES]


# --- through the loop ---


def test_mind_trains_a_student_and_logs_what_it_did(whole: Callable[[str], Path]) -> None:
    folder = whole("metanet")
    content = record(folder)
    assert content["method"] == "mind"
    assert content["steps"] >= 3
    for entry in content["log"]:
        assert all(math.isfinite(value) for value in entry.values())
        assert sum(entry[f"alpha/{name}"] for name in NAMES) == pytest.approx(1)
        assert {"kept", "entropy", "spearman", "jitter", "consistency", "fine_tuning", "meta_loss"} <= entry.keys()
    assert not (folder / "state").exists()
    untouched = dict(tiny_model().named_parameters())
    assert any(not torch.equal(value, untouched[name]) for name, value in weights(folder).items())


@pytest.mark.parametrize("scores", ["metanet", "random"])
def test_an_interrupted_mind_ends_as_an_uninterrupted_one(
    scores: str, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    calls = iter(range(100))

    def stop_at_the_second(_: Any) -> float:
        if next(calls) == 1:
            raise StoppedError
        return 0.0

    with pytest.raises(StoppedError):
        mind(job(tmp_path / "cut", stop_at_the_second, scores=scores), path_vectors())
    cut = mind(job(tmp_path / "cut", scores=scores), path_vectors())
    assert record(cut)["log"] == record(whole(scores))["log"]
    for name, value in weights(whole(scores)).items():
        assert torch.equal(value, weights(cut)[name])


def stop(_: Any) -> float:
    raise StoppedError


def never(*_: Any) -> torch.Tensor:
    raise AssertionError


def test_the_untouched_students_losses_are_taken_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoppedError):
        mind(job(tmp_path / "s", stop), path_vectors())
    monkeypatch.setattr(untouched_module, "untouched_costs", never)
    mind(job(tmp_path / "s"), path_vectors())
    finished = record(tmp_path / "s")
    mind(job(tmp_path / "s", stop), path_vectors())
    assert record(tmp_path / "s") == finished


def test_seeds_share_the_untouched_students_losses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(name: str, **changes: Any) -> None:
        shared = replace(job(tmp_path / name), cache=tmp_path / "cache")
        mind(replace(shared, **changes), path_vectors())

    run("first")
    assert len(list((tmp_path / "cache").iterdir())) == 1
    monkeypatch.setattr(untouched_module, "untouched_costs", never)
    run("other seed", config=replace(CONFIG, seed=1), prepared_s=100.0)
    spent = record(tmp_path / "first")["prepared_s"]
    assert spent > 0
    assert record(tmp_path / "other seed")["prepared_s"] == 100 + spent, "every seed is told what they share"
    run("other settings", options=OPTIONS | {"scores": "random"})
    run("another cost", options=OPTIONS | {"learnability": "answer"})
    for name, changes in {
        "other model": {"identity": {"model": "other"}},
        "other length": {"config": replace(CONFIG, max_length=500)},
        "other precision": {"config": replace(CONFIG, mixed_precision="bf16")},
        "other perspectives": {"options": OPTIONS | {"perspectives": ["formal", "planning"]}},
        "tags": {"options": OPTIONS | {"tagged": True}},
    }.items():
        with pytest.raises(AssertionError):
            run(name, **changes)


def test_the_untouched_students_losses_are_taken_in_the_trainings_precision(tmp_path: Path) -> None:
    said: list[tuple[int, int, str]] = []
    rough = replace(
        job(tmp_path / "s", selection="all", tau_student=1e9, consistency=0.0),
        config=replace(CONFIG, mixed_precision="bf16", questions_per_step=4),
        report=lambda *a: said.append(a),
    )
    with accelerator_for(rough.student, "bf16") as accelerator:
        found = of_cost(untouched_costs(rough, mind_paths(), accelerator), "path")
    assert said == [(0, CONFIG.gradient_tokens, "costs of the untouched student 0/4 questions")]
    first = record(mind(rough, path_vectors()))["log"][0]["loss"]
    assert first == pytest.approx(float(found.nanmean(dim=1).mean()), rel=1e-6)
    assert first != pytest.approx(float(untouched().nanmean(dim=1).mean()), rel=1e-6)


def test_chosen_perspectives_alone_are_learned_from(tmp_path: Path) -> None:
    content = record(mind(job(tmp_path / "s", perspectives=["planning", "intuitive"]), path_vectors()))
    assert "alpha/formal" not in content["log"][0]
    assert content["distinct_sequences"] <= 7


def test_a_question_without_a_chosen_perspective_is_left_out(tmp_path: Path) -> None:
    content = record(mind(job(tmp_path / "s", perspectives=["intuitive"], beta=0.0), path_vectors()))
    assert content["distinct_sequences"] == 3


# --- what is refused ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"betta": 0.3}, "betta: unknown key, got 0.3; .*settings are: update, scores, hardest_first"),
        ({"beta": 2}, "beta: Input should be less than or equal to 1"),
        ({"scores": "best"}, "scores: Input should be 'metanet'"),
        ({"perspectives": ["socratic"]}, "expected some of formal, intuitive, planning, each once, got socratic"),
        ({"perspectives": ["formal", "formal"]}, "each once, got formal, formal"),
    ],
)
def test_a_wrong_option_is_refused_in_one_line(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message) as error:
        mind(job(tmp_path / "s", **options), path_vectors())
    assert "\n" not in str(error.value)


def test_vectors_of_another_corpus_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"shape \(4, 3, 'E'\), got \(3, 3, 6\)"):
        mind(job(tmp_path / "s"), path_vectors()[:3])


# --- one question ---


def test_without_fusion_the_loss_is_that_of_uniform_rationales() -> None:
    tested = training(selection="all", tau_student=1e9, consistency=0.0)
    part = visit(tested)
    torch.testing.assert_close(part.loss, untouched()[0].mean())
    assert part.gradient_tokens == sum(len(r.tokens) for r in mind_paths()[0].responses if r is not None)


def test_the_strictest_threshold_is_fine_tuning_on_the_best_path() -> None:
    tested = training(beta=1.0)
    best = int(tested.updater.scores(path_vectors()[0], tested.path_mask_NK[0]).argmax())
    part = visit(tested)
    torch.testing.assert_close(part.loss, untouched()[0, best])
    assert part.sequences == [f"q0/{NAMES[best]}"]
    assert part.log["consistency"] == 0


def test_consistency_is_added_lambda_times() -> None:
    part = visit(training(selection="all", consistency=0.5))
    assert part.log["consistency"] > 0
    assert float(part.loss.detach()) == pytest.approx(part.log["fine_tuning"] + 0.5 * part.log["consistency"], rel=1e-5)


def test_a_missing_path_has_no_weight() -> None:
    part = visit(training(selection="all"), question=1)
    assert alphas(part)[1] == 0
    assert part.sequences == ["q1/formal", "q1/planning"]


def test_the_students_loss_leaves_metanet_alone_and_the_meta_loss_the_student() -> None:
    tested, student = training(), tiny_model()
    with branch_attention(student):
        part = tested.loss(student, 0, 0.0)
    part.loss.backward()
    assert all(p.grad is None for p in tested.updater.network.parameters())
    before = {name: p.grad.clone() for name, p in student.named_parameters() if p.grad is not None}
    assert before
    phi = [p.detach().clone() for p in tested.updater.network.parameters()]
    tested.after_step([part.memory])
    assert all(torch.equal(p.grad, before[name]) for name, p in student.named_parameters() if p.grad is not None)
    assert any(not torch.equal(p, q) for p, q in zip(tested.updater.network.parameters(), phi, strict=True))


def test_costs_of_a_question_are_taken_every_refresh_all_of_them_or_none() -> None:
    tested = training(beta=1.0, refresh=2)
    tested.losses_NK.zero_()
    tested.after_step([visit(tested).memory])
    assert (tested.losses_NK[0] > 0).all()
    tested.losses_NK.zero_()
    tested.after_step([visit(tested).memory])
    assert (tested.losses_NK[0] == 0).all(), "not the learned one alone: it would look easier than stale ones"
    visit(tested)
    assert (tested.losses_NK[0] > 0).all()


def test_instantaneous_scores_are_the_losses_of_this_step() -> None:
    raw = {"scores": "instantaneous", "selection": "all", "tau_student": 0.5, "standardised": False}
    tested = training(**raw)
    losses = untouched()[0]
    tested.losses_NK.zero_()
    assert alphas(visit(tested)) == pytest.approx((-losses / 0.5).softmax(-1).tolist(), rel=1e-4)
    hardest = training(**raw, hardest_first=True)
    assert alphas(visit(hardest)) == pytest.approx((losses / 0.5).softmax(-1).tolist(), rel=1e-4)


@pytest.mark.parametrize(("scores", "moves"), [("metanet", True), ("random", True), ("static", False)])
def test_metanet_moves_unless_its_scores_are_static(scores: str, moves: bool) -> None:
    tested = training(scores=scores)
    phi = [p.detach().clone() for p in tested.updater.network.parameters()]
    tested.after_step([visit(tested).memory])
    assert moves == any(not torch.equal(p, q) for p, q in zip(tested.updater.network.parameters(), phi, strict=True))


def test_random_scores_are_metanets_dealt_anew() -> None:
    usual = alphas(visit(training(selection="all")))
    tested = training(scores="random", selection="all")
    start = copy.deepcopy(tested.updater.state_dict())
    dealt = []
    for _ in range(8):
        part = visit(tested)
        assert alphas(visit(tested)) == alphas(part)  # whichever process draws, it draws the same
        dealt.append(alphas(part))
        tested.after_step([part.memory])
        tested.updater.load_state_dict(start)
    assert all(sorted(a) == pytest.approx(sorted(usual)) for a in dealt)
    assert len({tuple(a) for a in dealt}) > 1


def test_hardest_first_teaches_metanet_the_opposite() -> None:
    found = []
    for hardest_first in (False, True):
        tested = training(hardest_first=hardest_first, warmup_epochs=60, tau=1.0)
        tested.warm_up()
        found.append(visit(tested).log["spearman"])
    assert found == pytest.approx([1, -1])


def test_literal_selection_uses_bounded_scores() -> None:
    tested = training(selection="literal", beta=0.7)
    scores = tested.updater.scores(path_vectors()[0], tested.path_mask_NK[0])
    assert ((scores > 0) & (scores < 1)).all()
    visit(tested)
    instantaneous = visit(training(selection="literal", scores="instantaneous", beta=0.7))
    assert sum(alphas(instantaneous)) == pytest.approx(1)


def test_options_reach_metanet() -> None:
    table = untouched()

    def networks(**options: Any) -> MetaNet:
        objective = mind_objective(
            mind_paths(), path_vectors(), NAMES, table, MindOptions(warmup_epochs=0, **options), seed=0
        )
        updater = objective.state[0]
        assert isinstance(updater, MetaUpdater)
        return updater.network

    assert networks().synergy is not None
    assert networks(attention=False).synergy is None
    assert not networks().bounded
    assert networks(selection="literal").bounded


def test_jitter_compares_a_question_with_its_last_visit() -> None:
    tested = training(scores="instantaneous", selection="all")
    first = visit(tested)
    assert first.log["jitter"] == 0
    tested.after_step([first.memory])
    assert visit(tested).log["jitter"] == pytest.approx(0, abs=1e-6)
    tested.history.alpha_NK[0] = torch.tensor([1.0, 0.0, 0.0])
    part = visit(tested)
    assert part.log["jitter"] == pytest.approx(1 - alphas(part)[0], rel=1e-4)


def test_a_corpus_of_one_perspective_is_plain_fine_tuning(tmp_path: Path) -> None:
    questions = [q.model_copy(update={"rationales": q.rationales[:1]}) for q in mind_corpus().questions]
    single = replace(job(tmp_path / "s"), corpus=Corpus.of(questions))
    content = record(mind(single, path_vectors()[:, :1]))
    assert {entry["alpha/formal"] for entry in content["log"]} == {1.0}
    assert {entry["meta_loss"] for entry in content["log"]} == {0.0}
