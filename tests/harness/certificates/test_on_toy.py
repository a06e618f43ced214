"""Contenders on the small model, as they stand: with a drafter that was trained for it, right at times and wrong."""

import pytest
import torch

from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.sampling import Sampling
from offbook.harness.certificates import sampling as module
from offbook.harness.certificates.loop import loop_certificate
from offbook.harness.certificates.on_toy import layers_of_toy, on_toy
from offbook.harness.certificates.sampling import decoder_certificate
from offbook.harness.certificates.toy_model import LENGTH, PROMPT, toy_model
from offbook.harness.certificates.verifiers import RULES
from offbook.harness.roster.contender import Contender, Options
from offbook.harness.roster.decoders import DECODERS, contender
from tests.controls.verifiers import Faulty

WARM, CUT = Sampling(temperature=1.0), Sampling(temperature=1.5, top_k=3)
TRAINED = [name for name, chosen in DECODERS.items() if chosen.architecture is not None]
DRAWN = [name for name, chosen in DECODERS.items() if chosen.draws]


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(module, "check_settings", lambda *_: None)


def built(name: str):
    chosen = contender(name)
    return on_toy(chosen, {})(toy_model(layers_of_toy(chosen)))


@pytest.mark.parametrize("name", TRAINED)
def test_a_trained_drafter_is_right_and_wrong_there(name):
    decoder, generator = built(name), torch.Generator().manual_seed(0)
    accepted = offered = 0
    for _ in range(60):
        generation = decoder.generate(
            torch.tensor([PROMPT]), sampling=WARM, limits=Limits(max_new_tokens=LENGTH), generator=generator
        )
        accepted += sum(r.accepted for r in generation.rounds)
        offered += sum(r.offered for r in generation.rounds)
    assert 5 < accepted < offered


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("sampling", [WARM, pytest.param(CUT, marks=pytest.mark.slow)], ids=str)
def test_who_draws_candidates_says_what_the_model_says(name, sampling):
    decoder = built(name)
    found = decoder_certificate(
        lambda _: decoder, sampling=sampling, seed=0, n=300, layers=layers_of_toy(contender(name))
    )
    assert found.verdict == "lossless"
    assert (found.p_value or 0) > 1e-4


def test_its_own_options_and_the_variant_of_its_drafter_are_used():
    decoder = on_toy(contender("eagle3"), {"total_tokens": 5, "top_k": 2}, {"ttt_steps": 2})(toy_model())
    assert decoder.drafter.tree.total_tokens == 5
    with pytest.raises(ValueError, match="expected top_k of at most the draft vocabulary, 8"):
        on_toy(contender("eagle2"), {"top_k": 9})(toy_model())
    with pytest.raises(ValueError, match="variant of jakiro"):
        on_toy(contender("jakiro"), {}, {"experts": 9})(toy_model())


def test_a_contender_of_others_with_a_loop_and_a_drafter_of_its_own_is_put_to_it():
    """It decodes by itself, and misuses what its drafter proposes: what an outsider's folder may hide."""
    theirs = DECODERS["eagle2"]

    class Loop:
        def __init__(self, decoder, faulty: bool) -> None:
            self.decoder, self.faulty = decoder, faulty

        def generate(self, prompt_1P, *, sampling, **rest):
            if self.faulty:
                self.decoder.verifier = lambda s: Faulty(sampling=s, whole_residual=True)
            return self.decoder.generate(prompt_1P, sampling=sampling, **rest)

    def certificate(faulty: bool):
        chosen = Contender(
            name="theirs", summary="with a loop of its own", architecture=theirs.architecture, variant=theirs.variant,
            options=theirs.options, build=lambda target, options, folder: Loop(
                theirs.build(target, options, folder), faulty
            ),
        )  # fmt: skip
        decoder = on_toy(chosen, {"total_tokens": 5, "top_k": 4})(toy_model())
        return decoder_certificate(lambda _: decoder, sampling=WARM, seed=0, n=600)

    assert certificate(faulty=False).verdict == "lossless"
    assert certificate(faulty=True).verdict == "differs"


def test_who_needs_no_drafter_gets_none():
    seen = []
    chosen = Contender(
        name="plain", summary="s", options=Options,
        build=lambda target, options, folder: seen.append(folder) or target.speculative(
            DECODERS["suffix"].build(target, DECODERS["suffix"].options(), None).drafter
        ),
    )  # fmt: skip
    on_toy(chosen, {})(toy_model())
    assert seen == [None]


@pytest.mark.parametrize("rule", RULES)
def test_the_loop_verifies_candidates_at_both_depths(rule):
    from offbook.harness.certificates.loop import DRAFTERS

    decoder, generator = toy_model().speculative(DRAFTERS[rule]()), torch.Generator().manual_seed(0)
    accepted = [0, 0, 0]
    for _ in range(200):
        generation = decoder.generate(
            torch.tensor([PROMPT]), sampling=WARM, limits=Limits(max_new_tokens=LENGTH), generator=generator
        )
        accepted[generation.rounds[0].accepted] += 1
    assert min(accepted) > 5
    found = loop_certificate(rule, sampling=WARM, seed=1, n=400)
    assert (found.verdict, found.n) == ("lossless", 400)


def test_a_verifier_with_a_fault_shows_in_the_loop():
    faulty = loop_certificate(
        "given", sampling=WARM, seed=1, n=1_000, verifier=lambda s: Faulty(sampling=s, whole_residual=True)
    )
    assert faulty.verdict == "differs"


def test_a_training_for_it_leaves_no_trace():
    from accelerate.state import AcceleratorState, PartialState

    states = (AcceleratorState, PartialState)
    before = [dict(state._shared_state) for state in states]
    numbers = torch.random.get_rng_state()
    built("eagle2")
    assert [dict(state._shared_state) for state in states] == before
    assert torch.equal(torch.random.get_rng_state(), numbers)
