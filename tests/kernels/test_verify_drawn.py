"""Drawn candidates: the exact law of their verification by enumeration, its real random numbers, and faults in it."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats

from offbook.harness.certificates.law import Branches, law
from offbook.kernels.verify_tree.drawn import Seeded, verify_drawn
from offbook.kernels.verify_tree.race import draw, uniform

V, LENGTH = 4, 4  # past the bonus token behind two accepted levels
CHILDREN = ((1, 2), (3, 4), (5,), (), (), ())  # two drawn without replacement, then two behind the first and one
PARENTS = (-1, 0, 0, 1, 1, 2)
SETTINGS = ("plain", "zeros in both", "the same law", "nothing in common", "certain")


def tables(setting: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Laws of target and draft behind every prefix, by its length."""
    rng = np.random.default_rng(5)
    p = [rng.dirichlet(np.full(V, 0.8), V**n) for n in range(LENGTH)]
    q = [rng.dirichlet(np.full(V, 0.8), V**n) for n in range(LENGTH)]
    if setting == "zeros in both":
        for table in (*p, *q):
            table[np.arange(len(table)), rng.integers(V, size=len(table))] = 0
    if setting == "the same law":
        q = [table.copy() for table in p]
    if setting == "nothing in common":
        for one, other in zip(p, q, strict=True):
            one[:, :2], other[:, 2:] = 0, 0
    if setting == "certain":
        for table in p:
            table[:] = np.eye(V)[rng.integers(V, size=len(table))]
    return tuple([table / table.sum(axis=1, keepdims=True) for table in side] for side in (p, q))


def exact(p: list[np.ndarray]) -> np.ndarray:
    joint = np.ones(1)
    for table in p:
        joint = (joint[:, None] * table).ravel()
    return joint


def prefixes(tokens_BN: np.ndarray) -> np.ndarray:
    """The number of the text behind each node, (B, N)."""
    numbers = np.zeros_like(tokens_BN)
    for node, parent in enumerate(PARENTS):
        if node:
            numbers[:, node] = numbers[:, parent] * V + tokens_BN[:, node]
    return numbers


DEPTHS = (0, 1, 1, 2, 2, 2)


def play(
    p: list[np.ndarray], q: list[np.ndarray], verify: Callable = verify_drawn, *, turns: int = 1
) -> Callable[[Branches], tuple]:
    """One round: children are drawn, of several laws in turn, then verified; the committed tokens."""

    def laws(node: int, numbers: np.ndarray) -> np.ndarray:
        law_RV = q[DEPTHS[node]][numbers[:, node]]
        return np.stack([law_RV, law_RV[:, ::-1]], axis=1) if turns == 2 else law_RV

    def one(branches: Branches) -> tuple[int, ...]:
        tokens = np.zeros((1, len(PARENTS)), dtype=np.int64)
        for node, children in enumerate(CHILDREN):
            left = np.atleast_2d(laws(node, prefixes(tokens))[0]).copy()
            for place, child in enumerate(children):
                law_V = left[place % turns]
                tokens[0, child] = branches.choose(law_V / law_V.sum()) if law_V.sum() > 0 else 0
                left[:, tokens[0, child]] = 0
        numbers = prefixes(tokens)
        last, bonus = verify(
            lambda node, _: p[DEPTHS[node]][numbers[:, node]], lambda node, _: laws(node, numbers),
            tokens, CHILDREN, branches,
        )  # fmt: skip
        path, node = [], int(last[0])
        while node:
            path.insert(0, int(tokens[0, node]))
            node = PARENTS[node]
        return (*path, int(bonus[0]))

    return one


def deviation(found: dict, p: list[np.ndarray]) -> float:
    """How far whole texts are from the target's law, where the target continues what a round has committed."""
    joint = np.zeros(V**LENGTH)
    for tokens, probability in found.items():
        rest, number = np.ones(1), 0
        for token in tokens:
            number = number * V + token
        first = number
        for table in p[len(tokens) :]:
            rest = (rest[:, None] * table[first * len(rest) : (first + 1) * len(rest)]).ravel()
        joint[first * len(rest) : (first + 1) * len(rest)] += probability * rest
    return float(np.abs(joint - exact(p)).max())


@pytest.mark.parametrize("turns", [1, 2])
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_law_is_the_targets_in_every_branch(setting, turns):
    p, q = tables(setting)
    found = law(play(p, q, turns=turns))
    assert abs(sum(found.values()) - 1) < 1e-12
    assert deviation(found, p) < 1e-12


def test_laws_that_took_turns_are_not_verified_as_one():
    p, q = tables("plain")

    def by_the_first(target, draft, *rest):
        return verify_drawn(target, lambda node, rows: draft(node, rows)[:, 0], *rest)

    assert deviation(law(play(p, q, by_the_first, turns=2)), p) > 1e-3


def faulty(name: str) -> Callable:
    """The rule with one fault, for one round."""

    def verify(target, draft, tokens, children_N, chance):
        node, depth, nobody = 0, 0, np.zeros(1, dtype=np.int64)
        while True:
            p = target(node, nobody)[0].copy()
            whole, q = p.copy(), draft(node, nobody)[0].copy()
            children, went = children_N[node], None
            order = sorted(children, key=lambda child: -q[tokens[0, child]]) if name == "re-ranked" else children
            for place, child in enumerate(order):
                token = tokens[0, child]
                share = p[token] / (draft(node, nobody)[0][token] if name == "whole draft law" else q[token])
                if name == "deterministic rule":
                    share = p[token]
                if name == "own-token threshold" and q[token] < 0.2:
                    break
                if chance.accepts(nobody, depth, place, np.array([min(1.0, share)]))[0]:
                    went = child
                    break
                left = np.maximum(0, p - q)
                if name == "residual of absolute values":
                    left = np.abs(p - q)
                if not left.sum() > 0:
                    went = child
                    break
                p = left / left.sum()
                q[token] = 0
                q = q / q.sum() if q.sum() > 0 else q
            if went is None:
                if name == "bonus from the whole law":
                    p = whole
                if name == "bonus from the draft at a leaf" and not children:
                    p = draft(node, nobody)[0]
                return np.array([node]), chance.draws(nobody, depth, p[None])
            node, depth = went, depth + 1

    return verify


def test_the_rule_without_a_fault_passes():
    p, q = tables("plain")
    assert deviation(law(play(p, q, faulty("none"))), p) < 1e-12


@pytest.mark.parametrize(
    "name",
    [
        "re-ranked",
        "whole draft law",
        "deterministic rule",
        "own-token threshold",
        "residual of absolute values",
        "bonus from the whole law",
        "bonus from the draft at a leaf",
    ],
)
def test_a_fault_shows_in_the_law(name):
    p, q = tables("plain")
    assert deviation(law(play(p, q, faulty(name))), p) > 1e-3


def test_a_script_is_followed_and_every_outcome_counted():
    two = law(lambda branches: (branches.choose([0.5, 0.0, 0.5]), branches.choose([0.25, 0.75])))
    assert two == {(0, 0): 0.125, (0, 1): 0.375, (2, 0): 0.125, (2, 1): 0.375}


def drafted(q: list[np.ndarray], seeds: np.ndarray) -> np.ndarray:
    """Trees of many rounds, whose children are drawn one after the other, by numbers of their own."""
    tokens = np.zeros((len(seeds), len(PARENTS)), dtype=np.int64)
    for node, children in enumerate(CHILDREN):
        left = q[DEPTHS[node]][prefixes(tokens)[:, node]].copy()
        for child in children:
            tokens[:, child] = draw(left, seeds[:, child])
            left[np.arange(len(left)), tokens[:, child]] = 0
    return tokens


@pytest.mark.parametrize("setting", ["plain", "zeros in both"])
def test_real_random_numbers_follow_the_law(setting):
    p, q = tables(setting)
    n = 200_000
    seeds = np.random.default_rng(3).integers(2**63, size=(n, len(PARENTS) + LENGTH), dtype=np.uint64)
    tokens = drafted(q, seeds[:, : len(PARENTS)])
    numbers = prefixes(tokens)
    target, draft = (lambda node, rows, side=side: side[DEPTHS[node]][numbers[rows, node]] for side in (p, q))
    last, bonus = verify_drawn(target, draft, tokens, CHILDREN, Seeded(seeds[:, len(PARENTS) :]))
    text, length = numbers[np.arange(n), last] * V + bonus, np.array(DEPTHS)[last] + 1
    for position in range(1, LENGTH):
        short = length == position
        text[short] = text[short] * V + draw(p[position][text[short]], seeds[short, len(PARENTS) + position])
        length[short] += 1
    counts, expected = np.bincount(text, minlength=V**LENGTH), n * exact(p)
    assert not counts[expected == 0].any()
    large = expected >= 5
    pooled = np.append(counts[large], counts[~large].sum()), np.append(expected[large], expected[~large].sum())
    kept = pooled[1] > 0
    assert scipy.stats.chisquare(pooled[0][kept], pooled[1][kept] * n / pooled[1][kept].sum()).pvalue > 1e-6
    assert (np.array(DEPTHS)[last] > 0).mean() > 0.2, "something is accepted"


def test_numbers_of_siblings_and_of_the_bonus_token_are_independent():
    seeds = np.random.default_rng(1).integers(2**63, size=50_000, dtype=np.uint64)
    numbers = uniform(seeds, np.array([-3, -2, -1, 0, 1]))
    correlations = np.corrcoef(numbers.T)[np.triu_indices(5, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(len(seeds))
    assert all(0.49 < numbers[:, place].mean() < 0.51 for place in range(5))
