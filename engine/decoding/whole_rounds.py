"""Whole rounds on the device: nothing in them waits for the host, which reads what they told one round late.

    draft      the drafter's passes, its pool, the best of it as a tree           (`WholeRoundDrafter.draft`)
    look       one forward of the target over the tree, its verification, the rows of the path    (`target_rounds.look`)
    extend     the drafter passes over what was committed                         (`WholeRoundDrafter.extend`)

All sizes are those of the drafter's form, lengths are tensors, and the seed of a position is looked up in those of the
document by how many were taken. So a round is a function without arguments of tensors that stay where they are.
A CPU calls it; a GPU captures it as one CUDA graph, and does the same again without the time that its host would take
to ask for each kernel. Plain decoding is the same with trees of one node.

The plain loop (`decode`) is the twin, which says the same. It plays the last rounds, in which no whole tree has room.

Shapes: N nodes, R = levels + 1 rows that a round may commit, M numbers that a round tells.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch

from offbook.engine.decoding.drafter import Form, WholeRoundDrafter
from offbook.engine.decoding.graph import Memory, Repeated
from offbook.engine.decoding.late import told_late
from offbook.engine.decoding.target_rounds import Rows, Target, look
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import seed_numbers
from offbook.engine.finite import draft_not_finite, logits_not_finite
from offbook.kernels.verify_tree import NOTHING

AHEAD = 16  # seeds that are looked up at once, at least


class Told(NamedTuple):
    """What a round came to: the tree, the nodes that stand, and the token behind the last of them."""

    tree: Tree
    path: tuple[int, ...]
    bonus: int


class WholeRounds:
    """Rounds of one decoder at these settings, for one document after the other."""

    def __init__(self, target: Target, drafter: WholeRoundDrafter, memory: Memory) -> None:
        self._target, self._drafter = target, drafter
        backbone, cache = target.backbone, target.cache
        self._seeds_S = torch.zeros(cache.capacity, dtype=torch.int64, device=backbone.device)
        self._length, self._root, self._taken = (self._seeds_S.new_zeros(()) for _ in range(3))
        self._told_M = self._seeds_S.new_zeros(0)
        self._repeated = Repeated(self._round, backbone.count_unseen, memory)
        self._ahead = torch.Generator()
        self._known = self._given = self._under_way = 0  # seeds, tokens and rounds

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
        self._begin(root, generator)
        for told_M in told_late(self, room):
            told = self._read(told_M)
            self._given, self._under_way = self._given + len(told.path), self._under_way - 1
            if not self._target.sampling.greedy:
                seed_numbers(len(told.path), generator)
            yield told

    def play(self) -> torch.Tensor:
        """See `Rounds`."""
        self._under_way += 1
        self._look_ahead()
        self._repeated([self._length, self._root, self._taken, *self._drafter.kept])
        return self._told_M

    def end(self, root: int, length: int) -> None:
        """The host counts again: `root` is the token committed last, and so many rows are in front of it."""
        self._target.cache.count_on_host(length)
        self._drafter.leave(root, length)

    def _begin(self, root: int, generator: torch.Generator) -> None:
        self._length.fill_(self._target.cache.length)
        self._root.fill_(root)
        self._taken.zero_()
        self._ahead, self._known, self._given, self._under_way = generator.clone_state(), 0, 0, 0
        self._target.cache.count_on_device(self._length)
        self._drafter.enter()

    def _look_ahead(self) -> None:
        """The seeds of all positions that the rounds under way may come to: that few, for each may be a launch."""
        needed = self._given + self._under_way * self.most
        if needed <= self._known or self._target.sampling.greedy:
            return
        end = min(max(needed, self._known + AHEAD), self._seeds_S.shape[0])
        self._seeds_S[self._known : end].copy_(seed_numbers(end - self._known, self._ahead))
        self._known = end

    def _round(self) -> None:
        drafter, cache, R = self._drafter, self._target.cache, self.most
        tree = drafter.draft(self._root, self._length)
        rows = Rows(tree.tokens_N, tree.parents_N, tree.depths_N, tree.positions_N, tree.words_NW)
        output, walked = look(self._target, rows, self._seeds_S, self._taken)
        path_R, count = walked.path_N[:R], walked.count
        bonus = walked.bonus.clamp(min=0)  # of a round that said nothing, whose text ends when it is read
        following_R = torch.cat([tree.tokens_N[path_R[1:]], bonus[None]])
        last_R = torch.arange(R, device=count.device) == count - 1
        features_NF = output.features(tree.tokens_N.shape[0])
        drafter.extend(following_R.where(~last_R, bonus), features_NF[path_R], count)
        told_M = torch.cat([walked.told, tree.told_M, tree.scores_N.double().view(torch.int64)])
        if self._told_M.shape != told_M.shape:  # in the first round
            self._told_M = torch.empty_like(told_M)
        self._told_M.copy_(told_M)
        self._root.copy_(bonus)
        self._taken.add_(count)
        front = cache.front
        assert isinstance(front, torch.Tensor)
        self._length.copy_(front)
        cache.count_on_device(self._length)

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
