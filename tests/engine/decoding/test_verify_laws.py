"""The verifiers of the loop on random trees, with all chance enumerated: what they say is what the target says.

That is the rules (`tests/kernels`) together with what the engine adds: which row of logits belongs to which node, the
filters, the laws that a tree names, and how a path is read off.
"""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from offbook.engine.decoding import verify as module
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import verifier_for
from offbook.harness.certificates.law import Branches, law

V, EXACT = 3, 1e-12
SAMPLINGS = st.builds(
    Sampling,
    temperature=st.sampled_from([0.4, 1.0, 1.7]),
    top_k=st.sampled_from([0, 2]),
    top_p=st.sampled_from([1.0, 0.7]),
)
SHAPES = ((-1,), (-1, 0), (-1, 0, 0), (-1, 0, 1), (-1, 0, 0, 1), (-1, 0, 1, 1), (-1, 0, 0, 2), (-1, 0, 0, 0))
DEEPEST = 2
GENERATOR = torch.Generator()


class Model:
    """Logits behind every text of up to `DEEPEST` + 1 tokens, fp64."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        texts = [text for n in range(DEEPEST + 2) for text in itertools.product(range(V), repeat=n)]
        self.logits = {text: torch.from_numpy(rng.normal(size=V) * 1.5) for text in texts}

    def law(self, text: tuple[int, ...], sampling: Sampling) -> torch.Tensor:
        return sampling.probabilities(self.logits[text])

    def behind(self, tree: Tree) -> torch.Tensor:
        return torch.stack([self.logits[text_to(tree, node)] for node in range(len(tree))])


def text_to(tree: Tree, node: int) -> tuple[int, ...]:
    text: list[int] = []
    while node:
        text.insert(0, tree.tokens[node])
        node = tree.parents[node]
    return tuple(text)


def drawn_tree(shape: tuple[int, ...], draft: Model, sampling: Sampling, branches: Branches) -> Tree:
    """Candidates without replacement, as far as the filtered law has any; a node that got none has no children."""
    tokens, parents, laws = [0], [-1], {}
    places = {0: 0}  # of a node of the shape in the tree
    left: dict[int, torch.Tensor] = {}
    for node, parent in enumerate(shape[1:], start=1):
        if parent not in places:
            continue
        at = places[parent]
        if parent not in left:
            sofar = Tree(tuple(tokens), tuple(parents))
            laws[at] = draft.law(text_to(sofar, at), sampling)
            left[parent] = laws[at].clone()
        if not left[parent].sum() > 0:
            continue
        token = branches.choose((left[parent] / left[parent].sum()).tolist())
        left[parent][token] = 0
        places[node] = len(tokens)
        tokens.append(token)
        parents.append(at)
    drawn_from_NV = torch.zeros(len(tokens), V, dtype=torch.float64)
    for at, law_V in laws.items():
        drawn_from_NV[at] = law_V
    return Tree(tuple(tokens), tuple(parents), drawn_from_NV=drawn_from_NV)


def decided(tree: Tree, target: Model, sampling: Sampling, branches: Branches | None = None) -> tuple[int, ...]:
    """What a round commits, all chance left to `branches`."""
    with pytest.MonkeyPatch.context() as patch:
        if branches is not None:
            patch.setattr(module, "new_seeds", lambda count, generator: np.zeros(count, dtype=np.uint64))
            patch.setattr(module, "Seeded", lambda seeds: branches)
            patch.setattr(module, "draw", lambda p_1V, seeds: branches.draws(np.arange(1), 0, p_1V))
        verdict = verifier_for(sampling)(target.behind(tree), tree.tensors(), GENERATOR)
    return (*(tree.tokens[node] for node in verdict.path[1:]), int(verdict.bonus))


def deviation(found: dict[tuple[int, ...], float], target: Model, sampling: Sampling) -> float:
    """Of texts of `DEEPEST` + 1 tokens, where the target continues what a round has committed."""
    length, said = DEEPEST + 1, np.zeros((V,) * (DEEPEST + 1))
    expected = np.zeros_like(said)
    for text in itertools.product(range(V), repeat=length):
        chances = [float(target.law(text[:n], sampling)[text[n]]) for n in range(length)]
        expected[text] = np.prod(chances)
        said[text] = sum(
            found.get(text[:n], 0.0) * np.prod(chances[n:]) for n in range(1, length + 1)
        )  # fmt: skip
    return float(np.abs(said - expected).max())


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), shape=st.sampled_from(SHAPES), sampling=SAMPLINGS)
def test_drawn_siblings_leave_the_targets_law_alone(seed, shape, sampling):
    target, draft = Model(seed), Model(seed + 1)
    outcomes = law(
        lambda branches: decided(drawn_tree(shape, draft, sampling, branches), target, sampling, branches)
    )  # fmt: skip
    assert deviation(outcomes, target, sampling) < EXACT


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), shape=st.sampled_from(SHAPES), sampling=SAMPLINGS, data=st.data())
def test_given_trees_leave_the_targets_law_alone(seed, shape, sampling, data):
    target, tokens = Model(seed), [0] * len(shape)
    for parent in range(len(shape)):
        siblings = [node for node, above in enumerate(shape) if above == parent]
        order = data.draw(st.permutations(range(V)))
        for node, token in zip(siblings, order, strict=False):
            tokens[node] = token
    tree = Tree(tuple(tokens), shape)
    outcomes = law(lambda branches: decided(tree, target, sampling, branches))
    assert deviation(outcomes, target, sampling) < EXACT


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), shape=st.sampled_from(SHAPES), data=st.data())
def test_greedy_verification_says_the_targets_likeliest_tokens(seed, shape, data):
    target, tokens = Model(seed), [0] * len(shape)
    for parent in range(len(shape)):
        siblings = [node for node, above in enumerate(shape) if above == parent]
        for node, token in zip(siblings, data.draw(st.permutations(range(V))), strict=False):
            tokens[node] = token
    said = decided(Tree(tuple(tokens), shape), target, Sampling())
    for n, token in enumerate(said):
        assert token == int(target.logits[said[:n]].argmax())


def test_a_row_of_another_node_would_be_seen():
    target, draft, sampling = Model(1), Model(2), Sampling(temperature=1.0)

    class Shifted(Model):
        def behind(self, tree: Tree) -> torch.Tensor:
            return super().behind(tree).roll(1, dims=0)

    shifted = Shifted(1)
    outcomes = law(
        lambda branches: decided(drawn_tree((-1, 0, 1), draft, sampling, branches), shifted, sampling, branches)
    )  # fmt: skip
    assert deviation(outcomes, target, sampling) > 1e-3
