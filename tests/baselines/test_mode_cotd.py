"""MoDE-CoTD: experts apart from each other, their mixture against plain matrices, and one record of it all."""

import copy
import itertools
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from offbook.baselines.distillation.mode_cotd import (
    EXPERT,
    held_out_loss,
    mode_cotd,
    search,
    split,
    weigh,
)
from offbook.baselines.distillation.uniform_rationales import uniform_rationales
from offbook.engine.pretrained import load
from offbook.engine.students import saving
from offbook.engine.students.corpus import Corpus
from offbook.engine.students.paths import encode_corpus
from tests.baselines.distillation_job import (
    NAMES,
    TOKENIZER,
    StoppedError,
    alike,
    corpus,
    job,
    plain_losses,
    record,
    timeless,
    weights,
)
from tests.full_disk import atomic_files_of_at_most
from tests.tiny import tiny_model

OPTIONS: dict[str, Any] = {"held_out": 2, "trials": 6, "rank": 2}


def lora() -> LoraConfig:
    return LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a student that was trained without a stop; never written to."""
    return mode_cotd(job(tmp_path_factory.mktemp("whole") / "s", corpus(), OPTIONS))


# --- the mixture ---


def mixture() -> PeftModel:
    """A tiny model with experts one and two, neither without effect."""
    model = get_peft_model(tiny_model(), lora(), "one")
    assert isinstance(model, PeftModel)
    model.add_adapter("two", lora())
    torch.manual_seed(3)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_" in name:
                p.normal_(std=0.3)
    model.base_model.set_adapter(["one", "two"])
    return model.eval()


def test_a_merged_student_is_the_base_and_the_weighed_sum_of_updates() -> None:
    mixed, base = mixture(), tiny_model().state_dict()
    trained = copy.deepcopy(mixed.state_dict())
    weigh(mixed, {"one": 2.5, "two": -1.0})
    ids = torch.tensor([[1, 2, 3, 4]])
    before = mixed(input_ids=ids).logits
    student = mixed.merge_and_unload()
    merged = student.state_dict()
    assert merged.keys() == base.keys()
    for name, weight in base.items():
        layer = name.removesuffix(".weight")
        update = torch.zeros_like(weight)
        if layer.endswith(("q_proj", "v_proj")):
            for expert, share in (("one", 2.5), ("two", -1.0)):
                down, up = (trained[f"base_model.model.{layer}.lora_{side}.{expert}.weight"] for side in "AB")
                update += share * 2 * up @ down  # alpha over rank is two
        torch.testing.assert_close(merged[name], weight + update)
    torch.testing.assert_close(student(input_ids=ids).logits, before, rtol=1e-4, atol=1e-4)


def test_the_mixture_is_pefts_weighted_adapter() -> None:
    mixed, reference = mixture(), mixture()
    weigh(mixed, {"one": 1.5, "two": 0.5})
    merged = mixed.merge_and_unload().state_dict()
    reference.base_model.add_weighted_adapter(["one", "two"], [1.5, 0.5], "mixed", combination_type="cat")
    reference.set_adapter("mixed")
    for name, weight in reference.merge_and_unload().state_dict().items():
        torch.testing.assert_close(merged[name], weight)


def test_the_held_out_loss_hears_all_perspectives_in_turn() -> None:
    questions = encode_corpus(corpus(), TOKENIZER, max_length=400)[:4]
    model = tiny_model()
    expected = [plain_losses(model, q.prompt, q.some([i % 3])[0].tokens).mean().item() for i, q in enumerate(questions)]
    assert held_out_loss(model, questions) == pytest.approx(sum(expected) / 4, rel=1e-4)


# --- the search ---


def test_the_search_comes_near_the_least_value_within_its_bounds() -> None:
    tried: list[list[float]] = []

    def objective(point: Any) -> float:
        tried.append(list(point))
        return sum((weight - goal) ** 2 for weight, goal in zip(point, (1.0, -0.5, 9.0), strict=True))

    best, values = search(objective, [0.0] * 3, trials=400, bound=3.0, seed=0)
    assert best == pytest.approx([1.0, -0.5, 3.0], abs=0.1)
    assert tried[0] == [0.0] * 3
    assert all(abs(weight) <= 3.0 for point in tried for weight in point)
    assert values == [objective(point) for point in list(tried)]
    assert objective(best) == min(values)


def test_the_search_follows_its_seed_and_stops_in_time() -> None:
    def run(seed: int) -> tuple[list[float], list[float]]:
        return search(lambda point: sum(map(abs, point)), [1.0, 1.0], trials=7, bound=3.0, seed=seed)

    assert run(0) == run(0) != run(1)
    assert len(run(0)[1]) == 7


# --- the student ---


def test_experts_share_the_budget_and_the_record_is_like_any_without_averaging(tmp_path: Path) -> None:
    seen: list[Any] = []

    def score(student: Any) -> float:
        seen.append({name: p.detach().clone() for name, p in student.named_parameters()})
        return 0.75 / len(seen)  # less for rounded weights, so that they are kept as they are

    folder = mode_cotd(job(tmp_path / "s", corpus(), OPTIONS, score))
    content = record(folder)
    plain = record(uniform_rationales(job(tmp_path / "plain", corpus(), averaging=0.0)))
    assert content.keys() == plain.keys() | {"mixture"}
    assert content["log"][-2]["gradient_tokens"] < 1500 <= content["gradient_tokens"]
    ends = [0] + [max(e["gradient_tokens"] for e in content["log"] if e["part"] == part) for part in range(len(NAMES))]
    assert all(abs(b - a - 500) <= 2 * 45 for a, b in itertools.pairwise(ends)), "equal but for a step of two questions"
    assert content["gradient_tokens"] == ends[-1]
    assert content["distinct_sequences"] == 4 * 3
    assert content["steps"] == len(content["log"])
    assert content["evaluations"] == [{"gradient_tokens": ends[-1], "score": 0.75}]
    assert content["config"]["gradient_tokens"] == 1500
    scored, rounded = seen
    assert all(torch.equal(rounded[name], value.bfloat16().float()) for name, value in scored.items())
    assert all(torch.equal(scored[name], value) for name, value in weights(folder).items())
    assert not (folder / "state").exists()
    assert not (folder / "adapter_config.json").exists()


def test_the_weights_chosen_are_the_best_tried_and_the_student_is_their_sum(tmp_path: Path) -> None:
    scores = iter([1.0, 0.0])  # less for rounded weights, so that they are kept as they are
    content = record(mode_cotd(job(tmp_path / "s", corpus(), OPTIONS | {"penalty": 0.5}, lambda _: next(scores))))
    chosen, trials = content["mixture"]["weights"], content["mixture"]["trials"]
    assert list(chosen) == sorted(NAMES)
    assert len(trials) == 6
    _, held_out = split(encode_corpus(corpus(), TOKENIZER, max_length=400), 2, 0)
    student, _ = load(str(tmp_path / "s"))
    penalty = 0.5 * sum(map(abs, chosen.values())) / 3
    assert held_out_loss(student, held_out) + penalty == pytest.approx(min(trials), rel=1e-4)


def test_only_query_and_value_projections_change(whole: Path) -> None:
    trained, untouched = weights(whole), dict(tiny_model().named_parameters())
    changed = {name for name in trained if not torch.equal(trained[name], untouched[name].bfloat16().float())}
    assert changed == {name for name in untouched if "q_proj" in name or "v_proj" in name}


def test_experts_never_see_what_the_mixture_is_chosen_on() -> None:
    questions = encode_corpus(corpus(), TOKENIZER, max_length=400)
    training, held_out = split(questions, 2, 0)
    assert {q.id for q in training} | {q.id for q in held_out} == {q.id for q in questions}
    assert not {q.id for q in training} & {q.id for q in held_out}
    assert len(held_out) == 2
    assert split(questions, 2, 1)[1] != held_out


@pytest.mark.parametrize("stop", ["second expert", "search", "score"])
def test_an_interrupted_student_keeps_its_experts_and_ends_alike(
    stop: str, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def fail(*_: Any, **__: Any) -> Any:
        raise StoppedError

    module = "offbook.baselines.distillation.mode_cotd"
    work = job(tmp_path / "cut", corpus(), OPTIONS, fail if stop == "score" else lambda _: 0.0)
    if stop == "search":
        monkeypatch.setattr(f"{module}.search", fail)
    if stop == "second expert":
        work = replace(work, report=lambda done, total, message: fail() if "analogy" in message else None)
    with pytest.raises(StoppedError):
        mode_cotd(work)
    monkeypatch.undo()
    kept = sorted(p.parent.name for p in (tmp_path / "cut" / "state").glob("expert-*/distillation.json"))
    assert kept == ([f"{EXPERT}-0"] if stop == "second expert" else [f"{EXPERT}-{k}" for k in range(3)])
    told: list[str] = []
    again = replace(job(tmp_path / "cut", corpus(), OPTIONS), report=lambda done, total, message: told.append(message))
    cut = mode_cotd(again)
    assert not any("planning" in message for message in told), "a finished expert is not trained again"
    assert timeless(cut) == timeless(whole)
    assert alike(cut, whole)


def test_experts_are_trained_and_mixed_in_bfloat16_too(whole: Path, tmp_path: Path) -> None:
    exact, rough = record(whole), record(mode_cotd(job(tmp_path / "s", corpus(), OPTIONS, mixed_precision="bf16")))
    assert rough["mixture"]["trials"] != exact["mixture"]["trials"]
    assert rough["mixture"]["trials"][0] == pytest.approx(exact["mixture"]["trials"][0], rel=0.02)


def test_seeds_differ_and_one_seed_does_not(whole: Path, tmp_path: Path) -> None:
    again, other = (
        mode_cotd(job(tmp_path / name, corpus(), OPTIONS, seed=seed)) for name, seed in (("again", 0), ("other", 1))
    )
    assert alike(whole, again)
    assert not alike(whole, other)


def test_a_finished_student_is_kept_and_other_settings_are_refused(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole, tmp_path / "s")
    before = record(folder)
    assert mode_cotd(job(tmp_path / "s", corpus(), OPTIONS)) == folder
    assert record(folder) == before
    with pytest.raises(ValueError, match="choose another folder"):
        mode_cotd(job(tmp_path / "s", corpus(), OPTIONS | {"trials": 7}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"held_out": 6}, "held_out: expected less than the corpus's 6 questions, got 6"),
        ({"rank": 0}, "rank: Input should be greater than or equal to 1"),
        ({"mood": 1}, "mood: unknown key, got 1"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        mode_cotd(job(tmp_path / "s", corpus(), options))


def test_a_perspective_that_only_held_out_questions_have_is_refused(tmp_path: Path) -> None:
    questions = corpus().questions
    _, held_out = split(encode_corpus(corpus(), TOKENIZER, max_length=400), 2, 0)
    ids = {q.id for q in held_out}
    rare = [q if q.id in ids else q.model_copy(update={"rationales": q.rationales[:2]}) for q in questions]
    with pytest.raises(ValueError, match="from 'socratic' that is not held out, got none"):
        mode_cotd(job(tmp_path / "s", Corpus.of(rare, NAMES), OPTIONS))


def test_a_mixture_that_finds_no_room_at_its_end_is_finished_once_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "s"
    for size in (1, 2_000):
        with monkeypatch.context() as patch:
            patch.setattr(saving, "atomic_files", atomic_files_of_at_most(size))
            with pytest.raises(OSError, match="File too large") as told:
                mode_cotd(job(folder, corpus(), OPTIONS))
        assert Path(str(told.value.filename)).is_relative_to(folder)
        assert {path.name for path in folder.iterdir()} == {"state"}
    mode_cotd(job(folder, corpus(), OPTIONS))
    assert weights(folder)
