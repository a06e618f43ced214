"""The rules that decoding calls: their exact law, a great many real draws, and faults in what they are given."""

import inspect

import numpy as np
import pytest
import scipy.stats

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.verify import new_seeds
from offbook.harness.certificates import verifiers as module
from offbook.harness.certificates.sampling import ALPHA
from offbook.harness.certificates.toy_target import SMALL, WIDE, ToyTarget
from offbook.harness.certificates.verifiers import RULES, Tables, law_deviation, verifier_certificate

N = 100_000
SETTINGS = {
    "T=0.5": Sampling(temperature=0.5),
    "T=1": Sampling(temperature=1.0),
    "T=2, top-k 5": Sampling(temperature=2.0, top_k=5),
    "top-p 0.9": Sampling(temperature=1.0, top_p=0.9),
    "T=0.5, top-p 0.8": Sampling(temperature=0.5, top_p=0.8),  # often a single token, where a node has several children
    "both": Sampling(temperature=1.5, top_k=3, top_p=0.8),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("setting", SETTINGS)
def test_every_branch_of_a_rule_has_the_probability_that_the_target_gives_it(rule, setting):
    assert law_deviation(rule, SETTINGS[setting]) < 1e-12


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("setting", SETTINGS)
def test_real_draws_follow_the_target(rule, setting):
    certificate = verifier_certificate(rule, sampling=SETTINGS[setting], seed=1, n=N)
    assert certificate.verdict == "lossless"
    assert (certificate.p_value or 0) > 1e-4
    assert (certificate.tv or 1) < (certificate.tv_bound or 0) < 0.05


@pytest.mark.parametrize("shape", [WIDE, SMALL], ids=["wide", "small"])
def test_a_draft_has_a_token_to_draw_for_each_child_under_any_filter(shape):
    most, left_out = max(map(len, shape.children)), 0
    for sampling in (SETTINGS["T=0.5, top-p 0.8"], Sampling(temperature=1.0, top_k=1)):
        toy = ToyTarget(sampling, shape)
        for tables in (Tables.as_decoded(toy, sampling), Tables.in_double(toy, sampling)):
            assert all(((law_NV > 0).sum(axis=1) >= most).all() for law_NV in tables.draft)
            left_out += sum(int((law_NV == 0).sum()) for law_NV in tables.draft)
    assert left_out > 0, "or the filters would be none"


def test_candidates_are_accepted_and_refused_at_every_depth():
    toy = ToyTarget(SETTINGS["T=1"])
    tables = Tables.as_decoded(toy, SETTINGS["T=1"])
    for rule in RULES:
        generator = module.torch.Generator().manual_seed(0)
        _, lengths = module.play(rule, toy, tables, generator, 20_000)
        assert (np.bincount(lengths, minlength=5)[1:] > 400).all()


@pytest.mark.parametrize("rule", RULES)
def test_p_values_of_a_right_rule_are_uniform(rule):
    ps = [verifier_certificate(rule, sampling=SETTINGS["T=1"], seed=seed, n=4_000).p_value or 0 for seed in range(30)]
    assert min(ps) > 1e-4
    assert np.median(ps) > 0.3  # Bonferroni moves them up


@pytest.mark.parametrize("rule", RULES)
def test_numbers_that_serve_two_positions_are_seen(rule, monkeypatch):
    def once(toy, generator, rounds):  # of the verifier alone: with those of candidates, rounds would hang together
        return new_seeds(rounds, generator)[:, None].repeat(toy.shape.length, axis=1)

    monkeypatch.setattr(module, "_seeds", once)
    certificate = verifier_certificate(rule, sampling=SETTINGS["T=1"], seed=1, n=N)
    assert certificate.verdict == "differs"
    assert (certificate.p_value or 0) < ALPHA


@pytest.mark.parametrize("rule", RULES)
def test_a_filter_that_is_missing_is_seen(rule, monkeypatch):
    right = Tables.as_decoded
    monkeypatch.setattr(Tables, "as_decoded", lambda toy, sampling: right(toy, Sampling(temperature=1.0)))
    assert verifier_certificate(rule, sampling=SETTINGS["top-p 0.9"], seed=1, n=N).verdict == "differs"


@pytest.mark.parametrize("wrong", ["of another temperature", "in half precision", "without its filter"])
def test_a_draft_law_that_was_not_drawn_from_is_seen(wrong, monkeypatch):
    real, settings = module.drawn_round, SETTINGS["top-p 0.9"]

    def named(toy, tables, tokens, chance, turns):
        draft = [table.astype(np.float64) for table in tables.draft]
        if wrong == "of another temperature":
            draft = [table**1.3 for table in draft]
        if wrong == "in half precision":
            draft = [np.round(table * 16) / 16 + 1e-6 for table in draft]
        if wrong == "without its filter":
            draft = Tables.as_decoded(toy, Sampling(temperature=1.0)).draft
        draft = [table / table.sum(axis=1, keepdims=True) for table in draft]
        return real(toy, Tables(target=tables.target, draft=draft), tokens, chance, turns)

    monkeypatch.setattr(module, "drawn_round", named)
    assert verifier_certificate("drawn", sampling=settings, seed=1, n=N).verdict == "differs"


def test_as_many_draws_as_by_default_find_a_hundredth_of_the_texts_moved():
    n = inspect.signature(verifier_certificate).parameters["n"].default
    lengths, cells, tv = WIDE.length, WIDE.vocabulary**3, 0.01
    critical = scipy.stats.chi2.isf(ALPHA / lengths, cells - 1)
    power = scipy.stats.ncx2.sf(critical, cells - 1, n * (2 * tv) ** 2)  # the shape that moves the statistic least
    assert cells >= 512
    assert power > 0.99


def test_the_toys_reach_past_the_bonus_token_of_their_deepest_candidate():
    for shape in (WIDE, SMALL):
        assert shape.length == shape.depths.max() + 1


@pytest.mark.parametrize(("sampling", "n"), [(Sampling(), N), (SETTINGS["T=1"], 999)])
def test_settings_that_would_say_nothing_are_refused(sampling, n):
    with pytest.raises(ValueError, match="temperature > 0 and n >= 1000"):
        verifier_certificate("given", sampling=sampling, seed=0, n=n)
