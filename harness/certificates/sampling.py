"""Certificates of losslessness, greedy and sampling, that are never mixed.

Greedy: the decoder's token ids against those of the baseline in the same heat. Numbers differ in the last bits between
a forward of one token and one of a tree, so a first difference is a *tie* where the two tokens are the target's top two
there and their logits are closer than that; any other difference is a defect.

Sampling: against an enumerated float64 target over eight tokens, with `statistics.goodness_of_fit`.
Of contenders in our loop it is the verifier that is tested. What it commits on one tree is completed to L tokens by the
target itself: for the p-value by drawing, for the total variation by the exact probabilities of everything that may
follow, which leaves the few outcomes on the tree as its only noise. L reaches the bonus token behind the deepest path:
with one token less, every wrong bonus token there is invisible. A contender that draws by itself is tested whole, on a
small transformers model; every token is drawn, so that its bound is wider.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch

from offbook.engine.decoding.decoder import Decoder, Limits
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.progress import Progress, Silent
from offbook.harness.certificates import toy_model
from offbook.harness.certificates.answered import Answered
from offbook.harness.certificates.margin_probe import TopTwo
from offbook.harness.certificates.toy_target import LENGTH, TREE_PARENTS, TREE_TOKENS, VOCABULARY, ToyTarget
from offbook.harness.records.certificate import Certificate, Difference
from offbook.harness.roster.target import Target
from offbook.harness.statistics.goodness_of_fit import Floats, Ints, cell_numbers, goodness_of_fit, total_variation

MarginProbe = Callable[[list[int], int], TopTwo]

Verify = Callable[[torch.Tensor, list[int], list[int], Sampling, torch.Generator], tuple[list[int], int]]

ALPHA = 1e-6  # a right contender is called wrong once in a million certificates


def greedy_certificate(
    reference: Sequence[Answered],
    rows: Sequence[Answered],
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
            difference in the answer; returns the target's top two behind those ids (see `margin_probe`).
        prompts: token ids of each document's prompt, by doc_id.

    Raises:
        ValueError: the two sides are not the same documents under the same prompts.
    """
    return identity_certificate(differences(reference, rows, lambda _: margin_probe, prompts=prompts), len(rows))


def identity_certificate(found: Sequence[Difference], n: int) -> Certificate:
    """What the first differences of n documents come to."""
    ties = [d for d in found if d.tie]
    unexplained = len(found) - len(ties)
    return Certificate(
        kind="greedy_identity",
        verdict="not_tested" if not n else "differs" if unexplained else "ties" if ties else "lossless",
        n=n,
        identical=n - len(found),
        ties=len(ties),
        unexplained=unexplained,
        worst_margin=max((d.margin for d in ties if d.margin is not None), default=None),
        detail=tuple(found),
    )


def seeded_certificate(
    law: Certificate,
    reference: Sequence[Answered],
    rows: Sequence[Answered],
    probe_of: Callable[[int], MarginProbe],
    *,
    prompts: Mapping[int, Sequence[int]],
) -> Certificate:
    """A certificate of a law, with what became of the documents of a heat that both sides drew from one seed each.

    Args:
        law: of the decoder's draws.
        reference: the baseline's rows.
        rows: the decoder's rows of the same documents.
        probe_of: the `MarginProbe` of a document, which knows its seed.
        prompts: token ids of each document's prompt, by doc_id.

    Raises:
        ValueError: the two sides are not the same documents under the same prompts.
    """
    identity = identity_certificate(differences(reference, rows, probe_of, prompts=prompts), len(rows))
    names = ("identical", "ties", "unexplained", "worst_margin", "detail")
    worse = identity.verdict if identity.verdict in ("differs", "ties") and law.verdict != "differs" else law.verdict
    return law.model_copy(update={"verdict": worse, **{name: getattr(identity, name) for name in names}})


def differences(
    reference: Sequence[Answered],
    rows: Sequence[Answered],
    probe_of: Callable[[int], MarginProbe],
    *,
    prompts: Mapping[int, Sequence[int]],
) -> list[Difference]:
    """The first difference of each document that has one.

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
    return [d for row, got in pairs if (d := _first_difference(row, got, probe_of(row.doc_id), prompts))]


def sampling_certificate(verify: Verify, *, sampling: Sampling, seed: int, n: int = 50_000) -> Certificate:
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
    check_settings(sampling, n)
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
    completed = toy.completed(committed, lengths)
    toy.continue_all(committed, lengths, np.random.default_rng(seed))
    return of_draws(committed, completed, toy.exact)


def decoder_certificate(
    build: Callable[[Target], Decoder],
    *,
    sampling: Sampling,
    seed: int,
    n: int = 4_000,
    layers: int = 1,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Certificate:
    """Tests the distribution of a whole decoder on `harness.certificates.toy_model`, at these sampling settings.

    Args:
        build: makes the decoder from its target.
        sampling: settings; temperature above 0.
        seed: of the generator handed to the decoder.
        n: sequences.
        layers: of the model.
        device: where it is.
        progress: is told how far it is.

    Raises:
        ValueError: temperature 0, n below 1000, or an answer that is not four of the target's tokens.
    """
    check_settings(sampling, n)
    target = toy_model.toy_model(layers, device)
    decoder = build(target)
    prompt_1P = torch.tensor([toy_model.PROMPT], device=device)
    limits = Limits(max_new_tokens=toy_model.LENGTH)
    generator = torch.Generator().manual_seed(seed)
    answers = np.zeros((n, toy_model.LENGTH), dtype=np.int64)
    told = progress or Silent()
    for i in range(n):
        told.update(i, n, f"answers of the small model at temperature {sampling.temperature:g}")
        generation = decoder.generate(prompt_1P.clone(), sampling=sampling, limits=limits, generator=generator)
        _check_answer(generation.tokens)
        answers[i] = generation.tokens
    exact = toy_model.exact_continuations(target, sampling)
    cells = cell_numbers(answers, vocabulary=toy_model.VOCABULARY)
    return of_draws(answers, np.bincount(cells, minlength=len(exact)) / n, exact)


def of_draws(sequences_NL: Ints, estimate: Floats, exact: Floats, *, vocabulary: int = VOCABULARY) -> Certificate:
    """What draws tell: whole sequences for the p-value, an estimate of their law for the total variation."""
    n = len(sequences_NL)
    tv, tv_bound = total_variation(estimate, exact, n=n)
    p_value = goodness_of_fit(sequences_NL, exact, vocabulary=vocabulary)
    return Certificate(
        kind="sampling_distribution",
        verdict="differs" if p_value < ALPHA else "lossless",
        n=n,
        tv=tv,
        tv_bound=tv_bound,
        p_value=p_value,
    )


def _first_difference(
    expected: Answered, got: Answered, margin_probe: MarginProbe, prompts: Mapping[int, Sequence[int]]
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
        tie=parted == set(top.tokens) and top.margin <= min(2 * top.logit_difference, top.widest),
    )


def check_settings(sampling: Sampling, n: int) -> None:
    """Refuses greedy settings, and draws so few that they would say nothing.

    Raises:
        ValueError: these.
    """
    if sampling.greedy or n < 1000:
        message = f"expected temperature > 0 and n >= 1000, got {sampling.temperature} and {n}; greedy has its own test"
        raise ValueError(message)


def _check_answer(tokens: Sequence[int]) -> None:
    if len(tokens) != toy_model.LENGTH or not all(0 <= token < toy_model.VOCABULARY for token in tokens):
        message = (
            f"expected {toy_model.LENGTH} tokens in 0..{toy_model.VOCABULARY - 1}, got {tuple(tokens)}; the decoder's "
            "cap or vocabulary is broken"
        )
        raise ValueError(message)


def _check_path(path: list[int], bonus: int) -> None:
    steps = set(zip(TREE_PARENTS, range(len(TREE_PARENTS)), strict=True))
    if path[:1] != [0] or not steps.issuperset(pairwise(path)):
        message = f"expected a path of tree nodes from the root (0) down, got {path}; the verifier's path is broken"
        raise ValueError(message)
    if not 0 <= bonus < VOCABULARY:
        message = f"expected a bonus token in 0..{VOCABULARY - 1}, got {bonus}; the verifier's bonus is broken"
        raise ValueError(message)
