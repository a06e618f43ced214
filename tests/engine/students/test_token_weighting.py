"""Token weights: which tokens count, that answers always do, and that no method has to know."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from offbook.engine.students.branches import Branches, branch_attention, lay_out, mean_weights
from offbook.engine.students.config import StudentConfig, TokenWeight
from offbook.engine.students.paths import Response, encode_corpus
from offbook.engine.students.predictions import predict, weighing
from offbook.engine.students.token_weighting import TokenWeigher, kinds_of, token_weigher
from offbook.engine.students.train import train_student
from tests.engine.students.test_student_training import (
    TOKENIZER,
    StoppedError,
    corpus,
    job,
    objective,
    record,
    weights,
)
from tests.tiny import tiny_model

PROMPT = (104, 105, 63)
RESPONSES = (
    Response(tokens=(50, 43, 50, 61, 52, 257), answer=(4,)),
    Response(tokens=(97, 98, 99, 100, 52, 46, 257), answer=(4, 5)),
)
THRESHOLD, POWER = TokenWeight(kind="threshold", value=5.0), TokenWeight(kind="power", value=0.5)


def surprisals(prompt: Sequence[int], said: Sequence[int], seed: int = 0) -> torch.Tensor:
    """Of a response's tokens, from one row of a model."""
    ids = torch.tensor([[*prompt, *said]])
    with torch.no_grad():
        logits = tiny_model(seed=seed)(input_ids=ids).logits[0, len(prompt) - 1 : -1]
    return functional.cross_entropy(logits, torch.tensor(said), reduction="none")


def weighed_loss(weight: TokenWeight, seed: int = 0) -> tuple[torch.Tensor, TokenWeigher]:
    """The mean over two responses of a token's weighed loss, and what weighed it; θ0 is the model of seed 0."""
    weigher, model = TokenWeigher(weight, TOKENIZER, surprisals), tiny_model(seed=seed)
    with branch_attention(model), weighing(model, weigher):
        branches = lay_out(PROMPT, RESPONSES)
        return predict(model, branches).loss(branches.targets_N, mean_weights(branches)).loss, weigher


def by_hand(factors: Callable[[Response], torch.Tensor], seed: int = 0) -> torch.Tensor:
    found = []
    for response in RESPONSES:
        w = factors(response)
        w[list(response.answer)] = 1
        found.append((w * surprisals(PROMPT, response.tokens, seed)).sum() / w.sum())
    return torch.stack(found).mean()


@pytest.mark.parametrize("seed", [0, 1])  # the untouched model, and one that has moved
def test_above_the_threshold_under_the_untouched_model_a_token_counts_nothing(seed: int) -> None:
    loss, _ = weighed_loss(THRESHOLD, seed)
    kept = [surprisals(PROMPT, r.tokens) <= 5.0 for r in RESPONSES]
    assert any(not k.all() for k in kept)
    assert any(k.any() for k in kept)
    expected = by_hand(lambda r: (surprisals(PROMPT, r.tokens) <= 5.0).float(), seed)
    torch.testing.assert_close(loss.detach(), expected, rtol=1e-4, atol=1e-5)


def test_by_a_power_a_token_counts_by_the_students_own_probability_of_it() -> None:
    loss, _ = weighed_loss(POWER, seed=1)
    expected = by_hand(lambda r: torch.exp(-0.5 * surprisals(PROMPT, r.tokens, seed=1)), seed=1)
    torch.testing.assert_close(loss.detach(), expected, rtol=1e-4, atol=1e-5)


def test_no_gradient_reaches_the_weights() -> None:
    weigher, model = TokenWeigher(POWER, TOKENIZER), tiny_model()
    with branch_attention(model):
        branches = lay_out(PROMPT, RESPONSES)
        with weighing(model, weigher):
            predict(model, branches).loss(branches.targets_N, mean_weights(branches)).loss.backward()  # type: ignore[no-untyped-call]
        found = [p.grad.clone() for p in model.parameters() if p.grad is not None]
        model.zero_grad()
        plain = predict(model, branches)
        fixed_N = weigher(branches, mean_weights(branches), lambda: plain.nll(branches.targets_N))
        plain.loss(branches.targets_N, fixed_N).loss.backward()  # type: ignore[no-untyped-call]
    for ours, theirs in zip(found, (p.grad for p in model.parameters() if p.grad is not None), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_response_keeps_the_weight_that_its_method_gave_it() -> None:
    weigher, branches = TokenWeigher(POWER, TOKENIZER), lay_out(PROMPT, RESPONSES)
    given_N = mean_weights(branches) * torch.cat([torch.full((6,), 1.5), torch.full((7,), 0.0)])
    nll_N = torch.rand(13, generator=torch.Generator().manual_seed(0)) * 5
    found_N = weigher(branches, given_N, lambda: nll_N)
    assert found_N[:6].sum() == pytest.approx(0.75)
    assert not found_N[6:].any(), "of no weight nothing is made"
    assert found_N[4] > given_N[4], "what others lose goes to those that keep theirs"


@pytest.mark.parametrize(
    "branches",
    [
        replace(
            lay_out(PROMPT, RESPONSES), predicting_N=torch.tensor([2, 4]), targets_N=torch.tensor([50, 50])
        ),  # a method that picks its tokens
        lay_out(PROMPT, [replace(RESPONSES[0], answer=())]),  # as replayed answers are
    ],
)
def test_what_is_no_whole_response_with_an_answer_is_left_as_it_is(branches: Branches) -> None:
    weights_N = torch.ones(len(branches.targets_N))
    weigher = TokenWeigher(THRESHOLD, TOKENIZER, surprisals)
    assert weigher(branches, weights_N, lambda: weights_N) is weights_N
    assert not any(weigher.counts().values())


def test_only_answers_are_learned_where_everything_else_is_masked(tmp_path: Path) -> None:
    nothing = TokenWeight(kind="threshold", value=1e-9)
    work = job(tmp_path / "s", gradient_tokens=1, evaluations=1, questions_per_step=5, token_weight=nothing)
    (entry,) = record(train_student(work, "plain", objective()))["log"]
    expected = []
    for question in encode_corpus(corpus(), TOKENIZER, max_length=400):
        for response in question.responses:
            assert response is not None
            expected.append(surprisals(question.prompt, response.tokens)[list(response.answer)].mean())
    assert entry["loss"] == pytest.approx(float(torch.stack(expected).mean()), rel=1e-4)


def test_masked_tokens_count_in_the_budget_and_the_log_tells_what_was_masked(tmp_path: Path) -> None:
    nothing = TokenWeight(kind="threshold", value=1e-9)
    work = job(tmp_path / "s", gradient_tokens=1, evaluations=1, questions_per_step=5, token_weight=nothing)
    (entry,) = record(train_student(work, "plain", objective()))["log"]
    said = [r.tokens for q in encode_corpus(corpus(), TOKENIZER, max_length=400) for r in q.responses if r]
    texts = [TOKENIZER.decode([*tokens]) for tokens in said]
    assert entry["gradient_tokens"] == sum(map(len, said))
    digits, answers = sum(c.isdigit() for text in texts for c in text), 5
    assert entry["masked/digits"] == pytest.approx((digits - answers) / digits)
    assert entry["masked/operators"] == 1.0
    assert entry["masked/tokens"] == pytest.approx(1 - answers / entry["gradient_tokens"])
    assert not any(name.startswith(("weighed/", "lost/")) for name in entry)


@pytest.mark.parametrize("weight", [THRESHOLD, POWER], ids=["threshold", "power"])
@pytest.mark.parametrize("lora_rank", [0, 4])
def test_an_interrupted_training_weighs_on_as_it_began(
    lora_rank: int, weight: TokenWeight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offbook.engine.students.train.SAVE_EVERY_S", -1.0)

    def work(name: str) -> Any:
        return job(tmp_path / name, lora_rank=lora_rank, token_weight=weight)

    whole = train_student(work("whole"), "plain", objective())
    log = record(whole)["log"]

    def stop(done: int, total: int, message: str) -> None:
        if done == log[2]["gradient_tokens"]:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_student(replace(work("cut"), report=stop), "plain", objective())
    cut = train_student(work("cut"), "plain", objective())
    assert record(cut)["log"] == log
    assert all(torch.equal(value, weights(cut)[name]) for name, value in weights(whole).items())


def test_without_weights_nothing_weighs(tmp_path: Path) -> None:
    assert token_weigher(job(tmp_path), "no") is None


def test_digits_and_operators_are_told_from_other_tokens() -> None:
    assert kinds_of(" 12") == ("tokens", "digits")
    assert kinds_of(" ×") == ("tokens", "operators")
    assert kinds_of("9+") == ("tokens", "digits", "operators")
    assert kinds_of(" apples") == ("tokens",)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ({"kind": "threshold"}, "token_weight: expected a value above 0 of kind threshold, got none"),
        ({"kind": "none", "value": 1.0}, "token_weight: expected no value of kind none, got 1.0"),
    ],
)
def test_a_kind_without_its_value_is_refused(weight: TokenWeight, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StudentConfig(token_weight=weight)
