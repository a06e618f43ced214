"""Layers that are differentiated by hand: losses and gradients are the model's own, and nobody else notices."""

import contextlib
from typing import Any

import pytest
import torch
from torch.nn import functional
from transformers import PreTrainedModel

from offbook.engine.students import lean_layers as lean_module
from offbook.engine.students.branches import branch_attention, lay_out_questions, mean_weights
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.gradient_sums import summed_gradients
from offbook.engine.students.lean_layers import Ahead, Behind, lean_layers
from offbook.engine.students.paths import Response
from offbook.engine.students.predictions import predict, predict_and_read
from offbook.engine.students.train import with_adapters
from tests.tiny import tiny_model

EPS = 1e-5
LONG = Response(tokens=(*range(40, 52), 257), answer=(2,))  # longer than a window
QUESTIONS = [
    ((5, 6, 7, 5, 9, 3), [Response(tokens=(8, 9, 257), answer=(1,)), LONG]),
    ((200, 5), [Response(tokens=(8, 257), answer=(0,))]),
]


def uneven(model: PreTrainedModel) -> PreTrainedModel:
    """With norms whose weights differ, as those of a trained model do."""
    numbers = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "norm" in name:
                p.add_(torch.randn(p.shape, generator=numbers), alpha=0.3)
    return model


MODELS: dict[str, Any] = {
    "llama": lambda: uneven(tiny_model("llama")),
    "tied": lambda: uneven(tiny_model("llama", tie_word_embeddings=True)),
    "mistral": lambda: uneven(tiny_model("mistral")),
}


def told(model: PreTrainedModel, *, lean: bool, times: int = 1, states: float = 0.0) -> dict[str, torch.Tensor]:
    """Loss and gradients of all questions, so often; `states` weighs those of all layers in the loss."""
    branches = lay_out_questions(QUESTIONS)
    with contextlib.ExitStack() as stack:
        stack.enter_context(branch_attention(model))
        if lean:
            stack.enter_context(lean_layers(model))
            stack.enter_context(summed_gradients(model))
        for _ in range(times):
            predictions, output = predict_and_read(model, branches, output_hidden_states=states > 0)
            loss = predictions.loss(branches.targets_N, mean_weights(branches)).loss
            for states_1TH in output.hidden_states if states > 0 else ():
                loss = loss + states * states_1TH.square().mean()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    return {**gradients, "loss": loss.detach()}


def check_alike(ours: dict[str, torch.Tensor], own: dict[str, torch.Tensor]) -> None:
    assert ours.keys() == own.keys()
    for parameter, value in own.items():
        torch.testing.assert_close(ours[parameter], value, rtol=1e-4, atol=1e-6, msg=parameter)


@pytest.mark.parametrize("name", MODELS)
def test_losses_and_gradients_are_the_models_own(name: str) -> None:
    check_alike(told(MODELS[name](), lean=True), told(MODELS[name](), lean=False))


@pytest.mark.parametrize("name", MODELS)
def test_a_loss_that_reads_the_states_of_all_layers_sends_its_gradient_through_them(name: str) -> None:
    ours = told(MODELS[name](), lean=True, states=0.5)
    check_alike(ours, told(MODELS[name](), lean=False, states=0.5))
    assert not torch.allclose(ours["loss"], told(MODELS[name](), lean=True)["loss"])


def test_layers_above_a_frozen_embedding_have_their_gradients() -> None:
    models: list[Any] = [tiny_model(), tiny_model()]
    for model in models:
        model.model.embed_tokens.requires_grad_(requires_grad=False)
    ours, own = told(models[0], lean=True), told(models[1], lean=False)
    assert "model.embed_tokens.weight" not in ours
    check_alike(ours, own)


def test_gradients_of_a_second_pass_are_added() -> None:
    once, twice = told(tiny_model(), lean=True), told(tiny_model(), lean=True, times=2)
    for parameter in once.keys() - {"loss"}:
        torch.testing.assert_close(twice[parameter], 2 * once[parameter], rtol=1e-4, atol=1e-6, msg=parameter)


def test_it_is_bit_for_bit_the_same_again() -> None:
    one, other = told(tiny_model(), lean=True), told(tiny_model(), lean=True)
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def changed(student: Any) -> int:
    with lean_layers(student):
        return sum("forward" in vars(module) for module in student.modules())


def test_other_shapes_adapters_and_frozen_layers_are_left_alone() -> None:
    assert changed(tiny_model("llama")) == 2
    assert [changed(tiny_model(name)) for name in ("qwen2", "qwen3", "gemma", "gemma2")] == [0, 0, 0, 0]
    assert changed(with_adapters(tiny_model(), StudentConfig(lora_rank=2))) == 0
    model: Any = tiny_model()
    model.model.layers[0].self_attn.v_proj.weight.requires_grad_(requires_grad=False)
    assert changed(model) == 1


def test_layers_with_activation_checkpoints_are_left_to_them() -> None:
    model: Any = tiny_model()
    model.activation_checkpointing_enable()
    assert changed(model) == 0


def test_elsewhere_than_on_a_cpu_nothing_is_read_and_nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(lean_module, "read_shape", never)
    model: Any = tiny_model()
    assert changed(model.to("meta")) == 0
    with pytest.raises(AssertionError):
        changed(tiny_model())


def test_layers_come_back_as_they_were_also_from_a_pass_that_fails() -> None:
    model = tiny_model()
    with pytest.raises(ZeroDivisionError), lean_layers(model):
        raise ZeroDivisionError
    assert not any("forward" in vars(module) for module in model.modules())


def test_without_branches_without_a_gradient_and_under_autocast_a_layer_is_its_own() -> None:
    model, ids, branches = tiny_model(), torch.tensor([[5, 6, 7]]), lay_out_questions(QUESTIONS)
    expected = model(ids).logits
    with branch_attention(model), torch.no_grad():
        states_NH = predict(model, branches).states_NH
    with branch_attention(model), torch.autocast("cpu", torch.bfloat16):
        rough_NH = predict(model, branches).states_NH
    with lean_layers(model):
        assert torch.equal(model(ids).logits, expected)
        with branch_attention(model), torch.no_grad():
            assert torch.equal(predict(model, branches).states_NH, states_NH)
        with branch_attention(model), torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(predict(model, branches).states_NH, rough_NH)


def test_states_of_all_layers_are_there_for_those_who_ask() -> None:
    model, branches = tiny_model(), lay_out_questions(QUESTIONS)
    found = []
    for context in (contextlib.nullcontext(), lean_layers(model)):
        with branch_attention(model), context:
            _, output = predict_and_read(model, branches, output_hidden_states=True)
        found.append(output.hidden_states)
    assert len(found[0]) == len(found[1]) == 3
    for own, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, own, rtol=1e-4, atol=1e-6)


# --- both halves of a layer, against their equations, in fp64 ---


def draw(*shape: int, seed: int) -> torch.Tensor:
    found = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return found.requires_grad_()


def turned(states: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    one, other = states.chunk(2, dim=-1)
    return states * cos + torch.cat((-other, one), dim=-1) * sin


def agree(ours: list[torch.Tensor], own: list[torch.Tensor], leaves: list[torch.Tensor]) -> None:
    """Outputs are equal, and so are the gradients of the same weighted sum of them."""
    found = []
    for outputs in (ours, own):
        total = sum((out * draw(*out.shape, seed=70 + i).detach()).sum() for i, out in enumerate(outputs))
        assert isinstance(total, torch.Tensor)
        total.backward()  # type: ignore[no-untyped-call]
        found.append([leaf.grad for leaf in leaves])
        for leaf in leaves:
            leaf.grad = None
    for mine, theirs in zip([*ours, *found[0]], [*own, *found[1]], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-12)


def test_what_is_ahead_of_attention_has_the_gradients_of_its_equations() -> None:
    x, norm = draw(5, 6, seed=0), draw(6, seed=1)
    weights = [draw(8, 6, seed=2), draw(4, 6, seed=3), draw(4, 6, seed=4)]
    angles = torch.rand(5, 1, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(5)).repeat(1, 1, 2)
    ours = Ahead.apply(x, angles.cos(), angles.sin(), norm, *weights, EPS)  # type: ignore[no-untyped-call]
    n = functional.rms_norm(x, (6,), norm, EPS)
    q, k, v = (functional.linear(n, weight).unflatten(1, (-1, 4)) for weight in weights)
    own = [turned(q, angles.cos(), angles.sin()), turned(k, angles.cos(), angles.sin()), v]
    agree([*ours], own, [x, norm, *weights])


def test_what_is_behind_attention_has_the_gradients_of_its_equations() -> None:
    x, attended, norm = draw(5, 6, seed=0), draw(5, 8, seed=1), draw(6, seed=2)
    o, gate, up, down = draw(6, 8, seed=3), draw(7, 6, seed=4), draw(7, 6, seed=5), draw(6, 7, seed=6)
    ours = Behind.apply(x, attended, o, norm, gate, up, down, EPS)  # type: ignore[no-untyped-call]
    y = x + attended @ o.T
    m = functional.rms_norm(y, (6,), norm, EPS)
    own = y + (functional.silu(m @ gate.T) * (m @ up.T)) @ down.T
    agree([ours], [own], [x, attended, o, norm, gate, up, down])


def test_swiglu_is_the_same_however_many_rows_go_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for size in (1, 1 << 18):
        monkeypatch.setattr(lean_module, "BLOCK_BYTES", size)
        found.append(told(tiny_model(), lean=True))
    for name, value in found[0].items():
        torch.testing.assert_close(value, found[1][name], rtol=1e-5, atol=1e-7, msg=name)
