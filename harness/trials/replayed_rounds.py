"""Drafters that pay for their drafts and then are as often right as recorded rounds were: what rounds cost, alone.

On a target that follows every token by itself (`soft_models`) a tree is put in the place of the one that was drafted:
as large as the drafter's may be, its first path right as far as a recorded round accepted, everything else wrong.
Which recorded round that is hangs on the position alone, so whoever plays the rounds plays the same. Nothing but times
may be read off them.

Shapes: N nodes of a tree, root included; S recorded rounds.
"""

import csv
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import nn

from offbook.engine.decoding.drafter import Drafter, Form, LearningDrafter
from offbook.engine.decoding.feature_draft import FeatureDrafter
from offbook.engine.decoding.tree import Tree
from offbook.kernels.rerank_tree import Reranked
from offbook.kernels.tree_attention import pack_words

LEADERBOARD = Path(__file__).resolve().parents[2] / "results/leaderboard.csv"
MOST = 512  # recorded rounds that are replayed
D = TypeVar("D", bound=Drafter)


def recorded(decoder: str, path: Path = LEADERBOARD) -> list[int]:
    """How many candidates rounds of a decoder accepted, mixed; none where nothing is recorded of it.

    They are those of the untouched model at temperature 0 in the committed leaderboard, all suites.
    """
    counts: Counter[int] = Counter()
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                what = (row["decoder"], row["student"], row["suite"], float(row["temperature"]))
                if what == (decoder, "untouched", "all", 0.0):
                    told = json.loads(row["acceptance_histogram"] or "{}")
                    counts.update({int(accepted): rounds for accepted, rounds in told.items()})
    found = sorted(counts.elements())
    random.Random(0).shuffle(found)
    return found[:MOST]


def rounds_of(accepted: Sequence[int], *, levels: int, prompt: int, tokens: int) -> int:
    """How many rounds an answer takes whose first token the prefill says."""
    place, left, rounds = prompt, tokens - 1, 0
    while left > 0:
        committed = min(accepted[place % len(accepted)], levels, left - 1) + 1
        place, left, rounds = place + committed, left - committed, rounds + 1
    return rounds


def replayed(drafter: Drafter, accepted: Sequence[int], *, levels: int, vocab_size: int) -> Drafter:
    """The drafter with recorded rounds in the place of its own, played by whom it is played otherwise.

    Args:
        drafter: whose drafts are paid for.
        accepted: of recorded rounds, by position.
        levels: of its trees below the root, at most.
        vocab_size: of the target.
    """
    if isinstance(drafter, FeatureDrafter) and drafter.form is not None:
        return ReplayedWhole(drafter, accepted, vocab_size=vocab_size)
    return ReplayedByHost(drafter, accepted, levels=levels, vocab_size=vocab_size)


class _Replayed(Generic[D]):
    """See `Drafter`: one path through all levels, and all other nodes below the root."""

    def __init__(self, drafter: D, accepted: Sequence[int], *, nodes: int, levels: int, vocab_size: int) -> None:
        self._drafter, self._accepted, self._levels = drafter, accepted, levels
        self._vocab_size, self._parents = vocab_size, _parents(nodes, levels)
        self._root = self._place = 0

    @property
    def networks(self) -> Sequence[nn.Module]:
        """See `Drafter`."""
        return self._drafter.networks

    @property
    def taps(self) -> Sequence[int]:
        """See `Drafter`."""
        return self._drafter.taps

    @property
    def max_nodes(self) -> int:
        """See `Drafter`."""
        return self._drafter.max_nodes

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """See `Drafter`."""
        self._place = 0
        self._drafter.begin(prompt_1P, capacity=capacity)

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """See `Drafter`; the root's place in the text is how many tokens were observed, for the first is not."""
        self._root, self._place = int(tokens_R[count - 1]), self._place + count
        self._drafter.observe(tokens_R, features_RH, count)

    def propose(self) -> Tree:
        """See `Drafter`."""
        self._drafter.propose()
        right = min(self._accepted[self._place % len(self._accepted)], self._levels)
        return Tree(_tokens(self._root, right, len(self._parents), self._vocab_size), self._parents)


class ReplayedByHost(_Replayed[Drafter]):
    """See `LearningDrafter`.

    Args:
        drafter: builds its trees on the host; it is asked for one, and told what was said, as without a replay.
        accepted: of recorded rounds, by position.
        levels: of its trees below the root, at most.
        vocab_size: of the target.
    """

    def __init__(self, drafter: Drafter, accepted: Sequence[int], *, levels: int, vocab_size: int) -> None:
        super().__init__(drafter, accepted, nodes=drafter.max_nodes, levels=levels, vocab_size=vocab_size)

    def learn(self, tree: Tree, logits_NV: torch.Tensor) -> None:
        """See `LearningDrafter`; told to one that is."""
        if isinstance(self._drafter, LearningDrafter):
            self._drafter.learn(tree, logits_NV)


class ReplayedWhole(_Replayed[FeatureDrafter]):
    """See `WholeRoundDrafter`.

    Args:
        drafter: whose passes are paid for.
        accepted: of recorded rounds, by position.
        vocab_size: of the target.
    """

    def __init__(self, drafter: FeatureDrafter, accepted: Sequence[int], *, vocab_size: int) -> None:
        form, device = drafter.form, drafter.head.token_ids.device
        assert form is not None, "rounds of this drafter need the host"
        # The nodes of the path lie in order, and are as many as there are levels.
        super().__init__(drafter, tuple(accepted), nodes=form.nodes, levels=form.levels, vocab_size=vocab_size)
        rows = Tree(tuple(range(form.nodes)), self._parents).tensors(device)
        self._number_N, self._parents_N, self._depths_N = rows.tokens_N, rows.parents_N, rows.depths_N
        self._words_NW = pack_words(rows.visible_NN)
        self._accepted_S = torch.tensor(self._accepted, device=device)

    @property
    def form(self) -> Form | None:
        """See `WholeRoundDrafter`."""
        return self._drafter.form

    @property
    def kept(self) -> Sequence[torch.Tensor]:
        """See `WholeRoundDrafter`."""
        return self._drafter.kept

    def enter(self) -> None:
        """See `WholeRoundDrafter`."""
        self._drafter.enter()

    def draft(self, root: torch.Tensor, start: torch.Tensor) -> Reranked:
        """See `WholeRoundDrafter`."""
        drafted = self._drafter.draft(root, start)
        right = self._accepted_S.index_select(0, (start % self._accepted_S.shape[0]).reshape(1))
        wrong_N = (root + self._number_N) % self._vocab_size
        tokens_N = torch.where(self._number_N <= right.clamp(max=self._levels), root, wrong_N)
        sides = (drafted.undefined[None], tokens_N, self._parents_N, self._depths_N, start + self._depths_N)
        return Reranked(torch.cat(sides), self._words_NW, torch.zeros_like(drafted.scores_N))

    def extend(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: torch.Tensor) -> None:
        """See `WholeRoundDrafter`."""
        self._drafter.extend(tokens_R, features_RH, count)

    def leave(self, root: int, length: int) -> None:
        """See `WholeRoundDrafter`."""
        self._root, self._place = root, length
        self._drafter.leave(root, length)


def _parents(nodes: int, levels: int) -> tuple[int, ...]:
    """Of so many nodes: a path through all levels, then children of the root."""
    return (*range(-1, levels), *[0] * (nodes - 1 - levels))


def _tokens(root: int, right: int, nodes: int, vocab_size: int) -> tuple[int, ...]:
    """Of these nodes: the root's again as far as a round accepts, then others, none of them twice."""
    return tuple(root if number <= right else (root + number) % vocab_size for number in range(nodes))
