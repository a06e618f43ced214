"""Whole rounds on the device: nothing in them waits for the host, which reads what they told one round late.

    draft      the drafter's passes, its pool, the best of it as a tree          (`WholeRoundDrafter.draft`)
    look       one forward of the target over the tree
    verify     what the target says behind every node, and the walk              (`kernels.verify_tree`)
    keep       the path's rows move together in the cache                        (`kernels.compact_cache`)
    extend     the drafter passes over what was committed                        (`WholeRoundDrafter.extend`)

All sizes are those of the drafter's form, lengths are tensors, and the seed of a position is looked up in those of the
whole document by how many were taken. So a round is a function without arguments of tensors that stay where they are.
A CPU calls it; a GPU captures it as one CUDA graph, and does the same again without the time that its host would take
to ask for each kernel. Plain decoding is the same with trees of one node.

The plain loop (`decode`) is the twin, which says the same. It plays the last rounds, in which no whole tree has room.

Shapes: N nodes, R = levels + 1 rows that a round may commit, M numbers that a round tells.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.controller import Controller, Everything
from offbook.engine.decoding.drafter import Drafter, Form, LearningDrafter, WholeRoundDrafter
from offbook.engine.decoding.graph import Graph
from offbook.engine.decoding.late import told_late
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import seed_numbers
from offbook.engine.finite import draft_not_finite, logits_not_finite
from offbook.kernels.verify_tree import NOTHING, verify_tree

AT_ONCE = 1024  # rows by which a cache grows that several documents share


class EitherWay(Drafter, WholeRoundDrafter, Protocol):
    """A drafter for both loops."""


class Told(NamedTuple):
    """What a round came to: the tree, the nodes that stand, and the token behind the last of them."""

    tree: Tree
    path: tuple[int, ...]
    bonus: int


def whole_rounds(
    backbone: Backbone,
    drafter: Drafter,
    controller: Controller | None,
    sampling: Sampling,
    *,
    capacity: int,
    before: "WholeRounds | None" = None,
) -> "WholeRounds | None":
    """Those of a decoder with the exact verifier for one document; None where a round of it needs the host.

    Args:
        backbone: the target.
        drafter: proposes.
        controller: see `Drafting`.
        sampling: the settings.
        capacity: rows that the document may need, candidates included.
        before: of the last document, which are taken again where they fit.
    """
    possible = isinstance(controller, Everything | None) and backbone.hangs_on_rows_alone
    if not possible or isinstance(drafter, LearningDrafter) or not isinstance(drafter, WholeRoundDrafter):
        return None
    if before is None or before.sampling != sampling or before.capacity < capacity:
        return WholeRounds(backbone, drafter, sampling, capacity=-(-capacity // AT_ONCE) * AT_ONCE)
    before.cache.count_on_host(0)
    return before


class WholeRounds:
    """Rounds of one decoder at these settings, for one document after the other.

    Args:
        backbone: the target, in its plain layout.
        drafter: proposes.
        sampling: the settings.
        capacity: rows of the caches, candidates included.

    Attributes:
        cache: the target's, empty before a document begins.
    """

    def __init__(self, backbone: Backbone, drafter: EitherWay, sampling: Sampling, *, capacity: int) -> None:
        self.cache, self.capacity, self.sampling = backbone.new_cache(capacity), capacity, sampling
        self._backbone, self._drafter = backbone, drafter
        self._seeds_S = torch.zeros(capacity, dtype=torch.int64, device=backbone.device)
        self._length, self._root, self._taken = (self._seeds_S.new_zeros(()) for _ in range(3))
        self._told_M = self._seeds_S.new_zeros(0)
        self._captured: tuple[Graph, list[torch.Tensor]] | None = None

    @property
    def form(self) -> Form | None:
        """See `WholeRoundDrafter`."""
        return self._drafter.form

    @property
    def most(self) -> int:
        """Tokens that a round commits, at most."""
        return self._form.levels + 1

    @property
    def passes(self) -> int:
        """Of the drafter's networks a round."""
        return self._form.passes

    @property
    def _form(self) -> Form:
        form = self._drafter.form
        assert form is not None, "rounds of this drafter need the host"
        return form

    def told(self, root: int, room: Callable[[], int], generator: torch.Generator) -> Iterator[Told]:
        """Plays rounds behind what has been committed, and gives what each came to while the next is played.

        Args:
            root: the token committed last; cache and drafter know all before it.
            room: how many tokens may follow those that have been given.
            generator: the seeds of what was given are taken from it before the next is given.

        Raises:
            NotFiniteError: logits where the walk ended, or scores of candidates, are not finite.
        """
        self._begin(root, room(), generator)
        for told_M in told_late(self, room):
            told = self._read(told_M)
            if not self.sampling.greedy:
                seed_numbers(len(told.path), generator)
            yield told

    def play(self) -> torch.Tensor:
        """See `Rounds`."""
        if self._backbone.device.type != "cuda":
            self._round()
            return self._told_M
        state = [self._length, self._root, self._taken, *self._drafter.kept]
        if self._captured is None or not all(map(_same, state, self._captured[1])):
            self._captured = Graph(self._round, state), state
            self._backbone.count_unseen(-Graph.calls)  # these were no rounds
        self._captured[0].replay()
        self._backbone.count_unseen(1)
        return self._told_M

    def end(self, root: int, length: int) -> None:
        """The host counts again: `root` is the token committed last, and so many rows are in front of it."""
        self.cache.count_on_host(length)
        self._drafter.leave(root, length)

    def _begin(self, root: int, room: int, generator: torch.Generator) -> None:
        self._length.fill_(self.cache.length)
        self._root.fill_(root)
        self._taken.zero_()
        if not self.sampling.greedy:
            count = room + self.most  # a round that is played in vain looks farther
            self._seeds_S[:count].copy_(seed_numbers(count, generator.clone_state()))
        self.cache.count_on_device(self._length)
        self._drafter.enter()

    def _round(self) -> None:
        drafter, sampling, R = self._drafter, self.sampling, self.most
        tree = drafter.draft(self._root, self._length)
        output = self._backbone.step(tree.tokens_N, tree.positions_N, tree.words_NW, self.cache, taps=drafter.taps)
        walked = verify_tree(
            output.logits_NV if sampling.greedy else sampling.filtered(output.logits_NV),
            tree.tokens_N,
            tree.parents_N,
            tree.depths_N,
            temperature=sampling.temperature,
            seeds_S=None if sampling.greedy else self._seeds_S,
            taken=self._taken,
        )
        path_R, count = walked.path_N[:R], walked.count
        self.cache.commit_path(path_R, count)
        bonus = walked.bonus.clamp(min=0)  # of a round that said nothing, whose text ends when it is read
        following_R = torch.cat([tree.tokens_N[path_R[1:]], bonus[None]])
        last_R = torch.arange(R, device=count.device) == count - 1
        drafter.extend(following_R.where(~last_R, bonus), output.features(len(tree.tokens_N))[path_R], count)
        told_M = torch.cat([walked.told, tree.told_M, tree.scores_N.double().view(torch.int64)])
        if self._told_M.shape != told_M.shape:  # in the first round
            self._told_M = torch.empty_like(told_M)
        self._told_M.copy_(told_M)
        self._root.copy_(bonus)
        self._taken.add_(count)
        front = self.cache.front
        assert isinstance(front, torch.Tensor)
        self._length.copy_(front)
        self.cache.count_on_device(self._length)

    def _read(self, told_M: torch.Tensor) -> Told:
        N = self._form.nodes
        count, bonus, *path, undefined = told_M[: 3 + N].tolist()
        if undefined:
            raise draft_not_finite()
        if bonus == NOTHING:
            raise logits_not_finite()
        tokens, parents = told_M[3 + N : 3 + 3 * N].reshape(2, N).tolist()
        survival = told_M[-N:].view(torch.float64).exp().clamp(max=1.0).tolist()
        return Told(Tree(tuple(tokens), tuple(parents), tuple(survival)), tuple(path[:count]), bonus)


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one is other
