"""The distribution that is sampled: transformers' warpers in their order, in fp32, ties included."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from offbook.engine.decoding.ranges import LOWEST_TOP_P
from offbook.engine.decoding.sampling import Sampling


def warped(logits_NV, sampling):
    """What transformers' `generate` draws from."""
    scores = TemperatureLogitsWarper(sampling.temperature)(None, logits_NV)
    if sampling.top_k:
        scores = TopKLogitsWarper(sampling.top_k)(None, scores)
    if sampling.top_p < 1:
        scores = TopPLogitsWarper(sampling.top_p)(None, scores)
    return scores.softmax(dim=-1)


samplings = st.builds(
    Sampling,
    temperature=st.sampled_from([0.3, 0.5, 1.0, 2.0]),
    top_k=st.sampled_from([0, 1, 2, 5, 40, 41, 100]),
    top_p=st.sampled_from([0.05, 0.5, 0.9, 0.99, 1.0]),
)


@settings(max_examples=150)
@given(samplings, st.integers(0, 2**32), st.sampled_from([1.0, 4.0]))
def test_probabilities_equal_those_of_transformers_warpers(sampling, seed, spread):
    logits_NV = spread * torch.randn(3, 40, generator=torch.Generator().manual_seed(seed))
    probs_NV = sampling.probabilities(logits_NV)
    expected_NV = warped(logits_NV, sampling)
    assert ((probs_NV > 0) == (expected_NV > 0)).all()
    torch.testing.assert_close(probs_NV, expected_NV, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(probs_NV.sum(dim=-1), torch.ones(3))


def test_all_who_tie_with_the_kth_token_are_kept_by_top_k():
    logits_V = torch.tensor([1.0, 3.0, 1.0, 1.0, -2.0])
    sampling = Sampling(temperature=1.0, top_k=2)
    assert (sampling.probabilities(logits_V) > 0).tolist() == [True, True, True, True, False]
    torch.testing.assert_close(sampling.probabilities(logits_V), warped(logits_V[None], sampling)[0])


def test_a_tie_at_the_edge_of_top_p_keeps_the_smallest_set_that_reaches_it():
    probs_V = Sampling(temperature=1.0, top_p=0.6).probabilities(torch.zeros(4))
    assert probs_V.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0.0])


def test_the_likeliest_token_survives_any_top_p():
    probs_V = Sampling(temperature=1.0, top_p=1e-6).probabilities(torch.tensor([0.0, 1.0, 0.5]))
    assert probs_V.tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_probabilities_are_fp32_whatever_the_logits_are(dtype):
    logits_V = torch.linspace(-4, 4, 300).to(dtype)
    probs_V = Sampling(temperature=0.7, top_p=0.95).probabilities(logits_V)
    assert probs_V.dtype == torch.float32
    assert float(probs_V.sum()) == pytest.approx(1.0, abs=1e-6)
    torch.testing.assert_close(probs_V, warped(logits_V.float()[None], Sampling(temperature=0.7, top_p=0.95))[0])


def test_fp64_stays_fp64_and_the_logits_stay_as_they_are():
    logits_V = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    probs_V = Sampling(temperature=1.0).probabilities(logits_V)
    assert probs_V.dtype == torch.float64
    probs_V.zero_()
    assert logits_V.tolist() == [1.0, 2.0, 3.0]


def test_greedy_has_no_distribution():
    assert Sampling().greedy
    assert not Sampling(temperature=0.1).greedy
    with pytest.raises(AssertionError, match="greedy decoding has no distribution"):
        Sampling().probabilities(torch.zeros(3))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("top_k", -1),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("top_p", float("nan")),
    ],
)
def test_settings_that_mean_nothing_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        Sampling(**{field: value})


@pytest.mark.parametrize("top_p", [5e-324, 1e-46, 1e-38, 9.9e-7])
def test_a_top_p_that_no_token_may_survive_is_refused(top_p):
    with pytest.raises(ValueError, match=r"top_p must lie in \[1e-06, 1\]"):
        Sampling(temperature=1.0, top_p=top_p)


def test_the_smallest_top_p_keeps_the_most_likely_token_of_a_large_vocabulary():
    logits_V = torch.zeros(300_000)
    logits_V[7] = 1e-3
    probs_V = Sampling(temperature=1.0, top_p=LOWEST_TOP_P).probabilities(logits_V)
    assert probs_V[7] == 1.0
    assert probs_V.sum() == 1.0
