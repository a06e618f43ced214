"""What predicts tokens: states and head where a model's logits are their product, logits where it does more to them."""

import copy
from typing import Any

import pytest
import torch
import transformers
from torch import nn

from offbook.engine.students.branches import branch_attention, lay_out, mean_weights, read, token_weights
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.paths import Response
from offbook.engine.students.predictions import predict, predict_and_read
from offbook.engine.students.train import with_adapters
from offbook.kernels.vocab_loss import loss_of_logits
from tests.tiny import ARCHITECTURES, tiny_model

PROMPT = [5, 6, 7, 8]
RESPONSES = [Response(tokens=(11, 12, 13, 257), answer=(1,)), Response(tokens=(21, 257), answer=(0,))]
SIZES: dict[str, Any] = {
    "vocab_size": 258,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.2,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}


def model_of(name: str) -> Any:
    torch.manual_seed(0)
    if name == "granite":
        return transformers.GraniteForCausalLM(transformers.GraniteConfig(**SIZES, logits_scaling=8.0)).eval()
    if name == "cohere":
        return transformers.CohereForCausalLM(transformers.CohereConfig(**SIZES, logit_scale=0.0625)).eval()
    return tiny_model(name)


def by_its_own_logits(model: Any, weights_K: torch.Tensor) -> dict[str, torch.Tensor]:
    """Loss and gradients as the model's own logits have them."""
    branches = lay_out(PROMPT, RESPONSES)
    with branch_attention(model):
        logits_NV = read(model, branches, logits_to_keep=branches.predicting_N).logits[0].float()
    found = loss_of_logits(logits_NV, branches.targets_N, token_weights(weights_K, branches))
    return told(model, found.loss) | {"nll": found.nll_N}


def told(model: nn.Module, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    return gradients | {"loss": loss.detach()}


@pytest.mark.parametrize("name", [*ARCHITECTURES, "granite", "cohere"])
def test_losses_and_gradients_are_those_of_the_models_own_logits(name: str) -> None:
    model, branches = model_of(name), lay_out(PROMPT, RESPONSES)
    expected = by_its_own_logits(model, torch.tensor([0.7, -0.2]))
    with branch_attention(model):
        predictions = predict(model, branches)
    found = predictions.loss(branches.targets_N, token_weights(torch.tensor([0.7, -0.2]), branches))
    assert (predictions.head_VH is None) == (name in ("gemma2", "granite", "cohere"))
    torch.testing.assert_close(predictions.nll(branches.targets_N), expected["nll"])
    torch.testing.assert_close(told(model, found.loss) | {"nll": found.nll_N}, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_logits_of_some_tokens_are_the_models(name: str) -> None:
    model, branches = model_of(name), lay_out(PROMPT, RESPONSES)
    with branch_attention(model):
        own_NV = read(model, branches, logits_to_keep=branches.predicting_N).logits[0]
        one, other = predict(model, branches).logits_of([(0, 3), (4,)])
    torch.testing.assert_close(one, own_NV[[0, 3]])
    torch.testing.assert_close(other, own_NV[[4]])
    assert one.requires_grad


@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_a_head_is_asked_once_what_becomes_of_it_and_is_itself_afterwards(name: str) -> None:
    model, branches = model_of(name), lay_out(PROMPT, RESPONSES)
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    state = torch.get_rng_state()
    with branch_attention(model):
        for _ in range(3):
            predict(model, branches)
    assert len(calls) == 4
    assert torch.equal(torch.get_rng_state(), state)
    assert "forward" not in vars(model.get_output_embeddings())
    assert model(torch.tensor([PROMPT])).logits.shape == (1, 4, 258)


def test_the_head_comes_back_from_a_pass_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    model, branches = model_of("llama"), lay_out(PROMPT, RESPONSES)
    with branch_attention(model):
        predict(model, branches)
        monkeypatch.setattr(model.model, "forward", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            predict(model, branches)
    assert "forward" not in vars(model.lm_head)


def test_the_whole_output_is_there_for_those_who_ask() -> None:
    model, branches = model_of("llama"), lay_out(PROMPT, RESPONSES)
    with branch_attention(model):
        predictions, output = predict_and_read(model, branches, output_hidden_states=True)
    assert len(output.hidden_states) == 3
    torch.testing.assert_close(output.hidden_states[-1][0, branches.predicting_N], predictions.states_NH)


def test_adapters_learn_and_a_frozen_head_has_no_gradient() -> None:
    student = with_adapters(tiny_model(), StudentConfig(lora_rank=2))
    branches = lay_out(PROMPT, RESPONSES)
    student.eval()
    expected = by_its_own_logits(student, torch.ones(2) / 2)
    with branch_attention(student):
        predictions = predict(student, branches)
    assert predictions.head_VH is not None
    found = predictions.loss(branches.targets_N, mean_weights(branches))
    torch.testing.assert_close(told(student, found.loss) | {"nll": found.nll_N}, expected, rtol=1e-4, atol=1e-6)
    assert not any("lm_head" in name for name in expected)


def test_a_head_with_an_adapter_of_its_own_or_a_bias_keeps_its_logits() -> None:
    model, branches = model_of("llama"), lay_out(PROMPT, RESPONSES)
    biased = copy.deepcopy(model)
    biased.lm_head = nn.Linear(32, 258)
    wrapped = copy.deepcopy(model)
    wrapped.lm_head = type("Wrapped", (nn.Linear,), {})(32, 258, bias=False)
    for other in (biased, wrapped):
        with branch_attention(other):
            assert predict(other, branches).head_VH is None


def test_under_autocast_states_are_multiplied_in_half_precision() -> None:
    model, branches = model_of("llama"), lay_out(PROMPT, RESPONSES)
    with branch_attention(model), torch.autocast("cpu", torch.bfloat16):
        logits_NV = read(model, branches, logits_to_keep=branches.predicting_N).logits[0]
        predictions = predict(model, branches)
        inside = predictions.nll(branches.targets_N)
    assert predictions.states_NH.dtype == logits_NV.dtype == torch.bfloat16
    assert predictions.head_VH is model.lm_head.weight
    outside = predictions.loss(branches.targets_N, mean_weights(branches))
    expected = loss_of_logits(logits_NV, branches.targets_N, mean_weights(branches))
    torch.testing.assert_close(outside.nll_N, expected.nll_N)
    torch.testing.assert_close(inside, expected.nll_N)
    ours, own = told(model, outside.loss), told(model, expected.loss)
    torch.testing.assert_close(ours["lm_head.weight"], own["lm_head.weight"], rtol=2e-2, atol=2e-4)


def test_a_student_is_held_to_a_teacher_whose_logits_are_no_product() -> None:
    student, teacher, branches = model_of("llama"), model_of("gemma2"), lay_out(PROMPT, RESPONSES)
    with branch_attention(student), branch_attention(teacher), torch.no_grad():
        found = predict(student, branches).loss(
            branches.targets_N,
            None,
            teacher=predict(teacher, branches),
            divergence_weights_N=mean_weights(branches),
            temperature=2.0,
        )
        laws = [predict(model, branches).logits_of([range(6)])[0] / 2 for model in (teacher, student)]
    log_p, log_q = (law.log_softmax(-1) for law in laws)
    torch.testing.assert_close(found.divergence_N, (log_p.exp() * (log_p - log_q)).sum(-1))


def test_weights_of_branches_become_those_of_their_tokens() -> None:
    branches = lay_out(PROMPT, RESPONSES)
    found = token_weights(torch.tensor([0.6, -0.4]), branches)
    torch.testing.assert_close(found, torch.tensor([0.15] * 4 + [-0.2] * 2))
    torch.testing.assert_close(mean_weights(branches), torch.tensor([0.125] * 4 + [0.25] * 2))
