"""Certificates: the right verifier passes, planted bugs are rejected, ties are told from defects."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import verifier_for
from offbook.harness.certificates.margin_probe import TopTwo
from offbook.harness.certificates.sampling import (
    ALPHA,
    Verify,
    decoder_certificate,
    greedy_certificate,
    sampling_certificate,
)
from offbook.harness.certificates.toy_target import TREE_PARENTS, ToyTarget, warped
from offbook.harness.records.certificate import Certificate
from offbook.harness.statistics.goodness_of_fit import total_variation

N = 5000
SETTINGS = {
    "T=0.5": Sampling(temperature=0.5),
    "T=1": Sampling(temperature=1.0),
    "T=2": Sampling(temperature=2.0),
    "top-p 0.9": Sampling(temperature=1.0, top_p=0.9),
}
CHILDREN = [[i for i, parent in enumerate(TREE_PARENTS) if parent == node] for node in range(len(TREE_PARENTS))]

BUGS = {
    "raw bonus": ["T=0.5", "T=2", "top-p 0.9"],  # at T=1 without top-p the raw distribution is the right one
    "wrong residual": list(SETTINGS),
    "skipped renormalisation": list(SETTINGS),
    "wrong sibling order": list(SETTINGS),
    "reused random number": list(SETTINGS),
}


def verifier(bug: str = "") -> Verify:
    """Plain speculative verification over a tree, with one planted bug; distributions are computed once."""
    known: dict[Sampling, tuple[np.ndarray, np.ndarray]] = {}

    def verify(
        logits_NV: torch.Tensor, tokens: list[int], parents: list[int], sampling: Sampling, generator: torch.Generator
    ) -> tuple[list[int], int]:
        if sampling not in known:
            known[sampling] = warped(logits_NV.numpy(), sampling), warped(logits_NV.numpy(), Sampling(temperature=1.0))
        p_NV, raw_NV = known[sampling]
        u = torch.rand(10, generator=generator, dtype=torch.float64).tolist()
        path = [0]
        while True:
            node = path[-1]
            p = p_NV[node].copy()
            shared = u.pop()
            accepted = None
            children = CHILDREN[node]
            judged = children[::-1] if bug == "wrong sibling order" else children
            for child, asked in zip(children, judged, strict=True):
                threshold = shared if bug == "reused random number" else u.pop()
                if threshold < p[tokens[asked]]:
                    accepted = child
                    break
                p[tokens[asked]] = 0.0
                if p.sum() <= 0:
                    accepted = child
                    break
                if bug != "skipped renormalisation":
                    p /= p.sum()
            if accepted is not None:
                path.append(accepted)
                continue
            if bug == "raw bonus":
                p = raw_NV[node] * (p > 0) if children else raw_NV[node]
            if bug == "wrong residual":
                p = p_NV[node]
            cumulative = p.cumsum()
            return path, int(
                (torch.rand((), generator=generator, dtype=torch.float64).item() * cumulative[-1] >= cumulative).sum()
            )

    return verify


def loop_verifier(
    logits_NV: torch.Tensor, tokens: list[int], parents: list[int], sampling: Sampling, generator: torch.Generator
) -> tuple[list[int], int]:
    verdict = verifier_for(sampling)(logits_NV, Tree(tuple(tokens), tuple(parents)).tensors(), generator)
    return list(verdict.path), int(verdict.bonus)


@pytest.mark.parametrize("verify", [verifier(), loop_verifier], ids=["written here", "the loop's"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_right_verifier_is_certified(setting: str, verify: Any) -> None:
    certificate = sampling_certificate(verify, sampling=SETTINGS[setting], seed=3, n=N)
    assert certificate.verdict == "lossless"
    assert certificate.p_value is not None
    assert certificate.p_value > 1e-3
    assert certificate.tv is not None
    assert certificate.tv_bound is not None
    assert 0 < certificate.tv < certificate.tv_bound < 0.07


@pytest.mark.parametrize(("certificate", "bound"), [(sampling_certificate, 0.01), (decoder_certificate, 0.03)])
def test_in_a_heat_there_are_enough_draws_for_a_bound_that_says_something(
    certificate: Callable[..., Certificate], bound: float
) -> None:
    n = inspect.signature(certificate).parameters["n"].default
    assert total_variation(np.ones(1), np.ones(1), n=n)[1] < bound


@pytest.mark.parametrize(("bug", "setting"), [(bug, setting) for bug, settings in BUGS.items() for setting in settings])
def test_a_planted_bug_is_rejected(bug: str, setting: str) -> None:
    certificate = sampling_certificate(verifier(bug), sampling=SETTINGS[setting], seed=3, n=N)
    assert certificate.verdict == "differs"
    assert certificate.p_value is not None
    assert certificate.p_value < ALPHA


def test_p_values_of_a_right_verifier_are_not_crowded_at_zero() -> None:
    verify = verifier()
    ps = [sampling_certificate(verify, sampling=SETTINGS["T=1"], seed=s, n=1000).p_value or 0.0 for s in range(20)]
    assert min(ps) > 1e-4
    assert float(np.median(ps)) > 0.2


@pytest.mark.parametrize("temperature", [0.01, 50.0])
def test_extreme_temperatures_raise_no_false_alarm(temperature: float) -> None:
    certificate = sampling_certificate(verifier(), sampling=Sampling(temperature=temperature), seed=3, n=2000)
    assert certificate.verdict == "lossless"
    assert (certificate.tv_bound or 0.0) > 0.04, "so few draws say no more, however little they scatter"


@pytest.mark.parametrize("temperature", [0.01, 50.0])
def test_extreme_temperatures_hide_no_wrong_verifier(temperature: float) -> None:
    certificate = sampling_certificate(lambda *_: ([0], 7), sampling=Sampling(temperature=temperature), seed=3, n=2000)
    assert certificate.verdict == "differs"


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_total_variation_of_a_wrong_verifier_is_what_it_is(setting: str) -> None:
    first_token = ToyTarget(SETTINGS[setting]).conditional[0][0]
    certificate = sampling_certificate(lambda *_: ([0], 7), sampling=SETTINGS[setting], seed=3, n=1000)
    assert certificate.tv == pytest.approx(1 - first_token[7])
    assert certificate.tv_bound == pytest.approx(min(1.0, 1 - first_token[7] + np.sqrt(np.log(1000) / 2000)))


def test_beginnings_are_completed_by_what_the_target_would_say() -> None:
    toy = ToyTarget(SETTINGS["T=1"])
    beginnings = np.array([[3, 9, 9, 9], [3, 1, 9, 9], [3, 1, 4, 1], [3, 1, 4, 1]])
    completed = toy.completed(beginnings, np.array([1, 2, 4, 4]))
    after_3, after_31 = toy.conditional[1][3], toy.conditional[2][3 * 8 + 1]
    expected = np.zeros((8, 8, 8, 8))
    expected[3] += (
        after_3[:, None, None] * toy.conditional[2][24:32][:, :, None] * toy.conditional[3].reshape(8, 8, 8, 8)[3]
    )
    expected[3, 1] += after_31[:, None] * toy.conditional[3].reshape(8, 8, 8, 8)[3, 1]
    expected[3, 1, 4, 1] += 2
    np.testing.assert_allclose(completed, expected.ravel() / 4, atol=1e-12)


def test_a_certificate_is_a_function_of_its_seed() -> None:
    first, second, third = (
        sampling_certificate(verifier(), sampling=SETTINGS["T=1"], seed=s, n=1000) for s in (1, 1, 2)
    )
    assert first == second != third


@pytest.mark.parametrize("path", [[0], [0, 1, 4, 7]])
@pytest.mark.parametrize("top_k", [2, 5])
def test_one_token_that_the_settings_forbid_is_enough(path: list[int], top_k: int) -> None:
    right = verifier()
    sampling = Sampling(temperature=2.0, top_k=top_k)
    calls = iter(range(10**6))

    def leaky(logits_NV: torch.Tensor, *rest: Any) -> tuple[list[int], int]:
        result = right(logits_NV, *rest)
        return (path, int(logits_NV[path[-1]].argmin())) if next(calls) == 7 else result

    assert sampling_certificate(right, sampling=sampling, seed=0, n=1000).verdict == "lossless"
    certificate = sampling_certificate(leaky, sampling=sampling, seed=0, n=1000)
    assert certificate.verdict == "differs"
    assert certificate.p_value == 0


def test_a_verifier_cannot_spoil_the_toy_for_the_next_call() -> None:
    right = verifier()

    def spoiling(logits_NV: torch.Tensor, tokens: list[int], parents: list[int], *rest: Any) -> tuple[list[int], int]:
        result = right(logits_NV, tokens, parents, *rest)
        logits_NV.zero_()
        tokens.clear()
        parents.clear()
        return result

    certificate = sampling_certificate(spoiling, sampling=SETTINGS["T=1"], seed=3, n=1000)
    assert certificate == sampling_certificate(verifier(), sampling=SETTINGS["T=1"], seed=3, n=1000)


@pytest.mark.parametrize("answer", [([], 0), ([1], 0), ([0, 4], 0), ([0, 99], 0), ([0], 8), ([0], -1)])
def test_a_path_that_is_none_is_refused(answer: tuple[list[int], int]) -> None:
    with pytest.raises(ValueError, match="the verifier's"):
        sampling_certificate(lambda *_: answer, sampling=SETTINGS["T=1"], seed=0, n=1000)


@pytest.mark.parametrize(("sampling", "n"), [(Sampling(), 1000), (Sampling(temperature=1.0), 999)])
def test_what_cannot_be_certified_is_refused(sampling: Sampling, n: int) -> None:
    with pytest.raises(ValueError, match="temperature > 0 and n >= 1000"):
        sampling_certificate(verifier(), sampling=sampling, seed=0, n=n)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("top_k", [0, 3])
@pytest.mark.parametrize("top_p", [1.0, 0.9, 0.3])
def test_the_engine_and_the_certificate_apply_the_same_settings(temperature: float, top_k: int, top_p: float) -> None:
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p)
    logits = np.random.default_rng(0).standard_normal((50, 8)) * 2
    theirs = sampling.probabilities(torch.from_numpy(logits))
    np.testing.assert_allclose(warped(logits, sampling), theirs.numpy(), atol=1e-12)


# --- greedy ---


def probe(
    margin: float, logit_difference: float = 1e-4, *, top: tuple[int, int] = (8, 9)
) -> Callable[[list[int], int], TopTwo]:
    return lambda prefix, position: TopTwo(tokens=top, margin=margin, logit_difference=logit_difference)


def no_probe(prefix: list[int], position: int) -> TopTwo:
    pytest.fail("there is nothing to probe")


PROMPTS = {0: [1, 2, 3], 1: [4, 5, 6]}
THREE_ROUNDS = ((0, 0, 0, 1),) * 3


def rows(make_row: Any, *answers: tuple[int, ...], **changes: Any) -> list[Any]:
    return [
        make_row(i, tokens=answer, rounds=((0, 0, 0, 1),) * (len(answer) - 1), **changes)
        for i, answer in enumerate(answers)
    ]


def test_equal_token_ids_are_lossless(make_row: Any) -> None:
    reference = rows(make_row, (7, 8, 9), (7, 7))
    got = [make_row(1, tokens=(7, 7)), make_row(0, tokens=(7, 8, 9), rounds=((3, 2, 1, 2),))]
    certificate = greedy_certificate(reference, got, no_probe, prompts=PROMPTS)
    assert certificate.verdict == "lossless"
    assert (certificate.n, certificate.identical, certificate.ties, certificate.unexplained) == (2, 2, 0, 0)


def test_a_near_tie_is_a_tie_and_the_target_is_probed_behind_the_common_prefix(make_row: Any) -> None:
    asked = []

    def spy(prefix: list[int], position: int) -> TopTwo:
        asked.append((prefix, position))
        return TopTwo(tokens=(5, 9), margin=1.5e-4, logit_difference=1e-4)

    reference, got = rows(make_row, (7, 8, 9), (7, 7)), rows(make_row, (7, 8, 5, 5), (7, 7))
    certificate = greedy_certificate(reference, got, spy, prompts=PROMPTS)
    assert certificate.verdict == "ties"
    assert (certificate.identical, certificate.ties, certificate.worst_margin) == (1, 1, 1.5e-4)
    assert asked == [([1, 2, 3, 7, 8], 2)]
    (difference,) = certificate.detail
    assert (difference.position, difference.expected, difference.got, difference.tie) == (2, 9, 5, True)


@pytest.mark.parametrize(
    ("margin", "logit_difference", "verdict"),
    [
        (2e-4, 1e-4, "ties"),
        (2.1e-4, 1e-4, "differs"),
        (1e-3, 1.0, "ties"),
        (1.1e-3, 1.0, "differs"),  # a broken forward cannot excuse itself by being broken
        (0.0, 0.0, "ties"),
        (1e-9, 0.0, "differs"),
    ],
)
def test_a_difference_is_a_tie_only_within_the_measured_rounding(
    margin: float, logit_difference: float, verdict: str, make_row: Any
) -> None:
    reference, got = rows(make_row, (7, 8)), rows(make_row, (7, 9))
    certificate = greedy_certificate(reference, got, probe(margin, logit_difference), prompts=PROMPTS)
    assert certificate.verdict == verdict


@pytest.mark.parametrize("top", [(8, 5), (9, 5), (5, 6)])
def test_a_token_outside_the_top_two_is_unexplained_at_the_nearest_tie(top: tuple[int, int], make_row: Any) -> None:
    reference, got = rows(make_row, (7, 8)), rows(make_row, (7, 9))
    certificate = greedy_certificate(reference, got, probe(0.0, top=top), prompts=PROMPTS)
    assert (certificate.verdict, certificate.ties, certificate.unexplained) == ("differs", 0, 1)


def test_one_unexplained_document_decides(make_row: Any) -> None:
    reference, got = rows(make_row, (7, 8), (7, 8)), rows(make_row, (7, 9), (6, 8))
    found = iter(
        [
            TopTwo(tokens=(8, 9), margin=1e-5, logit_difference=1e-4),
            TopTwo(tokens=(7, 6), margin=0.5, logit_difference=1e-4),
        ]
    )
    certificate = greedy_certificate(reference, got, lambda *_: next(found), prompts=PROMPTS)
    assert certificate.verdict == "differs"
    assert (certificate.identical, certificate.ties, certificate.unexplained) == (0, 1, 1)


@pytest.mark.parametrize("answer", [(7, 8), (7, 8, 9, 10)])
def test_an_answer_that_only_ends_elsewhere_is_never_a_tie(answer: tuple[int, ...], make_row: Any) -> None:
    certificate = greedy_certificate(rows(make_row, (7, 8, 9)), rows(make_row, answer), no_probe, prompts=PROMPTS)
    assert certificate.verdict == "differs"
    assert None in (certificate.detail[0].expected, certificate.detail[0].got)


def test_equal_tokens_that_ended_for_another_reason_are_a_difference(make_row: Any) -> None:
    reference, got = rows(make_row, (7, 8)), rows(make_row, (7, 8), finish_reason="eos")
    assert greedy_certificate(reference, got, no_probe, prompts=PROMPTS).verdict == "differs"


def test_nothing_compared_is_not_lossless() -> None:
    assert greedy_certificate([], [], no_probe, prompts={}).verdict == "not_tested"


@pytest.mark.parametrize(
    "change", [{"doc_hash": "other"}, {"prompt_tokens": 4}], ids=["another document", "another prompt"]
)
def test_other_documents_are_not_compared(change: dict[str, Any], make_row: Any) -> None:
    with pytest.raises(ValueError, match="compare one heat only"):
        greedy_certificate(rows(make_row, (7, 8)), rows(make_row, (7, 8), **change), no_probe, prompts=PROMPTS)


@pytest.mark.parametrize("answers", [[(7, 8)], [(7, 8), (7, 8), (7, 8)]])
def test_missing_and_added_documents_are_refused(answers: list[tuple[int, ...]], make_row: Any) -> None:
    with pytest.raises(ValueError, match="same 2 documents"):
        greedy_certificate(rows(make_row, (7, 8), (7, 8)), rows(make_row, *answers), no_probe, prompts=PROMPTS)
