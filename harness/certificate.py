"""Certificates of losslessness, two kinds that are never mixed.

Greedy: the decoder's token ids against those of the baseline in the same heat. Numbers differ in the last bits between
a forward of one token and one of a tree, so a first difference is a *tie* where the two tokens are the target's top two
there and their logits are closer than that; any other difference is a defect.

Sampling: the verifier against an enumerated float64 target over eight tokens. What it commits on one tree is
completed to L tokens by the target itself, and the frequencies of all 8^l prefixes, l = 1..L, are tested against
their exact probabilities (chi-square, Bonferroni over l). L reaches the bonus token behind the deepest path: with one
token less, every wrong bonus token there is invisible.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from offbook.engine.decoding.sampling import Sampling
from offbook.harness.probe import TopTwo
from offbook.harness.record import Certificate, Difference, DocumentRow
from offbook.harness.toy_target import LENGTH, TREE_PARENTS, TREE_TOKENS, VOCABULARY, ToyTarget

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MarginProbe = Callable[[list[int], int], TopTwo]
Verify = Callable[[torch.Tensor, list[int], list[int], Sampling, torch.Generator], tuple[list[int], int]]

WIDEST_TIE = 1e-3  # logits; no float32 rounding is larger
ALPHA = 1e-6  # a right verifier is called wrong once in a million certificates
BOUND_LEVEL = 0.999
LEAST_EXPECTED = 5.0  # cells expected less often are pooled, by p and before looking


def greedy_certificate(
    reference: Sequence[DocumentRow],
    rows: Sequence[DocumentRow],
    margin_probe: MarginProbe,
    *,
    prompts: Mapping[int, Sequence[int]],
) -> Certificate:
    """Compares token ids with the baseline's, document by document, up to the first difference.

    Both sides were trimmed by one rule, so an answer that merely ends earlier or later, or ends in another
    `finish_reason`, is a difference that no rounding explains.

    Args:
        reference: the baseline's rows.
        rows: the decoder's rows of the same documents.
        margin_probe: called with the token ids (prompt, then the answer both agree on) and the position of the first
            difference in the answer; returns the target's top two behind those ids (see `harness.probe`).
        prompts: token ids of each document's prompt, by doc_id.

    Raises:
        ValueError: the two sides are not the same documents under the same prompts.
    """
    by_id = {row.doc_id: row for row in rows}
    if len(rows) != len(reference) or by_id.keys() != {row.doc_id for row in reference}:
        message = (
            f"expected rows of the same {len(reference)} documents as the baseline, got {len(rows)} rows; compare "
            "decoders of one heat only"
        )
        raise ValueError(message)
    pairs = [(row, by_id[row.doc_id]) for row in reference]
    found = [d for expected, got in pairs if (d := _first_difference(expected, got, margin_probe, prompts))]
    ties = [d for d in found if d.tie]
    unexplained = len(found) - len(ties)
    return Certificate(
        kind="greedy_identity",
        verdict="not_tested" if not pairs else "differs" if unexplained else "ties" if ties else "lossless",
        n=len(pairs),
        identical=len(pairs) - len(found),
        ties=len(ties),
        unexplained=unexplained,
        worst_margin=max((d.margin for d in ties if d.margin is not None), default=None),
        detail=tuple(found),
    )


def sampling_certificate(verify: Verify, *, sampling: Sampling, seed: int, n: int = 20_000) -> Certificate:
    """Tests a verifier's distribution against an exact target, at these sampling settings.

    Args:
        verify: called n times with (logits (N, V) behind each node, tree tokens, tree parents, sampling, generator);
            returns the accepted path as node indices, root first, and the bonus token.
        sampling: settings; temperature above 0.
        seed: of the generator handed to `verify`, and of the continuation.
        n: sequences.

    Raises:
        ValueError: temperature 0, n below 1000, or a path that is none of the tree.
    """
    if sampling.greedy or n < 1000:
        message = f"expected temperature > 0 and n >= 1000, got {sampling.temperature} and {n}; greedy has its own test"
        raise ValueError(message)
    toy = ToyTarget(sampling)
    generator = torch.Generator().manual_seed(seed)
    committed = np.zeros((n, LENGTH), dtype=np.int64)
    lengths = np.zeros(n, dtype=np.int64)
    for i in range(n):
        path, bonus = verify(toy.logits_NV.clone(), TREE_TOKENS.copy(), TREE_PARENTS.copy(), sampling, generator)
        _check_path(path, bonus)
        tokens = [*(TREE_TOKENS[node] for node in path[1:]), bonus]
        committed[i, : len(tokens)] = tokens
        lengths[i] = len(tokens)
    toy.continue_all(committed, lengths, np.random.default_rng(seed))
    tests = [_compare(counts, exact) for counts, exact in _by_length(committed, toy.exact)]
    p_value = min(1.0, len(tests) * min(test.p_value for test in tests))
    loosest = max(tests, key=lambda test: test.tv_bound)
    return Certificate(
        kind="sampling_distribution",
        verdict="differs" if p_value < ALPHA else "lossless",
        n=n,
        tv=loosest.tv,
        tv_bound=loosest.tv_bound,
        p_value=p_value,
    )


def _by_length(committed: Ints, exact: Floats) -> list[tuple[Ints, Floats]]:
    """Counts and probabilities of all prefixes of each length: the short ones show what is lost among 8^L cells."""
    cells = committed @ VOCABULARY ** np.arange(LENGTH - 1, -1, -1)
    return [
        (
            np.bincount(cells // VOCABULARY ** (LENGTH - length), minlength=VOCABULARY**length),
            exact.reshape(VOCABULARY**length, -1).sum(axis=1),
        )
        for length in range(1, LENGTH + 1)
    ]


def _first_difference(
    expected: DocumentRow, got: DocumentRow, margin_probe: MarginProbe, prompts: Mapping[int, Sequence[int]]
) -> Difference | None:
    prompt = prompts.get(expected.doc_id)
    if expected.doc_hash != got.doc_hash or not (
        prompt is not None and expected.prompt_tokens == got.prompt_tokens == len(prompt)
    ):
        message = (
            f"document {expected.doc_id}: expected the baseline's document and prompt ({expected.doc_hash[:8]}, "
            f"{expected.prompt_tokens} tokens), got {got.doc_hash[:8]}, {got.prompt_tokens}; compare one heat only"
        )
        raise ValueError(message)
    shorter = min(len(expected.tokens), len(got.tokens))
    position = next((i for i in range(shorter) if expected.tokens[i] != got.tokens[i]), shorter)
    if position == shorter:
        if expected.tokens == got.tokens and expected.finish_reason == got.finish_reason:
            return None
        return Difference(
            doc_id=expected.doc_id,
            position=position,
            expected=expected.tokens[position] if position < len(expected.tokens) else None,
            got=got.tokens[position] if position < len(got.tokens) else None,
        )
    top = margin_probe([*prompt, *expected.tokens[:position]], position)
    parted = {expected.tokens[position], got.tokens[position]}
    return Difference(
        doc_id=expected.doc_id,
        position=position,
        expected=expected.tokens[position],
        got=got.tokens[position],
        margin=top.margin,
        logit_difference=top.logit_difference,
        tie=parted == set(top.tokens) and top.margin <= min(2 * top.logit_difference, WIDEST_TIE),
    )


class _Test(NamedTuple):
    tv: float
    tv_bound: float
    p_value: float


def _compare(counts: Ints, exact: Floats) -> _Test:
    """Total variation with its McDiarmid bound, and a p-value, over cells pooled by p.

    The p-value is Pearson's over the large cells and the pool of small ones; a pool expected too seldom for that gets
    its own Poisson tail, since at low temperatures it is where a wrong verifier shows.
    """
    n = int(counts.sum())
    large = exact * n >= LEAST_EXPECTED
    p = np.append(exact[large], exact[~large].sum())
    observed = np.append(counts[large], counts[~large].sum()).astype(np.float64)
    tv = 0.5 * float(np.abs(observed / n - p).sum())
    tv_bound = tv + 0.5 * np.sqrt(len(p) / n) + np.sqrt(np.log(1 / (1 - BOUND_LEVEL)) / (2 * n))
    if counts[exact == 0].any():
        p_value = 0.0  # a sequence the target cannot produce
    elif p[-1] * n >= LEAST_EXPECTED:
        p_value = _chi_square(observed, p * n)
    else:
        p_value = min(1.0, 2 * min(_chi_square(observed[:-1], p[:-1] * n), _poisson_tail(observed[-1], p[-1] * n)))
    return _Test(tv, min(1.0, float(tv_bound)), p_value)


def _chi_square(observed: Floats, expected: Floats) -> float:
    """P-value of Pearson's statistic; 1 where there is nothing to compare."""
    if len(expected) < 2:
        return 1.0
    expected = expected * observed.sum() / expected.sum()
    half_df = torch.tensor((len(expected) - 1) / 2, dtype=torch.float64)
    half_statistic = torch.tensor(((observed - expected) ** 2 / expected).sum() / 2, dtype=torch.float64)
    return float(torch.special.gammaincc(half_df, half_statistic))


def _poisson_tail(observed: float, expected: float) -> float:
    """Probability of at least that many where `expected` are."""
    if observed == 0:
        return 1.0
    shape, rate = (torch.tensor(float(value), dtype=torch.float64) for value in (observed, max(0.0, expected)))
    return float(torch.special.gammainc(shape, rate))


def _check_path(path: list[int], bonus: int) -> None:
    steps = set(zip(TREE_PARENTS, range(len(TREE_PARENTS)), strict=True))
    if path[:1] != [0] or not steps.issuperset(pairwise(path)):
        message = f"expected a path of tree nodes from the root (0) down, got {path}; the verifier's path is broken"
        raise ValueError(message)
    if not 0 <= bonus < VOCABULARY:
        message = f"expected a bonus token in 0..{VOCABULARY - 1}, got {bonus}; the verifier's bonus is broken"
        raise ValueError(message)
