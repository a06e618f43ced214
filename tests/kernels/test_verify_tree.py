"""Tree verification: greedy against brute force over all paths, sampling at its edges."""

import itertools
import random

import pytest
import torch

from offbook.engine.decoding.tree import Tree
from offbook.kernels.verify_tree import verify_greedy, verify_sampling


def random_tree(rng: random.Random) -> Tree:
    tokens, parents = [rng.randrange(4)], [-1]
    for _ in range(rng.randrange(12)):
        parent, token = rng.randrange(len(tokens)), rng.randrange(4)
        if token not in {t for t, p in zip(tokens, parents, strict=True) if p == parent}:
            tokens.append(token)
            parents.append(parent)
    return Tree(tuple(tokens), tuple(parents))


@pytest.mark.parametrize("seed", range(60))
def test_greedy_commits_the_longest_path_on_which_every_token_is_the_argmax(seed):
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
    path, bonus = verify_greedy(argmax, tree.tokens, tree.children)
    assert path == max(paths, key=len)
    assert bonus == argmax[path[-1]]


def test_a_certain_candidate_is_always_accepted_and_an_impossible_one_never():
    tree = Tree((0, 1, 2), (-1, 0, 0))
    certain, impossible = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([1.0, 0.0, 0.0])
    for seed in range(50):
        generator = torch.Generator().manual_seed(seed)
        path, _ = verify_sampling(lambda _: certain.clone(), tree.tokens, tree.children, generator)
        assert path == [0, 2]
        path, bonus = verify_sampling(lambda _: impossible.clone(), tree.tokens, tree.children, generator)
        assert (path, bonus) == ([0], 0)


def test_rounding_that_leaves_no_mass_behind_a_rejection_accepts_instead_of_dividing_by_zero():
    almost = torch.tensor([0.0, 1e-30, 0.0])  # all the mass there is, and yet a draw of nearly always "reject"
    path, bonus = verify_sampling(lambda _: almost.clone(), (0, 1), ((1,), ()), torch.Generator().manual_seed(0))
    assert path == [0, 1]
    assert bonus == 1
