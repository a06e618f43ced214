"""Whole decoders against an enumerated model: right ones pass, and faults in how they draw are seen from outside."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from transformers.generation import utils

from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.baselines.decoding.transformers_generate import TransformersGenerate, as_assistant
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Decoder, Limits
from offbook.engine.decoding.early_exit import first_layers
from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.harness.certificates import sampling as module
from offbook.harness.certificates.sampling import ALPHA, decoder_certificate
from offbook.harness.certificates.toy_model import LENGTH, PROMPT, VOCABULARY, exact_continuations, toy_model
from offbook.harness.roster.target import Target
from tests.controls.verifiers import Faulty

N, FEW = 1000, 200  # the least that a certificate may have, and what shows most of it in seconds
WARM, CUT = Sampling(temperature=1.0), Sampling(temperature=2.0, top_k=5, top_p=0.8)


def hf_generate(target: Target) -> Decoder:
    return TransformersGenerate(target.backbone)


def hf_prompt_lookup(target: Target) -> Decoder:
    return TransformersGenerate(target.backbone, prompt_lookup_num_tokens=10)


def hf_assisted(target: Target) -> Decoder:
    return TransformersGenerate(target.backbone, assistant=as_assistant(first_layers(target.backbone, 1)))


def prompt_lookup(target: Target) -> Decoder:
    return SpeculativeDecoder(target.backbone, PromptLookup(max_ngram=3, num_tokens=10))


def answered(prompt_1P: torch.Tensor, tokens: tuple[int, ...]) -> Generation:
    return Generation(
        prompt_tokens=prompt_1P.shape[1],
        tokens=tokens,
        finish_reason="length",
        rounds=(),
        draft_forwards=0,
        prefill_committed=len(tokens),
        prefill_s=0.0,
        decode_s=0.0,
        draft_s=None,
        target_s=None,
        peak_bytes=0,
    )


class Otherwise:
    """A decoder that draws under settings other than those it was given."""

    def __init__(self, decoder: Decoder, change: Callable[[Sampling], Sampling]) -> None:
        self.decoder, self.change = decoder, change

    def generate(self, prompt_1P: torch.Tensor, *, sampling: Sampling, **rest: Any) -> Generation:
        return self.decoder.generate(prompt_1P, sampling=self.change(sampling), **rest)


class Tabled:
    """Prompt lookup as our loop plays it, under a verifier that may be faulty; each row of logits is computed once."""

    def __init__(self, target: Target, **faults: Any) -> None:
        self.target, self.faults, self.rows = target, faults, dict[tuple[int, ...], torch.Tensor]()

    def behind(self, text: tuple[int, ...]) -> torch.Tensor:
        if text not in self.rows:
            backbone, text_T = self.target.backbone, torch.tensor(text)
            self.rows[text] = backbone.extend(text_T, backbone.new_cache(len(text)), logits_for=1).logits_NV[-1]
        return self.rows[text]

    def generate(
        self, prompt_1P: torch.Tensor, *, sampling: Sampling, limits: Limits, generator: torch.Generator, **_: Any
    ) -> Generation:
        verify, drafter = Faulty(sampling=sampling, **self.faults), PromptLookup(max_ngram=3, num_tokens=10)
        drafter.begin(prompt_1P, capacity=0)
        prompt, tokens, new = tuple(prompt_1P[0].tolist()), (), []
        while len(tokens) < limits.max_new_tokens:
            tree = drafter.propose().within(limits.max_new_tokens - len(tokens) - 1) if tokens else Tree((0,), (-1,))
            drafted = tree.tokens[1:]  # a chain
            logits_NV = torch.stack([self.behind(prompt + tokens + drafted[:n]) for n in range(len(tree))])
            verdict = verify(logits_NV, tree.tensors(), generator)
            new = [*(tree.tokens[node] for node in verdict.path[1:]), int(verdict.bonus)]
            told = torch.tensor([*(() if tokens else prompt[1:]), *new])
            drafter.observe(told, torch.empty(len(told), 0), len(told))
            tokens += tuple(new)
        return answered(prompt_1P, tokens)


@pytest.mark.parametrize("build", [hf_generate, hf_prompt_lookup, prompt_lookup])
@pytest.mark.parametrize(
    ("sampling", "n"),
    [pytest.param(WARM, N, marks=pytest.mark.slow), pytest.param(CUT, N, marks=pytest.mark.slow), (CUT, FEW)],
)
def test_a_right_decoder_is_certified(
    build: Callable[[Target], Decoder], sampling: Sampling, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if n < N:
        monkeypatch.setattr(module, "check_settings", lambda *_: None)
    certificate = decoder_certificate(build, sampling=sampling, seed=0, n=n)
    assert (certificate.kind, certificate.verdict, certificate.n) == ("sampling_distribution", "lossless", n)
    assert certificate.p_value is not None
    assert certificate.p_value > 1e-3
    assert certificate.tv is not None
    assert certificate.tv_bound is not None
    assert 0 < certificate.tv < certificate.tv_bound < (0.45 if n == N else 0.8)


@pytest.mark.parametrize("sampling", [WARM, CUT])
def test_a_right_assistant_is_certified(sampling: Sampling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "check_settings", lambda *_: None)
    certificate = decoder_certificate(hf_assisted, sampling=sampling, seed=0, n=FEW, layers=2)
    assert certificate.verdict == "lossless"
    assert (certificate.p_value or 0) > 1e-3
    generation = hf_assisted(toy_model(2)).generate(
        torch.tensor([PROMPT]),
        sampling=sampling,
        limits=Limits(max_new_tokens=30),
        generator=torch.Generator().manual_seed(0),
    )
    rounds = generation.rounds
    accepted, offered = sum(r.accepted for r in rounds), sum(r.offered for r in rounds)
    assert 0 < accepted < offered, "its candidates are accepted and refused"


def test_an_assistant_whose_law_is_misnamed_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "check_settings", lambda *_: None)
    true = utils._speculative_sampling

    def misnamed(ids: torch.Tensor, _: torch.Tensor, length: int, logits: torch.Tensor, **named: Any) -> Any:
        return true(ids, logits[:, :length], length, logits, **named)  # as if drawn from the target's law

    monkeypatch.setattr(utils, "_speculative_sampling", misnamed)
    assert decoder_certificate(hf_assisted, sampling=WARM, seed=0, n=2 * FEW, layers=2).verdict == "differs"


@pytest.mark.parametrize("temperature", [0.6, 1.7])
def test_another_temperature_is_rejected(temperature: float) -> None:
    certificate = decoder_certificate(
        lambda target: Otherwise(Tabled(target), lambda _: Sampling(temperature=temperature)),
        sampling=WARM,
        seed=0,
        n=N,
    )
    assert certificate.verdict == "differs"
    assert certificate.p_value is not None
    assert certificate.p_value < ALPHA


@pytest.mark.parametrize("n", [FEW, N])
def test_a_decoder_that_forgets_top_p_is_rejected(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "check_settings", lambda *_: None)
    certificate = decoder_certificate(
        lambda target: Otherwise(Tabled(target), lambda _: Sampling(temperature=2.0, top_k=5)),
        sampling=CUT,
        seed=0,
        n=n,
    )
    assert (certificate.verdict, certificate.p_value) == ("differs", 0.0)


@pytest.mark.parametrize("faults", [{}, {"raw_bonus": True}, {"whole_residual": True}])
def test_a_fault_of_the_verifier_is_seen_from_outside(faults: dict[str, bool]) -> None:
    certificate = decoder_certificate(
        lambda target: Tabled(target, **faults), sampling=Sampling(temperature=0.5), seed=0, n=N
    )
    assert certificate.verdict == ("differs" if faults else "lossless")


def test_a_decoder_that_gives_the_same_answer_for_ever_is_rejected() -> None:
    class Frozen(Otherwise):
        def generate(self, prompt_1P: torch.Tensor, **settings: Any) -> Generation:
            return self.decoder.generate(prompt_1P, **settings | {"generator": torch.Generator().manual_seed(0)})

    certificate = decoder_certificate(lambda target: Frozen(Tabled(target), lambda s: s), sampling=WARM, seed=0, n=N)
    assert certificate.verdict == "differs"


@pytest.mark.parametrize("build", [hf_prompt_lookup, prompt_lookup])
def test_prompt_lookup_has_candidates_there_that_are_accepted_and_rejected(build: Callable[[Target], Decoder]) -> None:
    target, accepted, rejected = toy_model(), 0, 0
    generator = torch.Generator().manual_seed(0)
    for _ in range(100):
        generation = build(target).generate(
            torch.tensor([PROMPT]), sampling=WARM, limits=Limits(max_new_tokens=LENGTH), generator=generator
        )
        accepted += sum(r.accepted for r in generation.rounds)
        rejected += sum(r.accepted < r.offered for r in generation.rounds)
        accepted += generation.prefill_committed - 1  # transformers verifies its first candidates in the prefill
    assert accepted > 30
    assert rejected > 10


@pytest.mark.parametrize("sampling", [WARM, Sampling(temperature=0.5, top_k=3, top_p=0.9)])
def test_the_exact_probabilities_are_products_of_those_behind_each_prefix(sampling: Sampling) -> None:
    target = toy_model()
    exact = exact_continuations(target, sampling)
    assert exact.sum() == pytest.approx(1.0)
    for cell in (0, 7, 100, 228, 511, 1788, 4095):
        answer = [int(digit) for digit in np.unravel_index(cell, (VOCABULARY,) * LENGTH)]
        p = 1.0
        for i, token in enumerate(answer):
            prefix_T = torch.tensor([*PROMPT, *answer[:i]])
            cache = target.backbone.new_cache(prefix_T.shape[0])
            logits_NV = target.backbone.extend(prefix_T, cache, logits_for=1).logits_NV
            p *= float(sampling.probabilities(logits_NV[-1])[token])
        assert exact[cell] == pytest.approx(p, abs=1e-12)


def test_making_the_model_leaves_the_global_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    toy_model.__wrapped__()
    assert torch.equal(before, torch.random.get_rng_state())


class Saying:
    """A decoder that says what it was told to."""

    def __init__(self, *tokens: int) -> None:
        self.tokens = tokens

    def generate(self, prompt_1P: torch.Tensor, **settings: Any) -> Generation:
        return answered(prompt_1P, self.tokens)


@pytest.mark.parametrize("tokens", [(), (1, 2), (1, 2, 3, 4, 5), (1, 2, 3, 8), (1, -1, 2, 3)])
def test_an_answer_that_is_none_is_refused(tokens: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected 4 tokens in 0\.\.7, got .* the decoder's"):
        decoder_certificate(lambda _: Saying(*tokens), sampling=WARM, seed=0, n=N)


@pytest.mark.parametrize(("sampling", "n"), [(Sampling(), 1000), (WARM, 999)])
def test_what_cannot_be_certified_is_refused(sampling: Sampling, n: int) -> None:
    with pytest.raises(ValueError, match="temperature > 0 and n >= 1000"):
        decoder_certificate(hf_generate, sampling=sampling, seed=0, n=n)
