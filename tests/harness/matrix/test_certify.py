"""`offbook certify` on tiny models: right contenders of every kind pass, each kind of fault is found by its test."""

import dataclasses
import json

import numpy as np
import pytest

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import verifier_for
from offbook.engine.progress import Silent
from offbook.harness.certificates import contender_tests as module
from offbook.harness.certificates.contender_tests import Extent
from offbook.harness.certificates.real_vocabulary import Watched
from offbook.harness.certificates.toy_target import SMALL
from offbook.harness.matrix.certify import SAMPLINGS, certify
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.target import load_target
from offbook.kernels.verify_tree import noise
from tests.controls.drawing import Drawn
from tests.engine.tiny_drafters import Scripted
from tests.tiny import save_tiny

EXTENT = Extent(prompts=3, answer_tokens=10, draws=20_000, sequences=1_000, vocabulary_tokens=600)
WARM = Sampling(temperature=1.0)
pytestmark = pytest.mark.usefixtures("few_sequences")


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return load_target(str(save_tiny(tmp_path_factory.mktemp("certify") / "tiny")), device="cpu")


def drawing(named: float = 1.0) -> Contender:
    def build(target, options, drafter):
        return target.speculative(Drawn(target.backbone.embedding_VH.shape[0], named))

    return Contender(name="drawn", summary="drawn", build=build, draws=True)


class Foreseen(Scripted):
    """Guesses the winner of the target's race from a law of its own, which names all tokens alike."""

    coupled = True

    def __init__(self, vocabulary: int) -> None:
        super().__init__(3)
        self.vocabulary, self.seeds_ahead = vocabulary, None

    def begin(self, prompt_1P, *, capacity):
        super().begin(prompt_1P, capacity=capacity)
        self.seeds_ahead = None

    def couple(self, sampling, seeds_ahead):
        self.seeds_ahead = seeds_ahead

    def propose(self) -> Tree:
        if self.seeds_ahead is None:
            return super().propose()
        best = noise(self.seeds_ahead(1), np.arange(self.vocabulary))[0].argsort()[:2]
        return Tree((self.text[-1], *best.tolist()), (-1, 0, 0))


def foreseeing() -> Contender:
    def build(target, options, drafter):
        return target.speculative(Foreseen(target.backbone.embedding_VH.shape[0]))

    return Contender(name="foreseen", summary="foreseen", build=build)


class Otherwise:
    """A decoder that decodes under other settings than it is asked for."""

    def __init__(self, decoder, change) -> None:
        self.decoder, self.change = decoder, change

    def generate(self, prompt_1P, *, sampling, **rest):
        return self.decoder.generate(prompt_1P, sampling=self.change(sampling), **rest)


def otherwise(change, of: str = "autoregressive") -> Contender:
    def build(target, options, drafter):
        return Otherwise(contender(of).build(target, contender(of).options(), None), change)

    return Contender(name="otherwise", summary="otherwise", build=build)


def report_of(target, chosen, samplings=(WARM,), **extent):
    return certify(
        target, chosen, Silent(), manifest={}, samplings=samplings, extent=dataclasses.replace(EXTENT, **extent)
    )


def outcomes(report) -> dict[str, str]:
    return {part.name.partition(",")[0]: part.outcome for part in report.parts}


def test_a_contender_whose_candidates_are_given_is_tested_six_ways(target):
    report = report_of(target, contender("prompt_lookup"))
    assert report.verdict == "lossless"
    assert outcomes(report) == dict.fromkeys(
        ("greedy identity", "law of the verifier", "draws of the verifier", "small model",
         "identity from the same seeds", "real vocabulary"), "lossless",
    )  # fmt: skip
    text = report.paragraph()
    assert text.startswith("prompt_lookup (max_ngram 3, num_tokens 10) on tiny, float32, layout")
    assert "3 greedy answers of up to 10 tokens are plain decoding's, token by token." in text
    assert text.endswith("Verdict: LOSSLESS.")
    content = json.loads(report.to_json())
    assert (content["verdict"], len(content["parts"])) == ("lossless", 6)
    assert content["subject"]["weights_sha256"] == target.weights_sha256


def test_a_contender_that_draws_is_tested_against_the_laws_that_it_names(target):
    assert outcomes(report_of(target, drawing())) == dict.fromkeys(
        ("greedy identity", "law of the verifier", "draws of the verifier", "small model", "real vocabulary",
         "drawn candidates"), "lossless",
    )  # fmt: skip
    report = report_of(target, drawing(named=1.5), vocabulary_tokens=1_500)
    assert report.verdict == "differs"
    assert outcomes(report)["drawn candidates"] == "differs"
    assert "Verdict: DIFFERS." in report.paragraph()


def test_every_filter_of_the_default_settings_is_one_on_the_smallest_toy():
    assert any(0 < sampling.top_k < SMALL.vocabulary for sampling in SAMPLINGS)
    assert any(sampling.top_p < 1 for sampling in SAMPLINGS)
    assert all(sampling.top_k < SMALL.vocabulary for sampling in SAMPLINGS)


def test_a_drafter_of_its_own_is_drawn_from_on_the_small_model(target):
    """Of eight tokens it names another law than of the target's many, which only the small model shows."""

    def build(target, options, drafter):
        vocabulary = target.backbone.embedding_VH.shape[0]
        return target.speculative(Drawn(vocabulary, named=1.0 if vocabulary > 8 else 4.0))

    report = report_of(target, Contender(name="two", summary="two", build=build, draws=True), sequences=8_000)
    assert outcomes(report)["small model"] == "differs"
    assert "of its own answers on a model of eight tokens do not follow" in report.paragraph()


@pytest.mark.parametrize("error", [ValueError, RuntimeError])
def test_who_can_not_be_built_for_it_has_another_drafter_stand_in(target, error):
    def build(target, options, drafter):
        if target.name == "toy":
            message = "of no use there"
            raise error(message)
        return target.speculative(Drawn(target.backbone.embedding_VH.shape[0]))

    report = report_of(target, Contender(name="big", summary="big", build=build, draws=True))
    (part,) = (part for part in report.parts if part.name.startswith("small model"))
    assert (part.outcome, part.facts["drafter"]) == ("lossless", "stands in")
    assert "its own fits no such model (of no use there)" in part.told


def test_who_draws_by_himself_and_fits_no_small_model_is_not_called_lossless(target):
    def build(target, options, drafter):
        if target.name == "toy":
            message = "of no use there"
            raise ValueError(message)
        return contender("hf_generate").build(target, options, None)

    report = report_of(target, Contender(name="big", summary="big", build=build))
    assert report.verdict == outcomes(report)["small model"] == "not tested"
    assert "it fits no small model (of no use there)" in report.paragraph()


def test_a_contender_that_knows_the_noise_is_held_against_cells_that_do_not_hang_on_it(target, monkeypatch):
    """What it guesses is said more often than its probability, which is no fault: the text is plain decoding's."""
    report = report_of(target, foreseeing())
    assert outcomes(report) == dict.fromkeys(
        ("greedy identity", "law of the verifier", "draws of the verifier", "small model",
         "identity from the same seeds", "real vocabulary"), "lossless",
    )  # fmt: skip
    monkeypatch.setattr(module, "Watched", lambda **settings: Watched(**(settings | {"coupled": False})))
    assert outcomes(report_of(target, foreseeing()))["real vocabulary"] == "differs"


@pytest.mark.parametrize("name", ["hf_generate", "hf_assisted"])
def test_who_draws_by_himself_is_tested_from_outside(target, name):
    report = report_of(target, contender(name))
    assert outcomes(report) == dict.fromkeys(("greedy identity", "small model", "real vocabulary"), "lossless")


@pytest.mark.parametrize(
    ("change", "samplings", "found_by"),
    [
        (lambda s: Sampling(temperature=0.3 if s.temperature else 0), (WARM,), "real vocabulary"),
        (lambda s: Sampling(temperature=s.temperature), (Sampling(temperature=1.0, top_k=3),), "real vocabulary"),
        (lambda s: Sampling(temperature=s.temperature or 1.0), (WARM,), "greedy identity"),
    ],
    ids=["another temperature", "no filter", "never greedy"],
)
def test_other_settings_are_found(target, change, samplings, found_by):
    report = report_of(target, otherwise(change), samplings)
    assert report.verdict == "differs"
    assert outcomes(report)[found_by] == "differs"


def test_what_can_not_be_tested_is_not_called_lossless(target):
    outside = dataclasses.replace(otherwise(lambda s: s), outside=True)
    report = report_of(target, outside)
    assert outcomes(report)["small model"] == "not tested"
    assert report.verdict == "not tested"


def test_greedy_settings_are_tested_in_any_case(target):
    assert [part.name for part in report_of(target, contender("suffix"), ()).parts] == ["greedy identity"]
    with pytest.raises(ValueError, match="expected temperatures above 0"):
        report_of(target, contender("suffix"), (Sampling(),))


def test_a_verifier_with_a_fault_is_found(target, monkeypatch):
    from tests.controls.verifiers import FAULTS

    faulty = FAULTS["rejected siblings stay in the residual"]
    monkeypatch.setattr(
        "offbook.engine.decoding.decode.verifier_for", lambda s, _: verifier_for(s) if s.greedy else faulty(s)
    )
    report = report_of(target, contender("prompt_lookup"), sequences=8_000)
    assert report.verdict == "differs"
    assert outcomes(report)["identity from the same seeds"] == "differs"
    assert outcomes(report)["small model"] == "differs"


def test_prompts_that_do_not_fit_are_left_out_and_none_at_all_is_refused(target, monkeypatch):
    lengths = iter([7, 10**6, 9] * 2)
    monkeypatch.setattr("offbook.harness.matrix.certify.chat_tokens", lambda *_: [5] * next(lengths))
    report = report_of(target, contender("prompt_lookup"), vocabulary_tokens=60)
    assert "2 greedy answers of up to 10 tokens" in report.paragraph()
    assert outcomes(report)["real vocabulary"] == "lossless"
    with pytest.raises(ValueError, match=r"room for a prompt and 100000 tokens of an answer, got .* lower --max-new"):
        report_of(target, contender("prompt_lookup"), answer_tokens=100_000)


class Shortened(Otherwise):
    """Says one token less than asked above temperature 0, or nothing."""

    def generate(self, prompt_1P, *, sampling, limits, **rest):
        answer = super().generate(prompt_1P, sampling=sampling, limits=limits, **rest)
        return answer if sampling.greedy else dataclasses.replace(answer, tokens=answer.tokens[: self.kept])


@pytest.mark.parametrize("kept", [0, 3])
def test_a_decoder_that_says_too_little_is_no_error_but_differs(target, kept):
    def build(target, options, drafter):
        made = Shortened(contender("hf_generate").build(target, options, None), lambda s: s)
        made.kept = kept
        return made

    report = report_of(target, Contender(name="short", summary="short", build=build), vocabulary_tokens=40)
    found = outcomes(report)
    assert (found["greedy identity"], found["small model"], report.verdict) == ("lossless", "differs", "differs")
    assert "it says what no decoder may (expected 4 tokens in 0..7, got" in report.paragraph()
    assert found["real vocabulary"] == ("differs" if kept == 0 else "lossless")


class Strange(Otherwise):
    """Says numbers that are no tokens."""

    def generate(self, prompt_1P, *, sampling, **rest):
        answer = super().generate(prompt_1P, sampling=sampling, **rest)
        return dataclasses.replace(answer, tokens=(*answer.tokens[:-1], self.said))


@pytest.mark.parametrize("said", [-1, 10**6])
def test_what_is_no_token_of_the_vocabulary_is_a_difference_and_no_error(target, said):
    def build(target, options, drafter):
        made = Strange(contender("hf_generate").build(target, options, None), lambda s: s)
        made.said = said
        return made

    report = report_of(target, Contender(name="strange", summary="strange", build=build), vocabulary_tokens=40)
    assert outcomes(report) == dict.fromkeys(("greedy identity", "small model", "real vocabulary"), "differs")
    (part,) = (part for part in report.parts if part.name.startswith("real vocabulary"))
    assert part.facts["impossible"] > 0


def test_what_somebody_elses_contender_breaks_with_is_told_as_theirs(target, monkeypatch):
    class Broken(Otherwise):
        def generate(self, prompt_1P, *, sampling, **rest):
            return [][len(prompt_1P)]

    def build(target, options, drafter):
        return Broken(contender("hf_generate").build(target, options, None), lambda s: s)

    broken = Contender(name="broken", summary="broken", build=build)
    with pytest.raises(ValueError, match=r"^broken: expected it to decode, got IndexError \(list index .*line") as told:
        report_of(target, broken)
    assert "test_certify.py" in str(told.value)
    ours = contender("prompt_lookup")
    monkeypatch.setattr(module, "greedy_certificate", lambda *_, **__: {}["no"])
    with pytest.raises(KeyError):
        report_of(target, ours)
