"""Certificates of losslessness, two kinds that are never mixed.

Greedy: the decoder's token ids against those of the baseline in the same heat. Numbers differ in the last bits between
a forward of one token and one of a tree, so a first difference is a *tie* where the target's top two logits are closer
than that; any other difference is a defect.

Sampling: the verifier against an enumerated float64 target over eight tokens. What it commits on one tree is
completed to L tokens by the target itself, and the frequencies of all 8^L continuations are tested against their
exact probabilities. L reaches the bonus token behind the deepest path: with one token less, every wrong bonus token
is invisible. The settings (temperature, top-k, top-p) are applied here a second time, in numpy, so that an
error in the engine's own is seen as well.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from offbook.engine.decoding.sampling import Sampling
from offbook.harness.record import Certificate, Difference, DocumentRow

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MarginProbe = Callable[[list[int], int], tuple[float, float]]
Verify = Callable[[torch.Tensor, list[int], list[int], Sampling, torch.Generator], tuple[list[int], int]]

WIDEST_TIE = 1e-3  # logits; no float32 rounding is larger
ALPHA = 1e-6  # a right verifier is called wrong once in a million certificates
BOUND_LEVEL = 0.999
LEAST_EXPECTED = 5.0  # cells expected less often are pooled, by p and before looking

VOCABULARY = 8
TREE_TOKENS = [0, 5, 2, 1, 7, 3, 6, 0, 4, 1]  # node 0 is the root, the token committed before
TREE_PARENTS = [-1, 0, 0, 0, 1, 1, 2, 4, 4, 6]  # siblings at every level, three levels of candidates
LENGTH = 4  # three accepted tokens and the bonus


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
            difference in the answer; returns the target's top-2 logit margin behind those ids and the largest logit
            difference measured there between a tree forward and a one-token forward.
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
    toy = _Toy(sampling)
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
    cells = committed @ VOCABULARY ** np.arange(LENGTH - 1, -1, -1)
    test = _compare(np.bincount(cells, minlength=VOCABULARY**LENGTH), toy.exact)
    return Certificate(
        kind="sampling_distribution",
        verdict="differs" if test.p_value < ALPHA else "lossless",
        n=n,
        tv=test.tv,
        tv_bound=test.tv_bound,
        p_value=test.p_value,
    )


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
    margin, logit_difference = margin_probe([*prompt, *expected.tokens[:position]], position)
    return Difference(
        doc_id=expected.doc_id,
        position=position,
        expected=expected.tokens[position],
        got=got.tokens[position],
        margin=margin,
        logit_difference=logit_difference,
        tie=margin <= min(2 * logit_difference, WIDEST_TIE),
    )


class _Toy:
    """A target with fixed logits behind every prefix of up to LENGTH - 1 tokens, peaked as language is."""

    def __init__(self, sampling: Sampling) -> None:
        rng = np.random.default_rng(20_250)
        logits = [2.0 * rng.standard_normal((VOCABULARY**i, VOCABULARY)) for i in range(LENGTH)]
        prefixes = [0]
        depths = [0]
        for token, parent in zip(TREE_TOKENS[1:], TREE_PARENTS[1:], strict=True):
            prefixes.append(prefixes[parent] * VOCABULARY + token)
            depths.append(depths[parent] + 1)
        for node, parent in enumerate(TREE_PARENTS[1:], start=1):  # drafters propose what the target finds likely
            row = logits[depths[parent]][prefixes[parent]]
            row[TREE_TOKENS[node]] = 1.5 - 0.2 * node / len(TREE_TOKENS)
        self.logits_NV = torch.from_numpy(np.stack([logits[d][p] for d, p in zip(depths, prefixes, strict=True)]))
        self.conditional = [warped(table, sampling) for table in logits]
        self.exact = np.ones(1)
        for table in self.conditional:
            self.exact = (self.exact[:, None] * table).ravel()

    def continue_all(self, committed: Ints, lengths: Ints, rng: np.random.Generator) -> None:
        """Fills the rest of each sequence by drawing from the target, in place."""
        prefix = np.zeros(len(committed), dtype=np.int64)
        for i, table in enumerate(self.conditional):
            open_ = lengths <= i
            cumulative = table[prefix[open_]].cumsum(axis=1)
            u = rng.random((len(cumulative), 1)) * cumulative[:, -1:]
            committed[open_, i] = (u >= cumulative).sum(axis=1)
            prefix = prefix * VOCABULARY + committed[:, i]


def warped(logits_NV: Floats, sampling: Sampling) -> Floats:
    """Temperature, then top-k, then top-p, in float64 numpy: the twin of `Sampling.probabilities`."""
    logits = logits_NV / sampling.temperature
    if 0 < sampling.top_k < logits.shape[-1]:
        kth = np.sort(logits, axis=-1)[:, -sampling.top_k, None]
        logits = np.where(logits < kth, -np.inf, logits)
    p: Floats = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    order = np.argsort(-p, axis=-1, kind="stable")
    ordered = np.take_along_axis(p, order, axis=-1)
    ordered[(ordered.cumsum(axis=-1) - ordered) >= sampling.top_p] = 0.0
    np.put_along_axis(p, order, ordered, axis=-1)
    p /= p.sum(axis=-1, keepdims=True)
    return p


class _Test(NamedTuple):
    tv: float
    tv_bound: float
    p_value: float


def _compare(counts: Ints, exact: Floats) -> _Test:
    """Total variation with its McDiarmid bound, and Pearson's chi-square, over cells pooled by p."""
    n = int(counts.sum())
    large = exact * n >= LEAST_EXPECTED
    if (
        0 < exact[~large].sum() * n < LEAST_EXPECTED
    ):  # too little for a cell of its own: pool with the smallest large one
        large[np.where(large, exact, np.inf).argmin()] = False
    observed = np.append(counts[large], counts[~large].sum()).astype(np.float64)
    p = np.append(exact[large], exact[~large].sum())
    tv = 0.5 * float(np.abs(observed / n - p).sum())
    tv_bound = tv + 0.5 * np.sqrt(len(p) / n) + np.sqrt(np.log(1 / (1 - BOUND_LEVEL)) / (2 * n))
    if counts[exact == 0].any():
        return _Test(tv, min(1.0, float(tv_bound)), 0.0)  # a sequence the target cannot produce
    kept = p * n > 1e-9
    statistic = float((((observed - p * n) ** 2)[kept] / (p * n)[kept]).sum())
    half_df = torch.tensor((int(kept.sum()) - 1) / 2, dtype=torch.float64)
    p_value = float(torch.special.gammaincc(half_df, torch.tensor(statistic / 2, dtype=torch.float64)))
    return _Test(tv, min(1.0, float(tv_bound)), p_value)


def _check_path(path: list[int], bonus: int) -> None:
    if not path or path[0] != 0 or any(TREE_PARENTS[node] != parent for parent, node in pairwise(path)):
        message = f"expected a path of tree nodes from the root (0) down, got {path}; the verifier's path is broken"
        raise ValueError(message)
    if not 0 <= bonus < VOCABULARY:
        message = f"expected a bonus token in 0..{VOCABULARY - 1}, got {bonus}; the verifier's bonus is broken"
        raise ValueError(message)
