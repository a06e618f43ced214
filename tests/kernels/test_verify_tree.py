"""Tree verification against brute force over all paths, and the draw: its law, its noise, and how it couples."""

import itertools
import random

import numpy as np
import pytest
import scipy.stats

from offbook.engine.decoding.tree import Tree
from offbook.kernels.verify_tree import draw, verify
from offbook.kernels.verify_tree.race import uniform


def random_tree(rng: random.Random) -> Tree:
    tokens, parents = [rng.randrange(4)], [-1]
    for _ in range(rng.randrange(12)):
        parent, token = rng.randrange(len(tokens)), rng.randrange(4)
        if token not in {t for t, p in zip(tokens, parents, strict=True) if p == parent}:
            tokens.append(token)
            parents.append(parent)
    return Tree(tuple(tokens), tuple(parents))


@pytest.mark.parametrize("seed", range(60))
def test_the_longest_path_on_which_every_token_is_what_the_target_says_is_committed(seed):
    rng = random.Random(seed)
    tree = random_tree(rng)
    argmax = [rng.randrange(4) for _ in tree.tokens]
    paths = []
    for node in range(len(tree)):
        path = [node]
        while path[0]:
            path.insert(0, tree.parents[path[0]])
        if all(tree.tokens[child] == argmax[parent] for parent, child in itertools.pairwise(path)):
            paths.append(path)
    last, bonus = verify(lambda node, _: np.array([argmax[node]]), np.array([tree.tokens]), tree.children)
    assert last == max(paths, key=len)[-1]
    assert bonus == argmax[last[0]]


def test_the_target_is_asked_once_for_each_node_of_the_path():
    asked: list[int] = []

    def say(node: int, rounds: np.ndarray) -> np.ndarray:
        asked.append(node)
        return np.array([[2, 0, 1][len(asked) - 1]])

    last, bonus = verify(say, np.array([[5, 1, 2, 0, 0]]), ((1, 2), (), (3, 4), (), ()))
    assert (last, bonus) == (3, 1)
    assert asked == [0, 2, 3]


def test_many_rounds_are_verified_as_one_by_one():
    rng = np.random.default_rng(4)
    children = ((1, 2), (3,), (4, 5), (), (), ())
    tokens = np.stack(
        [np.append(rng.integers(5), [*rng.permutation(5)[:2], *rng.permutation(5)[:3]]) for _ in range(500)]
    )
    said = rng.integers(5, size=tokens.shape)
    together = verify(lambda node, rounds: said[rounds, node], tokens, children)
    for i in range(len(tokens)):
        alone = verify(lambda node, _, i=i: said[[i], node], tokens[[i]], children)
        assert [side[0] for side in alone] == [side[i] for side in together]
    assert set(together[0]) == set(range(6))


def seeds(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(2**63, size=n, dtype=np.uint64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("likely", [1e-5, 0.15, 1.0])
def test_a_draw_follows_the_distribution_whoever_takes_part_in_the_race(monkeypatch, dtype, likely):
    monkeypatch.setattr("offbook.kernels.verify_tree.race.LIKELY", likely)
    probs = np.array([0.3, 0.0, 0.05, 0.25, 0.1, 0.02, 0.28], dtype=dtype)
    n = 400_000
    counts = np.bincount(draw(np.broadcast_to(probs, (n, 7)), seeds(n)), minlength=7)
    assert counts[1] == 0
    expected = probs[probs > 0].astype(np.float64)
    assert scipy.stats.chisquare(counts[probs > 0], n * expected / expected.sum()).pvalue > 1e-6


def test_draws_of_neighbouring_seeds_and_tokens_are_independent():
    n = 200_000
    drawn = draw(np.full((n, 4), 0.25), np.arange(n, dtype=np.uint64))
    pairs = np.bincount(4 * drawn[1:] + drawn[:-1], minlength=16)
    assert scipy.stats.chisquare(pairs).pvalue > 1e-6


def test_the_noise_is_splitmix64():
    # The first outputs of SplitMix64 from seed 1234567, as published with its reference code.
    published = np.array([6457827717110365317, 3203168211198807973, 9817491932198370423], dtype=np.uint64)
    numbers = uniform(np.array([1234567], dtype=np.uint64), np.arange(-1, 2))[0]
    assert np.abs(numbers * 2.0**64 / published - 1).max() < 1e-12


def test_one_seed_gives_nearly_equal_distributions_the_same_token():
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(400, 5_000)) * 3
    moved = logits + rng.normal(size=logits.shape) * 1e-6
    p, q = (np.exp(one) / np.exp(one).sum(axis=1, keepdims=True) for one in (logits, moved))
    assert (draw(p, seeds(400)) == draw(q, seeds(400))).all()
    assert (draw(p, seeds(400)) != draw(p, seeds(400, seed=2))).any()


def test_unlikely_tokens_are_drawn_as_often_as_they_should():
    probs = np.full(200_001, 1e-6)
    probs[0] = 0.8
    drawn = draw(np.broadcast_to(probs, (300, len(probs))), seeds(300))
    assert 30 <= (drawn > 0).sum() <= 95
    assert len({*drawn[drawn > 0]}) > 25
    assert (draw(np.full((50, 200_000), 5e-6), seeds(50)) >= 0).all(), "nobody is likely"
