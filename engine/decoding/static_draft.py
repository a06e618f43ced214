"""A feature-level drafter whose tree has one shape for all rounds (EAGLE, arXiv:2401.15077, section 4.1).

The shape is a list of paths of ranks: node (r_1 .. r_n) is the r_n-th candidate behind node (r_1 .. r_{n-1}). At
temperature 0 that is the r-th best token of the draft law there; above it the r-th of those that are *drawn* from it,
one after the other without replacement, under the settings of the target's own draws, so that the verifier for drawn
candidates may accept more of them. How many are drawn where is settled beforehand and hangs on none of them. Siblings
are never put in another order, which would be another law.

Passes as in `feature_draft`: the extend pass gives level 1, and each further level one pass over the nodes with
candidates below them, each with the feature that it continues from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.draft_head import Head
from offbook.engine.decoding.drafter import Form
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.feature_network import FeatureNetwork
from offbook.engine.decoding.readout import Candidates, OneFeature, Readout
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.engine.finite import draft_not_finite
from offbook.kernels.tree_attention import prefix_and_tree

Path = tuple[int, ...]


@dataclass(frozen=True)
class RankTree:
    """The shape of a static tree.

    Attributes:
        paths: of ranks, each one's beginning and the rank before it among them, for what is drawn third was drawn from
            a law without the second.

    Raises:
        ValueError: no path, or one without its beginning or the rank before.
    """

    paths: tuple[Path, ...]

    def __post_init__(self) -> None:
        known = {(), *self.paths}
        if not self.paths or () in self.paths or not all(known.issuperset(_before(path)) for path in self.paths):
            msg = (
                "expected paths of ranks, each one's beginning and the rank before it among them, got "
                f"{self.paths}; add what is missing"
            )
            raise ValueError(msg)

    @cached_property
    def ranks(self) -> dict[Path, tuple[int, ...]]:
        """The ranks of the candidates behind each node that has any, ascending."""
        behind: dict[Path, list[int]] = {}
        for *before, rank in sorted(self.paths):
            behind.setdefault(tuple(before), []).append(rank)
        return {node: tuple(ranks) for node, ranks in behind.items()}

    @property
    def config(self) -> TreeConfig:
        """What the passes need room for."""
        depth = max(map(len, self.paths))
        return TreeConfig(
            total_tokens=1 + len(self.paths), depth=max(1, depth - 1), top_k=1 + max(map(max, self.paths))
        )

    def first(self, count: int) -> "RankTree":
        """The `count` nodes of the lowest ranks and depths."""
        return RankTree(tuple(sorted(self.paths, key=lambda path: (sum(path) + len(path), path))[:count]))


def _before(path: Path) -> tuple[Path, ...]:
    """What has to be drawn before a candidate: the one above it, and the sibling before it."""
    *above, rank = path
    return (tuple(above), *([(*above, rank - 1)] if rank else []))


class StaticDrafter(FeatureDrafter):
    """See `DrawingDrafter`.

    Args:
        backbone: the target.
        network: predicts features.
        head: of the draft vocabulary.
        shape: of the tree.
        readout: see `FeatureDrafter`.
    """

    draws = True

    def __init__(
        self,
        backbone: Backbone,
        network: FeatureNetwork,
        head: Head,
        *,
        shape: RankTree,
        readout: Callable[[Head], Readout] = OneFeature,
    ) -> None:
        super().__init__(backbone, network, head, tree=shape.config, contrast=False, readout=readout)
        self.shape = shape
        self._vocab_size = backbone.embedding_VH.shape[0]
        self._sampling: Sampling | None = None
        self._generator = torch.Generator()

    @property
    def levels_by_pass(self) -> tuple[int, ...]:
        """See `StagedDrafter`."""
        return (1,) * max(map(len, self.shape.paths))

    @property
    def form(self) -> Form | None:
        """See `WholeRoundDrafter`; its trees are put together on the host."""
        return None

    def draw_with(self, sampling: Sampling, generator: torch.Generator) -> None:
        """See `DrawingDrafter`."""
        self._sampling, self._generator = None if sampling.greedy else sampling, generator

    @torch.inference_mode()
    def propose(self) -> Tree:
        """See `Drafter`."""
        assert self._extended is not None, "nothing has been observed yet"
        predicted, base = self._extended, self._cache.length
        candidates = self._candidates(predicted.following_R)
        device = candidates.tokens_RK.device
        grown = _Grown(self._root)
        frontier: list[Path] = [()]
        rows_of_parents, sources = [0], [0]
        seen_RS = torch.zeros(1, 0, dtype=torch.bool, device=device)
        for level in range(max(map(len, self.shape.paths))):
            if level:
                own = torch.eye(len(frontier), dtype=torch.bool, device=device)
                seen_RS = torch.cat([seen_RS[rows_of_parents], own], dim=1)
                predicted = self._predict(
                    torch.tensor([[grown.tokens[grown.places[node]] for node in frontier]], device=device),
                    candidates.features_FH[sources][None],
                    torch.full((1, len(frontier)), base + level - 1, device=device),
                    prefix_and_tree(seen_RS, base),
                    contrast=False,
                )
                self._cache.commit(len(frontier))
                candidates = self._candidates(predicted.following_R)
            possible = _possible(candidates)
            following: list[Path] = []
            rows_of_parents, sources = [], []
            for row, node in enumerate(frontier):
                if candidates.laws_RTD is not None:
                    grown.laws[grown.places[node]] = candidates.laws_RTD[row]
                for rank in self.shape.ranks[node]:
                    if rank < len(possible[row]):  # fewer may be drawn than the shape has places
                        token, chance, source = possible[row][rank]
                        grown.add(node, rank, token, chance)
                        if (*node, rank) in self.shape.ranks:
                            following.append((*node, rank))
                            rows_of_parents.append(row)
                            sources.append(source)
            frontier = following
            if not frontier:
                break
        self._cache.cut_back(base)
        return grown.tree(self._vocab_size, self.head.token_ids)

    def _candidates(self, predicted_R: torch.Tensor) -> Candidates:
        if self._sampling is None:
            return self.readout.likeliest(predicted_R, self.tree.top_k)
        return self.readout.drawn(predicted_R, self.tree.top_k, self._sampling, self._generator)


def _possible(candidates: Candidates) -> list[list[tuple[int, float, int]]]:
    """Of each row the candidates, token, probability and source; of drawn ones those before the first that was none.

    Raises:
        NotFiniteError: a probability is none.
    """
    if bool(candidates.logprobs_RK.isnan().any()):
        raise draft_not_finite()
    sides = (candidates.tokens_RK, candidates.logprobs_RK.double().exp(), candidates.sources_RK)
    rows = [[*zip(*row, strict=True)] for row in zip(*(side.tolist() for side in sides), strict=True)]
    if candidates.laws_RTD is None:
        return rows
    return [[*takewhile(lambda one: one[1] > 0, row)] for row in rows]


class _Grown:
    """A tree on its way; nodes are named by their paths of ranks."""

    def __init__(self, root: int) -> None:
        self.tokens, self.parents, self.survival = [root], [-1], [1.0]
        self.places: dict[Path, int] = {(): 0}
        self.laws: dict[int, torch.Tensor] = {}

    def add(self, parent: Path, rank: int, token: int, chance: float) -> None:
        place = self.places[parent]
        self.places[*parent, rank] = len(self.tokens)
        self.tokens.append(token)
        self.parents.append(place)
        self.survival.append(self.survival[place] * min(1.0, chance))

    def tree(self, vocab_size: int, token_ids: torch.Tensor) -> Tree:
        tokens, parents = tuple(self.tokens), tuple(self.parents)
        if not self.laws:
            return Tree(tokens, parents, tuple(self.survival))
        turns = len(self.laws[0])
        drawn_from_NTV = self.laws[0].new_zeros(len(tokens), turns, vocab_size)
        for place, law_TD in self.laws.items():
            drawn_from_NTV[place][:, token_ids] = law_TD
        return Tree(tokens, parents, drawn_from_NV=drawn_from_NTV[:, 0] if turns == 1 else drawn_from_NTV)
