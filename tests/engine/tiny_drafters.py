"""Drafters without a network that know, guess or miss the answer: they reach corners trained ones seldom do."""

import random
from collections.abc import Sequence

import torch
from torch import nn

from offbook.engine.decoding.tree import Tree


class Scripted:
    """Base of the drafters here: keeps the text and remembers what it was told (see `Drafter`)."""

    networks: Sequence[nn.Module] = ()
    taps: Sequence[int] = (-1,)

    def __init__(self, max_nodes: int) -> None:
        self.max_nodes = max_nodes
        self.text: list[int] = []
        self.prompt_length = 0
        self.told: list[tuple[torch.Tensor, torch.Tensor]] = []

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        self.text = prompt_1P[0, :1].tolist()
        self.prompt_length = prompt_1P.shape[1]
        self.told = []

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        self.text += tokens_R[:count].tolist()
        self.told.append((tokens_R[:count], features_RH[:count]))

    @property
    def done(self) -> int:
        """New tokens so far."""
        return len(self.text) - self.prompt_length

    def propose(self) -> Tree:
        return Tree((self.text[-1],), (-1,))


class RandomTrees(Scripted):
    """Grows trees of random shape, some of whose nodes continue the true answer, in random places among siblings."""

    def __init__(self, answer: Sequence[int], *, vocabulary: int, max_nodes: int, hit: float, seed: int) -> None:
        super().__init__(max_nodes)
        self.answer = list(answer)
        self.vocabulary = vocabulary
        self.hit = hit
        self.random = random.Random(seed)

    def propose(self) -> Tree:
        tokens, parents, depths = [self.text[-1]], [-1], [0]
        true_nodes = {0}
        rest = self.answer[self.done :]
        for _ in range(self.random.randrange(self.max_nodes)):
            parent = self.random.choice([max(true_nodes), self.random.randrange(len(tokens))])
            siblings = {t for t, p in zip(tokens, parents, strict=True) if p == parent}
            token = self.random.randrange(self.vocabulary)
            if parent in true_nodes and depths[parent] < len(rest) and self.random.random() < self.hit:
                token = rest[depths[parent]]
            if token in siblings:
                continue
            if parent in true_nodes and depths[parent] < len(rest) and token == rest[depths[parent]]:
                true_nodes.add(len(tokens))
            tokens.append(token)
            parents.append(parent)
            depths.append(depths[parent] + 1)
        return Tree(tuple(tokens), tuple(parents))


class DrawnTrees(Scripted):
    """Draws two candidates without replacement and one behind each, from laws of its own, as drawn drafts are."""

    draws = True

    def __init__(self, laws_VV: torch.Tensor, *, seed: int) -> None:
        super().__init__(5)
        self.laws_VV = laws_VV
        self.generator = torch.Generator().manual_seed(seed)

    def draw_with(self, sampling, generator):
        """Its laws and numbers are its own."""

    def propose(self) -> Tree:
        tokens, parents = [self.text[-1]], [-1]
        for parent, count in ((0, 2), (1, 1), (2, 1)):
            drawn = torch.multinomial(self.laws_VV[tokens[parent]], count, generator=self.generator)
            tokens += drawn.tolist()
            parents += [parent] * count
        return Tree(tuple(tokens), tuple(parents), drawn_from_NV=self.laws_VV[tokens])


class Oracle(Scripted):
    """Knows the answer: a chain of its next `depth` tokens, each beside `decoys` wrong siblings that come first."""

    def __init__(self, answer: Sequence[int], *, depth: int, decoys: int = 0) -> None:
        super().__init__(1 + depth * (1 + decoys))
        self.answer = list(answer)
        self.depth = depth
        self.decoys = decoys

    def propose(self) -> Tree:
        tokens, parents, parent = [self.text[-1]], [-1], 0
        for true in self.answer[self.done : self.done + self.depth]:
            wrong = [t for t in range(self.decoys + 1) if t != true][: self.decoys]
            tokens += [*wrong, true]
            parents += [parent] * (self.decoys + 1)
            parent = len(tokens) - 1
        return Tree(tuple(tokens), tuple(parents))


class Never(Scripted):
    """Knows the answer and proposes anything else."""

    def __init__(self, answer: Sequence[int], *, depth: int, vocabulary: int) -> None:
        super().__init__(1 + depth)
        self.answer = list(answer)
        self.depth = depth
        self.vocabulary = vocabulary

    def propose(self) -> Tree:
        true = self.answer[self.done : self.done + self.depth]
        return Tree.chain([self.text[-1], *((t + 1) % self.vocabulary for t in true)])
