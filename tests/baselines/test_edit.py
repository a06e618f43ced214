"""EDIT: key tokens by minimum edit distance, the loss on them against plain sums, and two stages as one student."""

import functools
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from offbook.baselines.distillation.edit import Dual, dual_rationales, edit, key_token_objective, key_tokens
from offbook.baselines.distillation.uniform_rationales import uniform_rationales
from offbook.engine.students import saving
from offbook.engine.students.branches import branch_attention
from offbook.engine.students.corpus import Corpus, Question
from offbook.engine.students.paths import encode_corpus
from offbook.engine.students.train import QuestionLoss
from offbook.harness.artifacts.students import cost
from tests.baselines.distillation_job import (
    NAMES,
    TOKENIZER,
    StoppedError,
    alike,
    corpus,
    job,
    plain_losses,
    rationale,
    record,
    timeless,
    weights,
)
from tests.full_disk import atomic_files_of_at_most
from tests.tiny import tiny_model

TOKENS = st.lists(st.integers(0, 3), max_size=6)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The folder of a student of these changes that was trained without a stop; never written to."""
    return functools.cache(
        lambda **changes: edit(job(tmp_path_factory.mktemp("whole") / "s", corpus(mistakes=True), **changes))
    )


def duals(folder: Path) -> list[Dual]:
    work = job(folder, corpus(mistakes=True))
    return dual_rationales(work, encode_corpus(work.corpus, TOKENIZER, max_length=400))


def visit(dual: Dual, mistake_weight: float) -> QuestionLoss:
    student = tiny_model()
    with branch_attention(student):
        return key_token_objective([dual], mistake_weight).loss(student, 0, 0.0)


@pytest.mark.parametrize(
    ("right", "mistake", "keys"),
    [
        ("3 x 9 = 27", "3 + 9 = 12", ((2, 8, 9), (2, 8, 9))),
        ("27 is it", "12 is it", ((0, 1), (0, 1))),
        ("so 5", "so 15", ((), (3,))),
        ("abc", "ac", ((1,), ())),
        ("same", "same", ((), ())),
        ("", "ab", ((), (0, 1))),
    ],
)
def test_key_tokens_are_those_the_shortest_edit_changes(right: str, mistake: str, keys: tuple[Any, Any]) -> None:
    assert key_tokens([*map(ord, right)], [*map(ord, mistake)]) == keys


@given(TOKENS, TOKENS)
def test_what_is_left_without_key_tokens_is_a_longest_common_sequence(right: list[int], mistake: list[int]) -> None:
    of_right, of_mistake = key_tokens(right, mistake)
    kept = [token for i, token in enumerate(right) if i not in of_right]
    assert kept == [token for i, token in enumerate(mistake) if i not in of_mistake]
    assert max(len(of_right), len(of_mistake)) <= distance(tuple(right), tuple(mistake))


def distance(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    """Levenshtein's, by its recursive definition."""
    if not a or not b:
        return len(a) + len(b)
    if a[0] == b[0]:
        return distance(a[1:], b[1:])
    return 1 + min(distance(a[1:], b), distance(a, b[1:]), distance(a[1:], b[1:]))


def test_the_loss_is_that_of_the_key_tokens_alone(tmp_path: Path) -> None:
    dual = duals(tmp_path)[0]
    assert [pair.perspective for pair in dual.pairs] == [0, 1]
    model, terms, count = tiny_model(), [], 0
    for pair in dual.pairs:
        right = plain_losses(model, dual.prompt, pair.right.tokens)[list(pair.right_keys)].sum()
        mistaken = plain_losses(model, dual.prompt, pair.mistake.tokens)[list(pair.mistake_keys)].sum()
        terms.append(right / len(pair.right.tokens) - 0.5 * mistaken / len(pair.mistake.tokens))
        count += len(pair.right_keys) + len(pair.mistake_keys)
    part = visit(dual, 0.5)
    torch.testing.assert_close(part.loss, torch.stack(terms).mean(), rtol=1e-4, atol=1e-5)
    assert part.gradient_tokens == count == 8, "two digits differ in either of four rationales"
    assert part.sequences == ["q0/0", "q0/0/mistake", "q0/1", "q0/1/mistake"]


def test_a_step_makes_right_key_tokens_likelier_and_mistaken_ones_less_likely(tmp_path: Path) -> None:
    dual, model = duals(tmp_path)[0], tiny_model()
    before = visit(dual, 1.0).log
    with branch_attention(model):
        objective = key_token_objective([dual], 1.0)
        objective.loss(model, 0, 0.0).loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        with torch.no_grad():
            for p in model.parameters():
                p -= 0.01 * p.grad if p.grad is not None else 0
        after = objective.loss(model, 0, 0.0).log
    assert after["right"] < before["right"]
    assert after["mistaken"] > before["mistaken"]


def test_both_stages_are_one_budget_and_one_record(tmp_path: Path) -> None:
    content = record(edit(job(tmp_path / "s", corpus(mistakes=True), {"stage_1": 0.6})))
    stages = [[entry for entry in content["log"] if entry["part"] == part] for part in (0, 1)]
    first = stages[0][-1]["gradient_tokens"]
    assert stages[0][-2]["gradient_tokens"] < 900 <= first
    assert content["log"][-2]["gradient_tokens"] < 1500 <= content["gradient_tokens"]
    assert content["gradient_tokens"] == content["log"][-1]["gradient_tokens"]
    steps = itertools.pairwise([{"gradient_tokens": first}, *stages[1]])
    assert all(b["gradient_tokens"] - a["gradient_tokens"] <= 2 * 8 for a, b in steps), "key tokens alone count"
    assert content["steps"] == len(content["log"])
    assert content["distinct_sequences"] == 6 * 3 + 5 * 2
    assert [e["part"] for e in content["evaluations"]] == [0, 0, 1]
    assert content["method"] == "edit"
    assert content["config"]["gradient_tokens"] == 1500
    assert not (tmp_path / "s" / "state").exists()


def test_stage_2_goes_on_from_stage_1_at_its_own_rate(tmp_path: Path) -> None:
    seen: list[dict[str, torch.Tensor]] = []

    def score(student: Any) -> float:
        seen.append({name: p.detach().clone() for name, p in student.named_parameters()})
        return float(len(seen) % 4)  # the fourth, of rounded weights, is 0: they are kept as they are

    still = weights(edit(job(tmp_path / "s", corpus(mistakes=True), {"learning_rate_ratio": 1e-9}, score)))
    untouched = dict(tiny_model().named_parameters())
    assert any(not torch.equal(still[name], untouched[name]) for name in still)
    assert all(torch.allclose(still[name], seen[1][name], atol=1e-6) for name in still)
    moved = weights(edit(job(tmp_path / "t", corpus(mistakes=True), {"learning_rate_ratio": 1.0}, score)))
    assert any(not torch.allclose(moved[name], still[name], atol=1e-6) for name in still)


@pytest.mark.parametrize(
    ("scores", "kept"), [((0.2, 0.9, 0.5), 1), ((0.9, 0.2, 0.5), 0), ((0.5, 0.2, 0.5), 2), ((0.2, 0.3, 0.5), 2)]
)
def test_the_better_stage_is_kept_and_of_equals_the_later(scores: tuple[float, ...], kept: int, tmp_path: Path) -> None:
    seen: list[dict[str, torch.Tensor]] = []

    def score(student: Any) -> float:
        seen.append({name: p.detach().clone() for name, p in student.named_parameters()})
        return [*scores, 0.0][len(seen) - 1]  # the last of rounded weights: they are kept as they are

    options = {"learning_rate_ratio": 1.0}
    folder = edit(job(tmp_path / "s", corpus(mistakes=True), options, score, averaging=0.0))
    content, found = record(folder), weights(folder)
    assert all(torch.equal(found[name], seen[kept][name]) for name in found)
    assert [evaluation["score"] for evaluation in content["evaluations"]] == list(scores)
    tokens = [evaluation["gradient_tokens"] for evaluation in content["evaluations"]]
    started_from = tokens[max((0, 1), key=lambda i: (scores[i], i))]
    assert content["kept_tokens"] == (tokens[kept] if kept < 2 else started_from + tokens[2] - tokens[1])


@pytest.mark.parametrize(("scores", "kept"), [((0.9, 0.4, 0.3), 0), ((0.9, 0.3, 0.4), 1)])
def test_of_means_the_record_says_the_kept_stage_s_steps_and_score(
    scores: tuple[float, ...], kept: int, tmp_path: Path
) -> None:
    left = iter([*scores, 0.0])
    work = job(tmp_path / "s", corpus(mistakes=True), score=lambda _: next(left))
    content = record(edit(work))
    steps = [sum(entry["part"] == part for entry in content["log"]) for part in (0, 1)]
    assert content["kept_score"] == 0.4, "neither the best nor the last of all"
    assert cost(work.folder).kept_score == 0.4
    assert 0 < content["averaged_steps"] <= steps[kept]


def test_without_averaging_no_steps_are_said(tmp_path: Path) -> None:
    scores = iter([0.2, 0.9, 0.5, 0.9])
    content = record(edit(job(tmp_path / "s", corpus(mistakes=True), score=lambda _: next(scores), averaging=0.0)))
    assert "averaged_steps" not in content
    assert content["kept_score"] == 0.9


def test_a_student_whose_last_lines_were_cut_off_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: Any, **__: Any) -> None:
        raise StoppedError

    scores = iter([0.2, 0.9, 0.5, 0.9, 0.9])  # rounded weights are scored in either call
    work = job(tmp_path / "s", corpus(mistakes=True), score=lambda _: next(scores))
    with monkeypatch.context() as patch:
        patch.setattr("offbook.baselines.distillation.edit.finish", cut)
        with pytest.raises(StoppedError):
            edit(work)
    assert record(edit(work))["kept_tokens"] == record(work.folder)["evaluations"][1]["gradient_tokens"]


def test_a_stage_of_an_older_version_is_refused_with_the_folder_to_delete(tmp_path: Path) -> None:
    calls = iter(range(9))

    def stop_there(_: Any) -> float:
        if next(calls) == 2:
            raise StoppedError
        return 0.0

    work = job(tmp_path / "s", corpus(mistakes=True), score=stop_there)
    with pytest.raises(StoppedError):
        edit(work)
    stage = tmp_path / "s" / "state" / "stage-1"
    content = record(stage)
    del content["sequences"]
    (stage / "distillation.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"stage-1: expected .* got an older version's.*; delete the folder") as error:
        edit(work)
    assert "\n" not in str(error.value)
    assert next(calls) == 3, "nothing was trained"


@pytest.mark.parametrize("lora_rank", [0, 4])
@pytest.mark.parametrize("stop", [1, 2])
def test_an_interrupted_student_ends_as_an_uninterrupted_one(
    stop: int, lora_rank: int, whole: Callable[..., Path], tmp_path: Path
) -> None:
    data = corpus(mistakes=True)
    calls = iter(range(9))

    def stop_there(_: Any) -> float:
        if next(calls) == stop:
            raise StoppedError
        return 0.0

    with pytest.raises(StoppedError):
        edit(job(tmp_path / "cut", data, score=stop_there, lora_rank=lora_rank))
    cut = edit(job(tmp_path / "cut", data, lora_rank=lora_rank))
    assert timeless(cut) == timeless(whole(lora_rank=lora_rank))
    assert alike(cut, whole(lora_rank=lora_rank))


def test_stages_follow_each_other_in_bfloat16_too(whole: Callable[..., Path]) -> None:
    exact, rough = (record(whole(**changes))["log"] for changes in ({"lora_rank": 0}, {"mixed_precision": "bf16"}))
    assert [entry["loss"] for entry in rough] != [entry["loss"] for entry in exact]
    assert [entry["loss"] for entry in rough] == pytest.approx([entry["loss"] for entry in exact], rel=0.1)


def test_seeds_differ_and_one_seed_does_not(whole: Callable[..., Path]) -> None:
    one, again, other = whole(lora_rank=0), whole(seed=0), whole(seed=1)
    assert one != again
    assert alike(one, again)
    assert not alike(one, other)


def test_a_finished_student_is_kept_and_other_settings_are_refused(whole: Callable[..., Path], tmp_path: Path) -> None:
    folder = shutil.copytree(whole(lora_rank=0), tmp_path / "s")
    before = record(folder)
    assert edit(job(tmp_path / "s", corpus(mistakes=True))) == folder
    assert record(folder) == before
    with pytest.raises(ValueError, match="choose another folder"):
        edit(job(tmp_path / "s", corpus(mistakes=True), {"stage_1": 0.5}))


def test_a_folder_with_an_unfinished_student_serves_no_other(tmp_path: Path) -> None:
    def stop(_: Any) -> float:
        raise StoppedError

    data = corpus(mistakes=True)
    for start, follow in ((edit, uniform_rationales), (uniform_rationales, edit)):
        folder = tmp_path / start.__name__
        with pytest.raises(StoppedError):
            start(job(folder, data, score=stop))
        with pytest.raises(ValueError, match="unfinished training with other settings"):
            follow(job(folder, data))
    with pytest.raises(ValueError, match="unfinished training with other settings"):
        edit(job(tmp_path / "edit", data, {"mistake_weight": 0.5}))


def test_a_corpus_without_mistakes_is_refused_with_the_way_to_some(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"got none; add them .*tasks\.rationales\.mistakes") as error:
        edit(job(tmp_path / "s", corpus()))
    assert "\n" not in str(error.value)
    lonely = Question(
        id="q",
        question="0 + 2?",
        answer="2",
        rationales=(rationale("planning", 0, "2"),),
        mistakes=(rationale("analogy", 0, "3"),),
    )
    with pytest.raises(ValueError, match="got none; add them"):
        edit(job(tmp_path / "t", Corpus.of([lonely], NAMES)))


def test_a_mistake_that_is_too_long_is_refused(tmp_path: Path) -> None:
    wordy = rationale("planning", 0, "2").model_copy(update={"perspective": "planning"})
    long = rationale("planning", 10**60, "3")
    question = Question(id="q", question="0 + 2?", answer="2", rationales=(wordy,), mistakes=(long,))
    with pytest.raises(ValueError, match="question q: expected at most 180 tokens with any mistake, got"):
        edit(job(tmp_path / "s", Corpus.of([question]), max_length=180))


def test_several_processes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="edit: expected one process, got 2"):
        edit(job(tmp_path / "s", corpus(mistakes=True)))


def test_a_student_that_finds_no_room_at_its_end_is_finished_once_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "s"
    for size in (1, 2_000):
        with monkeypatch.context() as patch:
            patch.setattr(saving, "atomic_files", atomic_files_of_at_most(size))
            with pytest.raises(OSError, match="File too large") as told:
                edit(job(folder, corpus(mistakes=True)))
        assert Path(str(told.value.filename)).is_relative_to(folder)
        assert {path.name for path in folder.iterdir()} == {"state"}
    edit(job(folder, corpus(mistakes=True)))
    assert weights(folder)
