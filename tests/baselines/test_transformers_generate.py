"""transformers' own decoders: accounted for from outside, and put back as they were found."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.generation.candidate_generator import PromptLookupCandidateGenerator

from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.baselines.decoding.transformers_generate import TransformersGenerate, as_assistant
from offbook.engine.decoding import attention
from offbook.engine.decoding.clock import CallCounter
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.early_exit import first_layers
from offbook.engine.decoding.generation import Round
from offbook.engine.decoding.sampling import Sampling
from tests.engine.targets import VOCABULARY, greedy_reference, target
from tests.tiny import tiny_model

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


def test_a_round_that_the_cap_cuts_accepted_all_that_is_left_of_it():
    backbone = target(damped=True)
    follows = greedy_reference(backbone, [5], 4)
    generation = TransformersGenerate(backbone, prompt_lookup_num_tokens=3).generate(
        torch.tensor([[5, *follows, 5]]),
        sampling=Sampling(),
        limits=Limits(max_new_tokens=9),
        generator=torch.Generator(),
    )
    assert generation.tokens[-4:-2] == generation.tokens[-2:]  # two tokens that were looked up, and no bonus
    assert generation.rounds[-1] == Round(drafted=2, offered=2, accepted=2, committed=2)


@pytest.mark.parametrize(("longest", "candidate"), [(1, 20), (2, 21), (3, 22), (4, 22)])
def test_suffixes_are_looked_for_up_to_the_limit(longest, candidate):
    prompt = [3, 20, 2, 3, 21, 1, 2, 3, 22, 1, 2, 3]
    fed = []
    hook = target().model.register_forward_pre_hook(
        lambda _, __, given: fed.append(given["input_ids"][0].tolist()), with_kwargs=True
    )
    try:
        TransformersGenerate(target(), prompt_lookup_num_tokens=1, max_matching_ngram_size=longest).generate(
            torch.tensor([prompt]),
            sampling=Sampling(),
            limits=Limits(max_new_tokens=2),
            generator=torch.Generator(),
        )
    finally:
        hook.remove()
    assert fed[0] == [*prompt, candidate]


@given(text=st.lists(st.integers(0, 3), min_size=2, max_size=24), longest=st.integers(1, 4), tokens=st.integers(1, 6))
def test_its_lookup_finds_what_ours_finds(text, longest, tokens):
    theirs = PromptLookupCandidateGenerator(
        num_output_tokens=tokens, max_matching_ngram_size=longest, max_length=len(text) + 100
    )
    found, _ = theirs.get_candidates(torch.tensor([text]))
    ours = PromptLookup(max_ngram=longest, num_tokens=tokens)
    ours.begin(torch.tensor([text[:-1]]), capacity=100)
    ours.observe(torch.tensor(text[1:]), torch.zeros(len(text) - 1, 0), len(text) - 1)
    assert found[0, len(text) - 1 :].tolist() == list(ours.propose().tokens)


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


def assisted(tokens: int, *, threshold: float = 0.4, layers: int = 1, damped: bool = True) -> TransformersGenerate:
    backbone = target(damped=damped)
    assistant = as_assistant(
        first_layers(backbone, layers), num_assistant_tokens=tokens, confidence_threshold=threshold
    )
    return TransformersGenerate(backbone, assistant=assistant)


def answer(decoder: TransformersGenerate, cap: int = 20, sampling: Sampling | None = None, seed: int = 0):
    return decoder.generate(
        torch.tensor([PROMPT]),
        sampling=sampling or Sampling(),
        limits=Limits(max_new_tokens=cap),
        generator=torch.Generator().manual_seed(seed),
    )


@pytest.mark.parametrize("damped", [False, True])
@pytest.mark.parametrize("tokens", [1, 3])
def test_an_assistant_drafts_its_calls_are_counted_and_the_targets_are_its_rounds(tokens, damped):
    decoder = assisted(tokens, threshold=0.0, damped=damped)
    with decoder.backbone.counted() as calls, CallCounter([decoder.assistant]) as drafts:
        generation = answer(decoder)
    assert list(generation.tokens) == greedy_reference(target(damped=damped), PROMPT, 20)
    assert len(generation.tokens) == generation.prefill_committed + sum(r.committed for r in generation.rounds)
    assert calls.number == 1 + generation.target_forwards
    assert drafts.calls == generation.draft_forwards
    # One call a candidate, those that the prefill verifies included; none where one token is left.
    assert generation.draft_forwards == tokens + sum(r.drafted for r in generation.rounds)
    assert all(r.drafted <= tokens for r in generation.rounds)
    assert (generation.draft_s, generation.target_s) == (None, None)


def test_an_unsure_assistant_stops_early_and_its_last_candidate_is_verified():
    sure, unsure = answer(assisted(6, threshold=0.0)), answer(assisted(6, threshold=1.0))
    assert sure.tokens == unsure.tokens
    assert max(r.drafted for r in sure.rounds) > 1
    assert [r.drafted for r in unsure.rounds[:2]] == [1, 1]  # before transformers moves the threshold


def test_an_assistant_remembers_no_answer():
    decoder = assisted(4)
    first = answer(decoder)
    answer(decoder, sampling=Sampling(temperature=1.0), seed=3)
    again = answer(decoder)
    assert (first.tokens, first.rounds) == (again.tokens, again.rounds)


def test_what_an_assistants_own_generation_config_asks_for_is_gone():
    plain = first_layers(target(damped=True), 1)
    plain.generation_config.repetition_penalty = 9.0
    plain.generation_config.min_new_tokens = 7
    told = answer(TransformersGenerate(target(damped=True), assistant=as_assistant(plain, num_assistant_tokens=4)))
    expected = answer(assisted(4))
    assert (told.tokens, told.rounds) == (expected.tokens, expected.rounds)


def test_of_a_copy_of_the_target_every_candidate_stands_at_any_temperature():
    for sampling in (Sampling(), Sampling(temperature=1.0, top_k=4)):
        decoder = assisted(3, threshold=0.0, layers=2, damped=False)
        rounds = answer(decoder, cap=4 * 4, sampling=sampling).rounds
        assert [(r.drafted, r.accepted, r.committed) for r in rounds] == [(3, 3, 4)] * 3


def test_an_assistant_with_another_number_of_rows_or_a_short_context_is_refused():
    with pytest.raises(ValueError, match=r"expected an assistant with 50 rows of its head.*got 64"):
        TransformersGenerate(target(), assistant=tiny_model(vocab_size=64))
    short = tiny_model("llama", torch.float64, vocab_size=VOCABULARY, max_position_embeddings=24)
    decoder = TransformersGenerate(target(), assistant=as_assistant(short))
    with pytest.raises(ValueError, match=r"within the model's context of 24, got 10 \+ 20"):
        answer(decoder)


@pytest.mark.parametrize("rows", [VOCABULARY - 6, VOCABULARY + 14])
@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.0, top_p=0.9)], ids=["greedy", "drawn"])
def test_an_assistant_may_be_padded_to_another_number_of_rows_than_its_target(rows, sampling):
    small = tiny_model("llama", torch.float64, seed=1, vocab_size=rows, num_hidden_layers=1)
    assistant = as_assistant(small, num_assistant_tokens=3, confidence_threshold=0.0, vocab_size=VOCABULARY)
    decoder = TransformersGenerate(target(), assistant=assistant)
    with torch.inference_mode():
        read = assistant(torch.tensor([[VOCABULARY - 1, 5]])).logits  # the first of which it may lack
    assert read.shape[-1] == VOCABULARY
    assert read[..., :rows].isfinite().all()
    assert (read[..., rows:] == -torch.inf).all()
    generation = answer(decoder, cap=12, sampling=sampling)
    assert len(generation.tokens) == 12
    assert max(r.drafted for r in generation.rounds) == 3
    if sampling.greedy:
        assert list(generation.tokens) == greedy_reference(target(), PROMPT, 12)
