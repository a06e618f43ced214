"""transformers' own decoders: accounted for from outside, and put back as they were found."""

import pytest
import torch

from offbook.baselines.decoding.transformers_generate import TransformersGenerate
from offbook.engine.decoding import attention
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.sampling import Sampling
from tests.engine.targets import greedy_reference, target

PROMPT = [5, 6, 7, 8, 5, 6, 7, 8, 5, 6]


def run(tokens: int | None, cap: int = 20, sampling: Sampling | None = None, seed: int = 0):
    return TransformersGenerate(target(), prompt_lookup_num_tokens=tokens).generate(
        torch.tensor([PROMPT]),
        sampling=sampling or Sampling(),
        limits=Limits(max_new_tokens=cap),
        generator=torch.Generator().manual_seed(seed),
    )


@pytest.mark.parametrize("tokens", [None, 3, 8])
def test_every_token_is_the_prefills_or_a_rounds(tokens):
    generation = run(tokens)
    assert list(generation.tokens) == greedy_reference(target(), PROMPT, 20)
    assert len(generation.tokens) == generation.prefill_committed + sum(r.committed for r in generation.rounds)
    assert generation.prefill_committed >= 1
    if tokens is None:
        assert generation.prefill_committed == 1
        assert [(r.drafted, r.offered, r.accepted, r.committed) for r in generation.rounds] == [(0, 0, 0, 1)] * 19
    else:
        assert all(r.accepted <= r.offered <= r.drafted <= tokens for r in generation.rounds)
    assert generation.draft_forwards == 0
    assert generation.draft_s is None


def test_candidates_that_the_prefill_verifies_are_the_prefills():
    backbone = target(damped=True)  # what follows a token there hangs on that token alone
    follows = greedy_reference(backbone, [5], 4)
    generation = TransformersGenerate(backbone, prompt_lookup_num_tokens=3).generate(
        torch.tensor([[5, *follows, 5]]),
        sampling=Sampling(),
        limits=Limits(max_new_tokens=9),
        generator=torch.Generator(),
    )
    assert list(generation.tokens[:4]) == follows
    assert generation.prefill_committed == 4
    assert sum(r.committed for r in generation.rounds) == 5


def test_forwards_are_counted_as_the_model_is_called():
    calls = []
    hook = target().model.register_forward_pre_hook(lambda *_: calls.append(1))
    try:
        generation = run(4)
    finally:
        hook.remove()
    assert generation.target_forwards == len(calls) - 1  # the first is the prefill


def test_one_seed_gives_one_sample_and_another_seed_another():
    hot = Sampling(temperature=1.5)
    assert run(None, sampling=hot).tokens == run(None, sampling=hot).tokens
    assert run(None, sampling=hot).tokens != run(None, sampling=hot, seed=1).tokens


def test_hooks_and_attention_are_restored_even_after_an_error():
    model = target().model
    hooks = len(model._forward_pre_hooks)

    def fail(*_: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    planted = model.model.layers[0].register_forward_pre_hook(fail)
    try:
        with pytest.raises(RuntimeError, match="planted"):
            run(None)
    finally:
        planted.remove()
    assert len(model._forward_pre_hooks) == hooks
    assert model.config._attn_implementation == attention.NAME
