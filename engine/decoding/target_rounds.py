"""The target's half of a round in tensors alone: it looks at a tree, is verified, and the path's rows move together.

    look       one forward over the tree, behind a length that the device knows
    verify     what the target says behind every node, and the walk              (`kernels.verify_tree`)
    keep       the path's rows move together in the cache                        (`kernels.compact_cache`)

Rounds that are whole (`engine.decoding.whole_rounds`) call `look` on trees that the device has built. Of trees that the
host has built `TargetRounds` plays it: filled up to one of a few sizes, so that a GPU captures a graph for each of
them, and with one small read. Where another rule verifies, as of candidates that were drawn, it plays the forward
alone. So the forward of the target costs every decoder the same, whoever drafts and whoever judges.

Shapes: N nodes, those that fill up included, W words a node.
"""

from typing import NamedTuple

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.graph import Memory, Repeated
from offbook.engine.decoding.layouts.layout import StepOutput
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import Verdict, seed_numbers
from offbook.engine.finite import logits_not_finite
from offbook.kernels.implementation import triton_runs
from offbook.kernels.tree_attention.words import WORD
from offbook.kernels.verify_tree import NOTHING, Walked, verify_tree


class Rows(NamedTuple):
    """A tree on the device, as `Reranked` has it; a further node with parent -1 is none."""

    tokens_N: torch.Tensor
    parents_N: torch.Tensor
    depths_N: torch.Tensor
    positions_N: torch.Tensor
    words_NW: torch.Tensor


class Target(NamedTuple):
    """Who is asked: the model, what it remembers, how it draws, and which of its states are read."""

    backbone: Backbone
    cache: TreeCache
    sampling: Sampling
    taps: tuple[int, ...]


def look(
    target: Target, tree: Rows, seeds_S: torch.Tensor, taken: torch.Tensor | None = None
) -> tuple[StepOutput, Walked]:
    """One forward over a tree and the walk through it; its rows are kept. The cache counts on the device.

    Args:
        target: is asked.
        tree: at what.
        seeds_S: see `verify_tree`; not read at temperature 0.
        taken: likewise.
    """
    cache, sampling, output = target.cache, target.sampling, see(target, tree)
    walked = verify_tree(
        output.logits_NV if sampling.greedy else sampling.filtered(output.logits_NV),
        tree.tokens_N,
        tree.parents_N,
        tree.depths_N,
        temperature=sampling.temperature,
        seeds_S=None if sampling.greedy else seeds_S,
        taken=taken,
    )
    if tree.tokens_N.shape[0] == 1:
        cache.commit(walked.count)  # it lies in place
    else:
        cache.commit_path(walked.path_N, walked.count)
    return output, walked


def see(target: Target, tree: Rows) -> StepOutput:
    """The forward alone."""
    backbone, cache, _, taps = target
    return backbone.step(tree.tokens_N, tree.positions_N, tree.words_NW, cache, taps=taps)


def size_of(nodes: int) -> int:
    """That a tree is filled up to: the next power of two."""
    return 1 << (nodes - 1).bit_length()


class TargetRounds:
    """The target's half of rounds whose trees the host builds. The host counts the cache in between.

    Args:
        target: is asked.
        memory: what graphs need in between.
    """

    def __init__(self, target: Target, memory: Memory | None = None) -> None:
        self._target, self._memory = target, memory or Memory()
        self._front = torch.zeros((), dtype=torch.int64, device=target.backbone.device)
        self._halves: dict[tuple[int, bool], _Half] = {}

    def play(self, tree: Tree, generator: torch.Generator) -> tuple[StepOutput, Verdict]:
        """What the target says of a tree whose candidates are a function of the text; the path's rows are kept.

        What is given lies in memory that the next round writes over.

        Raises:
            NotFiniteError: logits where the walk ended are not finite.
        """
        cache, greedy = self._target.cache, self._target.sampling.greedy
        length, deep = cache.length, 1 + max(tree.depths)
        half = self._half(len(tree), judged=True)
        if not greedy:
            half.seeds_N[:deep].copy_(seed_numbers(deep, generator.clone_state()))
        output, walked = self._played(half, tree)
        assert walked is not None
        count, bonus, *path = walked.told.tolist()
        cache.count_on_host(length + count)
        if bonus == NOTHING:
            raise logits_not_finite()
        if not greedy:
            seed_numbers(count, generator)  # taken now
        known = (tuple(path[:count]), bonus)
        return output, Verdict(path_R=walked.path_N, count=walked.count, bonus=walked.bonus, known=known)

    def step(self, tree: Tree) -> StepOutput:
        """The forward alone, for a rule that is none of `verify_tree`; no row is kept yet."""
        return self._played(self._half(len(tree), judged=False), tree)[0]

    def make_ready(self, most: int, *, judged: bool) -> None:
        """Plays the bare root in all sizes up to `most` nodes, behind the rows that are there; nothing is kept.

        Larger ones come first, whose memory the others then share.
        """
        length = self._target.cache.length
        for power in reversed(range(size_of(most).bit_length())):
            self._played(self._half(1 << power, judged=judged), Tree((0,), (-1,)))
            self._target.cache.count_on_host(length)

    def _half(self, nodes: int, *, judged: bool) -> "_Half":
        size = size_of(nodes)
        if (size, judged) not in self._halves:
            self._halves[size, judged] = _Half(self._target, size, self._front, self._memory, judged=judged)
        return self._halves[size, judged]

    def _played(self, half: "_Half", tree: Tree) -> tuple[StepOutput, Walked | None]:
        """What became of a tree, of its own nodes alone."""
        length, n = self._target.cache.length, len(tree)
        half.sent_M.copy_(torch.tensor(filled(tree, half.nodes, start=length)))
        self._front.fill_(length)
        half.play([self._front])
        self._target.cache.count_on_host(length)
        output, walked = half.found()
        return StepOutput(logits_NV=output.logits_NV[:n], states=tuple(state[:n] for state in output.states)), walked


class _Half:
    """That of trees of one size: what is sent, what is found, and the function between."""

    def __init__(self, target: Target, nodes: int, front: torch.Tensor, memory: Memory, *, judged: bool) -> None:
        self.nodes, self._words = nodes, -(-nodes // WORD)
        self._target, self._front, self._judged = target, front, judged
        self.sent_M, self.seeds_N = front.new_zeros(nodes * (4 + self._words)), front.new_zeros(nodes)
        self.play = Repeated(self._play, target.backbone.count_unseen, memory)
        self._found: tuple[StepOutput, Walked | None] | None = None

    def found(self) -> tuple[StepOutput, Walked | None]:
        """By the last play."""
        assert self._found is not None, "nothing has been played yet"
        return self._found

    def _play(self) -> None:
        N, W = self.nodes, self._words
        tokens_N, parents_N, depths_N, positions_N = self.sent_M[: 4 * N].view(4, N)
        tree = Rows(tokens_N, parents_N, depths_N, positions_N, self.sent_M[4 * N :].view(N, W))
        self._target.cache.count_on_device(self._front)  # again before every call, for a call leaves another tensor
        self._found = look(self._target, tree, self.seeds_N) if self._judged else (see(self._target, tree), None)


def captures(backbone: Backbone) -> bool:
    """Whether rounds of a target are captured: on a GPU, by kernels, for their plain references wait for the host.

    Its forward hangs on nothing but what stays in its place then, and waits for nobody (`Backbone.may_be_captured`).
    """
    weight = backbone.embedding_VH
    return weight.is_cuda and triton_runs(weight) and backbone.may_be_captured


def filled(tree: Tree, size: int, *, start: int) -> list[int]:
    """Tokens, parents, depths and positions of `size` nodes, then the words of who sees whom.

    Args:
        tree: its nodes come first; those behind are none, and see themselves alone.
        size: how many nodes there are.
        start: the root's position.
    """
    more = size - len(tree)
    depths = [*tree.depths, *[0] * more]
    sees: list[int] = []
    for node, parent in enumerate([*tree.parents, *[-1] * more]):
        sees.append(1 << node | (sees[parent] if parent >= 0 else 0))
    words = [_signed(row >> first) for row in sees for first in range(0, size, WORD)]
    positions = [start + depth for depth in depths]
    return [*tree.tokens, *[0] * more, *tree.parents, *[-1] * more, *depths, *positions, *words]


def _signed(bits: int) -> int:
    """The last 64 of them, as int64 holds them."""
    low = bits & (1 << WORD) - 1
    return low - (1 << WORD) if low >> WORD - 1 else low
