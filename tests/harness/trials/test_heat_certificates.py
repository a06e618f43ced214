"""What a heat says of contenders that draw: with which settings they are certified, and of whom it has only answers."""

import dataclasses
import functools
import json

import pytest

from offbook.baselines.decoding import speculative_sampling
from offbook.engine.decoding.sampling import Sampling
from offbook.harness.certificates import certify as module
from offbook.harness.certificates import from_outside
from offbook.harness.certificates.sampling import decoder_certificate
from offbook.harness.records.drafter import DrafterId, DrafterInfo
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify
from offbook.harness.roster.arms import build_arms
from offbook.harness.roster.target import Target, load_target
from offbook.harness.suites.suite import find_suites
from offbook.harness.trials.heat import plan_heat, run_heat
from tests.tiny import save_tiny

WARM = Sampling(temperature=1.0)
ON_TOY = "offbook.harness.certificates.certify._decoder_certificate"


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Target:
    return load_target(str(save_tiny(tmp_path_factory.mktemp("heat") / "tiny")), device="cpu")


def heat(target, arms, folder, *, limit, max_new_tokens):
    """The record of the arm beside the baseline, its rows, and the store."""
    (suite,) = find_suites(["qa"])
    store = Store(folder)
    planned = plan_heat(target, arms, suite, sampling=WARM, limit=limit, max_new_tokens=max_new_tokens)
    _, record = run_heat(planned, store)
    return record, list(store.rows(record)), store


def test_who_draws_candidates_is_certified_with_the_variant_of_its_drafter(target, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(ON_TOY, lambda *arguments: asked.append(arguments))
    plain, drawn = build_arms(target, ["autoregressive", "speculative_sampling"])
    its = DrafterId(sha256="ab" * 32, variant={"passes": 3})
    drawn = dataclasses.replace(drawn, drafter_id=its, drafter=DrafterInfo(parameters=1))
    record, _, _ = heat(target, [plain, drawn], tmp_path, limit=1, max_new_tokens=8)
    ((name, _, variant, sampling),) = asked
    assert (name, json.loads(variant), sampling) == ("speculative_sampling", {"passes": 3}, WARM)
    assert (record.certificate.verdict, record.certificate.n) == ("lossless", 2_000), "of the rule for drawn candidates"


@pytest.mark.slow
def test_whose_own_drafter_names_another_law_differs_in_the_heat(target, tmp_path, monkeypatch):
    draw = speculative_sampling.one_of
    monkeypatch.setattr(speculative_sampling, "one_of", lambda law, generator: draw(law**4 / (law**4).sum(), generator))
    module._decoder_certificate.cache_clear()
    monkeypatch.setattr(module, "decoder_certificate", functools.partial(decoder_certificate, n=1_500))
    arms = build_arms(target, ["autoregressive", "speculative_sampling"])
    record, _, _ = heat(target, arms, tmp_path, limit=1, max_new_tokens=8)
    module._decoder_certificate.cache_clear()
    assert record.certificate.verdict == "differs"


class Colder:
    """Draws at a fortieth of the temperature that it is asked for."""

    def __init__(self, decoder) -> None:
        self.decoder = decoder

    def generate(self, prompt_1P, *, sampling, **rest):
        return self.decoder.generate(prompt_1P, sampling=Sampling(temperature=sampling.temperature / 40), **rest)


@pytest.mark.parametrize("cold", [False, True])
def test_who_fits_no_small_model_is_held_against_the_laws_behind_its_tokens(cold, target, tmp_path, monkeypatch):
    monkeypatch.setattr(ON_TOY, lambda *_: None)
    monkeypatch.setattr(from_outside, "LEAST_TOKENS", 100)
    plain, other = build_arms(target, ["autoregressive", "hf_generate"])
    arms = [plain, dataclasses.replace(other, decoder=Colder(other.decoder)) if cold else other]
    record, rows, store = heat(target, arms, tmp_path, limit=6, max_new_tokens=32)
    certificate = record.certificate
    assert certificate.kind == "sampling_distribution"
    assert certificate.verdict == ("differs" if cold else "lossless")
    assert certificate.n == sum(len(row.tokens) for row in rows) >= 100
    assert certificate.tv is not None
    assert verify(store, again=True).findings == ()


def test_of_a_few_tokens_nothing_is_said(target, tmp_path, monkeypatch):
    monkeypatch.setattr(ON_TOY, lambda *_: None)
    arms = build_arms(target, ["autoregressive", "hf_generate"])
    record, _, _ = heat(target, arms, tmp_path, limit=1, max_new_tokens=8)
    assert record.certificate.verdict == "not_tested"
