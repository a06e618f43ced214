"""Gradients that are summed inside of their products: the same sums, and nothing that others would notice."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel

from offbook.engine.students.branches import branch_attention, lay_out, mean_weights
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.gradient_sums import summed_gradients
from offbook.engine.students.paths import Response
from offbook.engine.students.predictions import predict
from offbook.engine.students.train import with_adapters
from tests.tiny import tiny_model

QUESTIONS = [
    ((5, 6, 7, 5), [Response(tokens=(8, 9, 257), answer=(1,)), Response(tokens=(10, 11, 12, 257), answer=(2,))]),
    ((200, 5), [Response(tokens=(8, 257), answer=(0,))]),
    ((257, 17, 18), [Response(tokens=(19, 8, 20, 257), answer=(1,))]),
]
MODELS: dict[str, Callable[[], PreTrainedModel]] = {
    "llama": tiny_model,
    "tied": lambda: tiny_model(tie_word_embeddings=True),
    "biases": lambda: tiny_model("qwen2"),
    "scaled embedding": lambda: tiny_model("gemma"),
}


def gradients(model: PreTrainedModel, *, summed: bool) -> dict[str, torch.Tensor]:
    """Of all questions, one after the other."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(branch_attention(model))
        if summed:
            stack.enter_context(summed_gradients(model))
        for prompt, responses in QUESTIONS:
            branches = lay_out(prompt, responses)
            loss = predict(model, branches).loss(branches.targets_N, mean_weights(branches)).loss
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("name", MODELS)
def test_the_sums_are_autograds(name: str) -> None:
    plain, ours = gradients(MODELS[name](), summed=False), gradients(MODELS[name](), summed=True)
    assert ours.keys() == plain.keys()
    for parameter, value in plain.items():
        torch.testing.assert_close(ours[parameter], value, rtol=1e-4, atol=1e-6, msg=parameter)


def test_activation_checkpoints_lose_no_gradient() -> None:
    ours: Any = tiny_model()
    ours.train()
    ours.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    plain, summed = gradients(tiny_model(), summed=False), gradients(ours, summed=True)
    assert summed.keys() == plain.keys()
    for parameter, value in plain.items():
        torch.testing.assert_close(summed[parameter], value, rtol=1e-4, atol=1e-6, msg=parameter)


def test_the_padding_token_has_no_gradient_in_either() -> None:
    plain, ours = tiny_model(), tiny_model()
    assert plain.get_input_embeddings().padding_idx == 257
    assert not gradients(plain, summed=False)["model.embed_tokens.weight"][257].any()
    assert not gradients(ours, summed=True)["model.embed_tokens.weight"][257].any()


def test_a_sum_goes_on_where_it_was_and_begins_anew_once_it_was_dropped() -> None:
    model = tiny_model()
    once = gradients(model, summed=True)
    twice = gradients(model, summed=True)
    for name, value in once.items():
        torch.testing.assert_close(twice[name], 2 * value, rtol=1e-4, atol=1e-6)
    model.zero_grad()
    for name, value in gradients(model, summed=True).items():
        torch.testing.assert_close(value, once[name], rtol=1e-4, atol=1e-6)


def test_it_is_bit_for_bit_the_same_again() -> None:
    one, other = gradients(tiny_model(), summed=True), gradients(tiny_model(), summed=True)
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_layers_come_back_as_they_were_also_from_a_pass_that_fails() -> None:
    def fail(model: PreTrainedModel) -> None:
        with summed_gradients(model):
            assert any("forward" in vars(module) for module in model.modules())
            raise ZeroDivisionError

    model = tiny_model()
    with pytest.raises(ZeroDivisionError):
        fail(model)
    assert not any("forward" in vars(module) for module in model.modules())


def test_frozen_weights_adapters_and_the_head_are_left_alone() -> None:
    def changed(student: Any) -> set[str]:
        with summed_gradients(student):
            return {name for name, module in student.named_modules() if "forward" in vars(module)}

    model = tiny_model()
    assert "lm_head" not in changed(model)
    assert "model.embed_tokens" in changed(model)
    model.model.embed_tokens.requires_grad_(requires_grad=False)
    assert "model.embed_tokens" not in changed(model)
    assert changed(with_adapters(tiny_model(), StudentConfig(lora_rank=2))) == set()


def test_under_autocast_and_without_a_gradient_it_computes_as_ever() -> None:
    model, ids = tiny_model(), torch.tensor([[5, 6, 7]])
    with torch.autocast("cpu", torch.bfloat16):
        expected = model(ids).logits
        with summed_gradients(model):
            assert torch.equal(model(ids).logits, expected)
    with torch.no_grad():
        expected = model(ids).logits
        with summed_gradients(model):
            assert torch.equal(model(ids).logits, expected)
