"""Continuations as branches behind one prompt are as probable as each alone, in every architecture and layout."""

import pytest
import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.continuations import continuation_logprobs, next_token_logprobs
from offbook.engine.finite import NotFiniteError
from offbook.kernels.native_library import native_available
from tests.tiny import ARCHITECTURES, tiny_model

PROMPT = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]  # longer than the tiny models' windows
CONTINUATIONS = [[20, 21, 22], [30], [20, 21], [40, 41, 42, 43, 44, 45]]


def one_by_one(model: torch.nn.Module, prompt: list[int], continuation: list[int]) -> list[float]:
    """The plain twin: a row of its own for the prompt with its continuation."""
    logits = model(input_ids=torch.tensor([[*prompt, *continuation]])).logits[0].double()
    laws = logits.log_softmax(-1)[len(prompt) - 1 : -1]
    return [float(law[token]) for law, token in zip(laws, continuation, strict=True)]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_branches_are_as_probable_as_rows_of_their_own(architecture: str) -> None:
    model = tiny_model(architecture, dtype=torch.float64)
    with torch.inference_mode():
        alone = [one_by_one(model, PROMPT, continuation) for continuation in CONTINUATIONS]
    found = continuation_logprobs(Backbone(model), PROMPT, CONTINUATIONS)
    assert [len(values) for values in found] == [3, 1, 2, 6]
    for ours, theirs in zip(found, alone, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("layout", ["transformers", "prepacked", "packed"])
def test_every_layout_says_the_same(layout: str) -> None:
    if layout == "packed" and not native_available()[0]:
        pytest.skip(native_available()[1])
    model = tiny_model("llama")
    with torch.inference_mode():
        alone = [one_by_one(model, PROMPT, continuation) for continuation in CONTINUATIONS]
    found = continuation_logprobs(Backbone(model).under(layout), PROMPT, CONTINUATIONS)
    for ours, theirs in zip(found, alone, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-3)


def test_a_branch_does_not_see_another() -> None:
    backbone = Backbone(tiny_model("llama", dtype=torch.float64))
    (first, *_) = continuation_logprobs(backbone, PROMPT, [[20, 21, 22], [30, 31]])
    (again, *_) = continuation_logprobs(backbone, PROMPT, [[20, 21, 22], [77, 78, 79, 80]])
    assert first == pytest.approx(again, rel=1e-9)


def test_continuations_of_one_token_cost_the_prompt_alone() -> None:
    model = tiny_model("llama", dtype=torch.float64)
    with torch.inference_mode():
        alone = [one_by_one(model, PROMPT, [token])[0] for token in (20, 30, 40)]
    found = continuation_logprobs(Backbone(model), PROMPT, [[20], [30], [40]])
    assert [values[0] for values in found] == pytest.approx(alone, rel=1e-5)


def test_the_laws_of_a_text_are_those_of_its_own_row() -> None:
    model = tiny_model("llama", dtype=torch.float64)
    text = [20, 21, 22, 23]
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([[*PROMPT, *text]])).logits[0]
    laws = next_token_logprobs(Backbone(model), PROMPT, text)
    assert laws.shape == (4, logits.shape[-1])
    torch.testing.assert_close(laws, logits.float().log_softmax(-1)[len(PROMPT) - 1 : -1], rtol=1e-5, atol=1e-5)


def test_a_continuation_without_a_token_is_not_taken_for_a_certain_one() -> None:
    with pytest.raises(ValueError, match="expected continuations of at least one token, got none in number 2"):
        continuation_logprobs(Backbone(tiny_model("llama")), PROMPT, [[20], []])


def test_logits_that_are_not_finite_are_refused() -> None:
    model = tiny_model("llama")
    backbone = Backbone(model)
    with torch.no_grad():
        model.get_input_embeddings().weight[20] = float("nan")
    with pytest.raises(NotFiniteError, match="expected finite logits"):
        continuation_logprobs(backbone, PROMPT, [[20, 21]])
