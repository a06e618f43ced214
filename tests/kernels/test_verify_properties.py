"""Both rules on trees of any shape, under any laws: with every branch enumerated, what is said is the target's law.

Candidates of a node are drawn when the walk comes to it, which is the same law as drawing all of them before, and few
enough branches to take every one.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbook.harness.certificates.law import Branches, law
from offbook.kernels.verify_tree import verify, verify_drawn

EXACT = 1e-12
WEIGHTS = (0.0, 1e-9, 0.1, 1.0, 7.0)  # impossible, all but impossible, and of any usual size
DEEPEST = 3


@st.composite
def shapes(draw, *, vocabulary):
    """Parents of a tree's nodes, the root's first; no node has more children than there are tokens."""
    parents = [-1]
    for _ in range(draw(st.integers(0, 4))):
        depths = depths_of(parents)
        open_ = [node for node, depth in enumerate(depths) if depth < DEEPEST and parents.count(node) < vocabulary]
        parents.append(draw(st.sampled_from(open_)))
    return tuple(parents)


def children_of(parents):
    return tuple(tuple(i for i, parent in enumerate(parents) if parent == node) for node in range(len(parents)))


def depths_of(parents):
    depths = [0]
    for parent in parents[1:]:
        depths.append(depths[parent] + 1)
    return depths


class Laws:
    """A law behind every text, of at least so many tokens."""

    def __init__(self, seed: int, vocabulary: int, least: int) -> None:
        self.seed, self.vocabulary, self.least = seed, vocabulary, least

    def __call__(self, text: tuple[int, ...]) -> np.ndarray:
        rng = np.random.default_rng((self.seed, len(text), *text))
        weights = rng.choice(WEIGHTS, size=self.vocabulary)
        weights[rng.permutation(self.vocabulary)[: self.least]] += 0.5
        return weights / weights.sum()


def deviation(found: dict[tuple[int, ...], float], p: Laws, length: int) -> float:
    """How far texts of this length are from the target's law, where it continues what a round has committed."""
    said: dict[tuple[int, ...], float] = {}
    expected: dict[tuple[int, ...], float] = {}

    def extend(text: tuple[int, ...], probability: float, into: dict[tuple[int, ...], float]) -> None:
        if not probability:
            return
        if len(text) == length:
            into[text] = into.get(text, 0.0) + probability
            return
        for token, share in enumerate(p(text)):
            extend((*text, token), probability * float(share), into)

    for text, probability in found.items():
        extend(text, probability, said)
    extend((), 1.0, expected)
    return max(abs(said.get(text, 0.0) - expected.get(text, 0.0)) for text in said.keys() | expected.keys())


def committed(parents, tokens, last: np.ndarray, bonus: np.ndarray) -> tuple[int, ...]:
    path, node = [int(bonus[0])], int(last[0])
    while node:
        path.insert(0, int(tokens[0, node]))
        node = parents[node]
    return tuple(path)


def text_of(parents, tokens, node: int) -> tuple[int, ...]:
    text: list[int] = []
    while node:
        text.insert(0, int(tokens[0, node]))
        node = parents[node]
    return tuple(text)


@settings(max_examples=40)
@given(data=st.data(), vocabulary=st.integers(2, 4), seed=st.integers(0, 2**16))
def test_drawn_candidates_leave_the_targets_law_alone(data, vocabulary, seed):
    parents = data.draw(shapes(vocabulary=vocabulary))
    children, length = children_of(parents), max(depths_of(parents)) + 1
    p = Laws(seed, vocabulary, 1)
    same = data.draw(st.booleans(), label="of nearly the same law")
    most = max(map(len, children))  # that are drawn behind any node
    q = Laws(seed if same else seed + 1, vocabulary, most)

    def play(branches: Branches) -> tuple[int, ...]:
        tokens = np.zeros((1, len(parents)), dtype=np.int64)

        def draft(node: int, _: np.ndarray) -> np.ndarray:
            whole = q(text_of(parents, tokens, node))
            left = whole.copy()
            for child in children[node]:
                tokens[0, child] = branches.choose(left / left.sum())
                left[tokens[0, child]] = 0
            return whole[None]

        found = verify_drawn(
            lambda node, _: p(text_of(parents, tokens, node))[None], draft, tokens, children, branches
        )  # fmt: skip
        return committed(parents, tokens, *found)

    outcomes = law(play)
    assert sum(outcomes.values()) == pytest.approx(1.0, abs=EXACT)
    assert deviation(outcomes, p, length) < EXACT


@settings(max_examples=40)
@given(data=st.data(), vocabulary=st.integers(2, 4), seed=st.integers(0, 2**16))
def test_given_candidates_leave_the_targets_law_alone(data, vocabulary, seed):
    parents = data.draw(shapes(vocabulary=vocabulary))
    children, length = children_of(parents), max(depths_of(parents)) + 1
    tokens = np.zeros((1, len(parents)), dtype=np.int64)
    for siblings in children:
        order = data.draw(st.permutations(range(vocabulary)), label="tokens of siblings")
        tokens[0, list(siblings)] = order[: len(siblings)]
    p = Laws(seed, vocabulary, 1)

    def play(branches: Branches) -> tuple[int, ...]:
        def say(node: int, rows: np.ndarray) -> np.ndarray:
            return branches.draws(rows, 0, p(text_of(parents, tokens, node))[None])

        return committed(parents, tokens, *verify(say, tokens, children))

    outcomes = law(play)
    assert sum(outcomes.values()) == pytest.approx(1.0, abs=EXACT)
    assert deviation(outcomes, p, length) < EXACT
