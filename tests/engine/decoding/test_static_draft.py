"""A static tree: its shape, candidates recomputed without a cache, and draws that follow the laws it names."""

import numpy as np
import pytest
import scipy.stats
import torch
from torch.nn import functional

from offbook.baselines.decoding.eagle import PUBLISHED
from offbook.engine.decoding.decode import decode
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.static_draft import RankTree, StaticDrafter
from offbook.engine.decoding.stop import Stop
from tests.engine.targets import VOCABULARY, law_of_two, static_drafter, target

WARM = Sampling(temperature=1.0)
PROMPT = [3, 1, 4, 1, 5, 9]


def test_the_published_tree_has_the_published_levels():
    assert np.bincount([len(path) for path in PUBLISHED.paths]).tolist() == [0, 4, 8, 8, 3, 2]
    assert (PUBLISHED.config.total_tokens, PUBLISHED.config.depth, PUBLISHED.config.top_k) == (26, 4, 4)
    for count in range(1, 26):
        assert len(PUBLISHED.first(count).paths) == count  # each with its beginnings, or it were refused


@pytest.mark.parametrize("paths", [(), ((),), ((0, 0),), ((0,), (1, 0, 0)), ((1,),), ((0,), (0, 0), (0, 2))])
def test_a_shape_with_holes_is_refused(paths):
    with pytest.raises(ValueError, match="each one's beginning and the rank before it among them"):
        RankTree(paths)


def observed(drafter: StaticDrafter, sampling: Sampling, *, seed: int = 0) -> tuple[StaticDrafter, torch.Tensor]:
    """The drafter behind a prompt, and the target's features of it."""
    backbone = target()
    drafter.begin(torch.tensor([PROMPT]), capacity=64)
    drafter.draw_with(sampling, torch.Generator().manual_seed(seed))
    cache = backbone.new_cache(64)
    with torch.inference_mode():
        output = backbone.extend(torch.tensor(PROMPT), cache, logits_for=1, taps=(-1,))
    features_RH = output.features(len(PROMPT))
    drafter.observe(torch.tensor([*PROMPT[1:], 7]), features_RH, len(PROMPT))
    return drafter, features_RH


def logits_behind(drafter: StaticDrafter, features_RH: torch.Tensor, path: list[int]) -> torch.Tensor:
    """Of the draft head behind a path of tokens, by one pass over the whole text for each, without a cache."""
    tokens, features = torch.tensor([*PROMPT[1:], 7]), features_RH
    for token in [*path, None]:
        rows = len(tokens)
        with torch.inference_mode():
            following, _ = drafter.network(
                functional.embedding(tokens, target().embedding_VH)[None],
                features[None],
                torch.arange(rows)[None],
                torch.ones(1, rows, rows, dtype=torch.bool).tril(),
            )
        if token is None:
            return drafter.head.logits(following[0, -1:])[0]
        tokens, features = torch.cat([tokens, torch.tensor([token])]), torch.cat([features, following[0, -1:]])
    raise AssertionError


def path_to(tree, node: int) -> list[int]:
    """The tokens from below the root to a node."""
    path = []
    while node:
        path.insert(0, tree.tokens[node])
        node = tree.parents[node]
    return path


@pytest.mark.parametrize("vocabulary", [VOCABULARY, 20])
def test_candidates_are_the_best_behind_their_parents(vocabulary):
    drafter, features_RH = observed(static_drafter(target(), PUBLISHED, vocabulary=vocabulary), Sampling())
    tree = drafter.propose()
    assert tree.drawn_from_NV is None
    assert len(tree) == 26
    assert np.bincount(tree.depths).tolist() == [1, 4, 8, 8, 3, 2]
    for node, children in enumerate(tree.children):
        if not children:
            continue
        path = path_to(tree, node)
        best = logits_behind(drafter, features_RH, path).topk(len(children))
        assert [tree.tokens[child] for child in children] == drafter.head.token_ids[best.indices].tolist()
        chances = logits_behind(drafter, features_RH, path).softmax(dim=-1)[best.indices]
        expected = [tree.survival[node] * float(chance) for chance in chances]
        assert [tree.survival[child] for child in children] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("sampling", [WARM, Sampling(temperature=0.7, top_k=3)], ids=str)
def test_the_laws_that_a_tree_names_are_those_behind_its_nodes(sampling):
    drafter, features_RH = observed(static_drafter(target(), PUBLISHED, vocabulary=20), sampling)
    tree = drafter.propose()
    assert tree.survival is None
    for node, children in enumerate(tree.children):
        law_V = tree.drawn_from_NV[node]
        if not children:
            continue
        path = path_to(tree, node)
        expected = torch.zeros(VOCABULARY, dtype=torch.float64)
        expected[drafter.head.token_ids] = sampling.probabilities(logits_behind(drafter, features_RH, path))
        torch.testing.assert_close(law_V, expected, atol=1e-9, rtol=1e-6)
    if sampling.top_k:
        assert max(map(len, tree.children)) == 3, "no more can be drawn than the filter leaves"


def test_candidates_are_drawn_one_after_the_other_without_replacement():
    drafter, _ = observed(static_drafter(target(), RankTree(((0,), (1,))), vocabulary=6), WARM)
    n, pairs = 3_000, []
    for _ in range(n):
        tree = drafter.propose()
        pairs.append(tree.tokens[1:])
    law = tree.drawn_from_NV[0].double().numpy()
    law /= law.sum()
    expected = law[:, None] * law[None, :] / (1 - law[:, None])
    np.fill_diagonal(expected, 0)
    counts = np.zeros_like(expected)
    for first, second in pairs:
        counts[first, second] += 1
    assert not counts.diagonal().any()
    possible = expected > 0
    assert n * expected[possible].min() > 5
    assert scipy.stats.chisquare(counts[possible], n * expected[possible]).pvalue > 1e-6


def said(sampling: Sampling, seed: int, *, drafter: StaticDrafter) -> tuple[tuple[int, ...], int, int]:
    limits = Limits(max_new_tokens=12)
    generation = decode(
        target(damped=True), drafter, torch.tensor([PROMPT]), sampling=sampling, limits=limits,
        generator=torch.Generator().manual_seed(seed), stop=Stop(limits, None),
    )  # fmt: skip
    return generation.tokens, sum(r.accepted for r in generation.rounds), generation.draft_forwards


def test_one_seed_says_one_text_and_rounds_take_five_passes():
    drafter = static_drafter(target(damped=True), PUBLISHED, echo=True)
    first = said(WARM, 3, drafter=drafter)
    assert first == said(WARM, 3, drafter=drafter)
    assert first != said(WARM, 4, drafter=drafter)
    cold = said(Sampling(), 0, drafter=drafter)
    assert cold == said(Sampling(), 9, drafter=drafter), (
        "nothing is drawn at temperature 0, also behind a warm document"
    )
    assert cold[1] > 0


def test_drawn_candidates_leave_the_law_of_the_first_two_tokens_alone():
    n, sampling, backbone = 600, Sampling(temperature=1.0, top_k=3), target(damped=True)
    drafter = static_drafter(backbone, PUBLISHED.first(6), echo=True)
    counts, limits = {}, Limits(max_new_tokens=3)
    accepted = 0
    for seed in range(n):
        generation = decode(
            backbone, drafter, torch.tensor([PROMPT]), sampling=sampling, limits=limits,
            generator=torch.Generator().manual_seed(seed), stop=Stop(limits, None),
        )  # fmt: skip
        counts[generation.tokens[:2]] = counts.get(generation.tokens[:2], 0) + 1
        accepted += sum(r.accepted for r in generation.rounds)
    joint = law_of_two(backbone, PROMPT, sampling)
    assert counts.keys() <= joint.keys()
    cells = list(joint)
    assert scipy.stats.chisquare([counts.get(c, 0) for c in cells], [n * joint[c] for c in cells]).pvalue > 1e-6
    assert accepted > n / 20
    assert len(cells) == 9
