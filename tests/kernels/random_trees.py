"""Candidate trees of random shape, as tensors, and what the rules on the host make of them."""

import random

import numpy as np
import torch

from offbook.kernels.verify_tree.rounds import Trees

SEEDS = 24


def random_parents(rng: random.Random, nodes: int) -> list[int]:
    """Of nodes that hang from any earlier one, the last ones more often, so that some trees are deep."""
    return [-1, *(rng.choice([node - 1, rng.randrange(node)]) for node in range(1, nodes))]


def depths_of(parents: list[int]) -> list[int]:
    depths = [0]
    for parent in parents[1:]:
        depths.append(depths[parent] + 1)
    return depths


def children_of(parents: list[int]) -> list[list[int]]:
    return [[child for child, parent in enumerate(parents) if parent == node] for node in range(len(parents))]


def sibling_tokens(rng: random.Random, parents: list[int], vocabulary: int) -> list[int]:
    """A token of each node, siblings' all different."""
    tokens = [rng.randrange(vocabulary)] * len(parents)
    for children in children_of(parents):
        for child, token in zip(children, rng.sample(range(vocabulary), len(children)), strict=True):
            tokens[child] = token
    return tokens


def random_rounds(seed: int, *, rounds: int, nodes: int, vocabulary: int, device: str, draws: bool = True) -> Trees:
    """Rounds with trees of one form and tokens of their own; siblings are at most as many as there are tokens."""
    rng = random.Random(seed)
    parents = random_parents(rng, nodes)
    while max(map(len, children_of(parents))) > vocabulary:
        parents = random_parents(rng, nodes)
    tokens_BN = torch.tensor([sibling_tokens(rng, parents, vocabulary) for _ in range(rounds)])
    numbers = np.random.default_rng(seed).integers(2**63, size=(rounds, max(SEEDS, nodes)), dtype=np.int64)
    sides = (tokens_BN, torch.tensor(parents), torch.tensor(depths_of(parents)), torch.from_numpy(numbers))
    tokens_BN, parents_N, depths_N, seeds_BS = (side.to(device) for side in sides)
    return Trees(tokens_BN, parents_N, depths_N, seeds_BS if draws else None, None)


def say_of(logits_BNV: torch.Tensor, trees: Trees, share: float, seed: int) -> None:
    """Makes the logits say a child's token, one after the other, behind so many of the nodes; in place."""
    rng, children_N = random.Random(seed), children_of(trees.parents_N.tolist())
    for round_ in range(logits_BNV.shape[0]):
        for node, children in enumerate(children_N):
            if children and rng.random() < share:
                logits_BNV[round_, node, int(trees.tokens_BN[round_, rng.choice(children)])] = 30.0
