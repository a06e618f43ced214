"""Candidate trees: depths, children and mask against brute force, and a re-ranking that never orphans a node."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from offbook.engine.decoding.tree import Tree, rerank


@st.composite
def trees(draw, max_nodes=20):
    parents = [-1]
    for node in range(1, draw(st.integers(1, max_nodes))):
        parents.append(draw(st.integers(0, node - 1)))
    tokens = draw(st.lists(st.integers(0, 30), min_size=len(parents), max_size=len(parents)))
    return Tree(tuple(tokens), tuple(parents))


def ancestors(tree, node):
    found = [node]
    while tree.parents[found[-1]] != -1:
        found.append(tree.parents[found[-1]])
    return found


@given(trees())
def test_depths_children_and_mask_follow_from_the_parents(tree):
    n = len(tree)
    assert list(tree.depths) == [len(ancestors(tree, node)) - 1 for node in range(n)]
    assert [list(c) for c in tree.children] == [[k for k in range(n) if tree.parents[k] == node] for node in range(n)]
    assert tree.ancestor_mask().tolist() == [[k in ancestors(tree, node) for k in range(n)] for node in range(n)]


def test_a_chain_is_a_path():
    tree = Tree.chain([5, 6, 7])
    assert tree == Tree((5, 6, 7), (-1, 0, 1))
    assert tree.depths == (0, 1, 2)


@given(trees(), st.integers(0, 8))
def test_a_tree_within_a_depth_has_the_paths_of_that_depth(tree, depth):
    def paths(tree):
        return [[tree.tokens[n] for n in ancestors(tree, node)] for node in range(len(tree))]

    assert paths(tree.within(depth)) == [path for path in paths(tree) if len(path) - 1 <= depth]
    assert (tree.within(depth) is tree) == (depth >= max(tree.depths))


@pytest.mark.parametrize(
    ("tokens", "parents"),
    [
        pytest.param((), (), id="empty"),
        pytest.param((1, 2), (-1,), id="a parent too few"),
        pytest.param((1,), (0,), id="no root"),
        pytest.param((1, 2), (-1, -1), id="two roots"),
        pytest.param((1, 2, 3), (-1, 2, 0), id="a child before its parent"),
        pytest.param((1, 2), (-1, 1), id="its own parent"),
        pytest.param(None, (-1,), id="no tokens"),
        pytest.param((1,), 5, id="no parents"),
        pytest.param((1.0,), (-1,), id="a token that is no whole number"),
        pytest.param((1, 2), (-1, None), id="a parent that is no number"),
    ],
)
def test_what_is_no_tree_is_refused(tokens, parents):
    with pytest.raises(ValueError, match=r"expected a tree of token ids and of as many parents.*, got tokens"):
        Tree(tokens, parents)


@pytest.mark.parametrize("tokens", [[], None, 5, ["a"], [float("nan")]])
def test_what_is_no_path_is_refused(tokens):
    with pytest.raises(ValueError, match=r"expected a (tree|list) of token ids.*, got "):
        Tree.chain(tokens)


@st.composite
def pools(draw):
    """Candidates whose scores never rise along a path, and often tie."""
    size = draw(st.integers(1, 40))
    parents, scores = [], []
    for node in range(size):
        parent = draw(st.integers(-1, node - 1))
        parents.append(parent)
        above = 0.0 if parent < 0 else scores[parent]
        scores.append(above - draw(st.sampled_from([0.0, 0.0, 0.5, 1.0])))
    return scores, parents, draw(st.integers(1, size))


@given(pools())
def test_reranking_keeps_the_best_and_the_tree_connected(pool):
    scores, parents, keep = pool
    tree = rerank(
        scores=torch.tensor(scores),
        tokens=torch.arange(100, 100 + len(scores)),  # a candidate's token tells its place in the pool
        parents=torch.tensor(parents),
        root=7,
        keep=keep,
    )
    places = [token - 100 for token in tree.tokens[1:]]
    assert tree.tokens[0] == 7
    assert places == sorted(places)
    assert sorted(scores[p] for p in places) == sorted(sorted(scores)[-keep:])
    for node, place in enumerate(places, start=1):
        parent = tree.parents[node]
        assert parents[place] == (-1 if parent == 0 else tree.tokens[parent] - 100)


def test_all_equal_scores_keep_parents_before_children():
    parents = [-1, 0, 1, 2, -1, 4, 5]
    for keep in range(1, len(parents) + 1):
        tree = rerank(
            scores=torch.zeros(len(parents)),
            tokens=torch.arange(len(parents)),
            parents=torch.tensor(parents),
            root=9,
            keep=keep,
        )
        assert tree.tokens[1:] == tuple(range(keep))


def test_a_pool_whose_scores_rise_along_a_path_is_caught():
    with pytest.raises(KeyError):
        rerank(
            scores=torch.tensor([-2.0, -1.0]),
            tokens=torch.tensor([0, 1]),
            parents=torch.tensor([-1, 0]),
            root=9,
            keep=1,
        )
