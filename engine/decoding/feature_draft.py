"""A drafter over a feature-level draft network: EAGLE-2's dynamic tree, with or without parallel last levels.

Per round (EAGLE-2, arXiv:2406.16858; CEPD, arXiv:2502.06282):

    pass 0        extend over the newly committed (feature, token) pairs; its last row gives level 1
    pass g >= 1   the K kept nodes of level g, each with the feature it continues from, give level g + 1
    re-rank       of all candidates seen the best N by cumulative log-probability form the tree

EAGLE-2 makes passes 0..D for D + 1 levels. A network with a contrast branch (Jakiro) makes one pass fewer:
pass D - 1 predicts, for each of its rows, also the position after the child, and the last level hangs from
these lists. Each kept node of level D takes the list of *its own parent's* row (the released code attaches
row r to the r-th kept node, usually somebody else's).

Positions: the pair (f_i, t_{i+1}) sits at i; with L committed pairs the nodes of level g sit at L + g - 1, so
siblings share a position. Only the extend rows stay in the draft's cache.

Above temperature 0 the next token is not the likeliest but the winner of a race whose noise can be known. `coupled`: in
place of a token's probability stands that to win the race (`engine.decoding.coupling`).

Extend rows have what the network fuses of the target's states (EAGLE: the last state itself; EAGLE-3: several layers'),
all deeper rows a prediction of the network as it is: their parent's, or of several that their parent has the one whose
candidate they are (`readout`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.coupling import Race
from offbook.engine.decoding.draft_head import Head
from offbook.engine.decoding.drafter import Form, SeedsAhead
from offbook.engine.decoding.feature_network import FeatureNetwork
from offbook.engine.decoding.layouts.draft_products import lay_out
from offbook.engine.decoding.predicted import KeptPrediction, Predicted
from offbook.engine.decoding.readout import Candidates, OneFeature, Readout
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree, rerank
from offbook.kernels.rerank_tree import Reranked, rerank_tree
from offbook.kernels.tree_attention import Visible, prefix_and_tree


@dataclass(frozen=True, kw_only=True)
class TreeConfig:
    """Shape of the dynamic tree.

    Attributes:
        total_tokens: nodes the target verifies, root included.
        depth: D; candidates reach D + 1 levels below the root.
        top_k: K; children drawn per node and nodes kept per level.
    """

    total_tokens: int = 16
    depth: int = 3
    top_k: int = 8

    def __post_init__(self) -> None:
        pool = self.top_k + self.depth * self.top_k**2
        if not (self.depth >= 1 and self.top_k >= 1 and 2 <= self.total_tokens <= pool + 1):
            msg = (
                f"expected depth >= 1, top_k >= 1 and 2 <= total_tokens <= top_k + depth * top_k^2 + 1, got depth "
                f"{self.depth}, top_k {self.top_k}, total_tokens {self.total_tokens}; change the tree"
            )
            raise ValueError(msg)


class FeatureDrafter:
    """See `Drafter`.

    Args:
        backbone: the target.
        network: predicts features.
        head: of the draft vocabulary.
        tree: its shape.
        contrast: whether the network predicts the last two levels in one pass.
        readout: makes candidates of predictions; by default those of one feature a row.
        coupled: whether candidates take the noise of the target's draws into account, above temperature 0.

    Raises:
        ValueError: a tree wider than the draft vocabulary.
    """

    def __init__(
        self,
        backbone: Backbone,
        network: FeatureNetwork,
        head: Head,
        *,
        tree: TreeConfig,
        contrast: bool,
        readout: Callable[[Head], Readout] = OneFeature,
        coupled: bool = False,
    ) -> None:
        if tree.top_k > head.token_ids.shape[0]:
            msg = (
                f"expected top_k of at most the draft vocabulary, {head.token_ids.shape[0]}, got {tree.top_k}; lower it"
            )
            raise ValueError(msg)
        self.network = network.eval()
        self.head = head
        lay_out(network, backbone.layout)
        head.lay_out(backbone.layout)
        self.tree = tree
        self.contrast = contrast
        self.readout = readout(head)
        self.coupled = coupled
        self._race: Race | None = None
        self._embedding_VH = backbone.embedding_VH
        self._cache = TreeCache(num_layers=1, capacity=0)
        self._root = 0
        self._extended: Predicted | None = None
        self._kept: KeptPrediction | None = None

    @property
    def networks(self) -> Sequence[nn.Module]:
        """See `Drafter`."""
        return (self.network,)

    @property
    def taps(self) -> Sequence[int]:
        """See `Drafter`."""
        return self.network.config.taps

    @property
    def max_nodes(self) -> int:
        """See `Drafter`."""
        return self.tree.total_tokens

    @property
    def levels_by_pass(self) -> tuple[int, ...]:
        """See `StagedDrafter`: one each, but two of the last where the network predicts the contrast."""
        return (1,) * (self.tree.depth - 1) + ((2,) if self.contrast else (1, 1))

    @property
    def form(self) -> Form | None:
        """See `WholeRoundDrafter`; races are run on the host."""
        nodes = self.tree.total_tokens
        form = Form(nodes=nodes, levels=min(self.tree.depth + 1, nodes - 1), passes=len(self.levels_by_pass))
        return form if self._race is None else None

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """See `Drafter`."""
        rows = capacity + self.tree.depth * self.tree.top_k
        if self._kept is None or rows != self._cache.capacity:  # else a captured round knows where they lie
            self._cache, self._kept = TreeCache(num_layers=1, capacity=rows), None
        self._cache.count_on_host(0)
        self._race = None

    def couple(self, sampling: Sampling, seeds_ahead: SeedsAhead) -> None:
        """See `CoupledDrafter`."""
        self._race = Race(sampling, seeds_ahead)

    @torch.inference_mode()
    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """See `Drafter`; this is pass 0."""
        self._extended = self._extend(tokens_R[:count], features_RH[:count], last_only=True)
        self._cache.commit(count)
        self._root = int(tokens_R[count - 1])

    def _extend(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, *, last_only: bool) -> Predicted:
        rows, front, device = tokens_R.shape[0], self._cache.front, tokens_R.device
        return self._predict(
            tokens_R[None],
            self.network.fuse(features_RH[None]),
            torch.arange(rows, device=device)[None] + front,
            prefix_and_tree(torch.ones(rows, rows, dtype=torch.bool, device=device).tril(), front),
            contrast=self.contrast and self.tree.depth == 1,
            last_only=last_only,
        )

    @torch.inference_mode()
    def propose(self) -> Tree:
        """See `Drafter`."""
        scores_P, tokens_P, parents_P = self._pool()
        keep = self.tree.total_tokens - 1
        return rerank(scores=scores_P, tokens=tokens_P, parents=parents_P, root=self._root, keep=keep)

    def _pool(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Scores, tokens and parents of all candidates of a round, by the passes over its levels; see `rerank`."""
        assert self._extended is not None, "nothing has been observed yet"
        K, D = self.tree.top_k, self.tree.depth
        predicted, base = self._extended, self._cache.front
        if self._race is not None:
            self._race.look(D + 1)
        candidates = self._read(predicted.following_R, 0)
        device = candidates.tokens_RK.device
        scores, tokens = candidates.logprobs_RK.flatten(), candidates.tokens_RK.flatten()
        sources = candidates.sources_RK.flatten()  # which of the last features each kept node continues from
        pool_scores, pool_tokens = [scores], [tokens]
        pool_parents = [torch.full((K,), -1, device=device)]
        frontier = torch.arange(K, device=device)  # pool indices of the kept nodes of this level
        rows = torch.zeros(K, dtype=torch.long, device=device)  # which row of the last pass is their parent's
        seen_KS = torch.zeros(K, 0, dtype=torch.bool, device=device)  # tree rows of the draft cache their parents see
        offset = K
        for level in range(1, D + 1):
            if level == D and self.contrast:
                assert predicted.later_R is not None
                later = self._read(predicted.later_R, level)
                logprobs_KK, children_KK = later.logprobs_RK[rows], later.tokens_RK[rows]
            else:
                own = torch.eye(K, dtype=torch.bool, device=device)
                seen_KS = torch.cat([seen_KS, own], dim=1)
                predicted = self._predict(
                    tokens[None],
                    candidates.features_FH[sources][None],
                    torch.full((1, K), level - 1, device=device) + base,
                    prefix_and_tree(seen_KS, base),
                    contrast=self.contrast and level == D - 1,
                )
                self._cache.commit(K)
                candidates = self._read(predicted.following_R, level)
                logprobs_KK, children_KK = candidates.logprobs_RK, candidates.tokens_RK
            block = (scores[:, None] + logprobs_KK).flatten()
            pool_scores.append(block)
            pool_tokens.append(children_KK.flatten())
            pool_parents.append(frontier.repeat_interleave(K))
            if level < D:
                kept = torch.sort(block, descending=True, stable=True).indices[:K]
                scores, tokens, rows = block[kept], children_KK.flatten()[kept], kept // K
                sources = candidates.sources_RK.flatten()[kept]
                seen_KS = seen_KS[rows]
                frontier = offset + kept
                offset += K * K
        self._cache.cut_back(base)
        return torch.cat(pool_scores), torch.cat(pool_tokens), torch.cat(pool_parents)

    @property
    def kept(self) -> Sequence[torch.Tensor]:
        """See `WholeRoundDrafter`."""
        return () if self._kept is None else self._kept.tensors

    def enter(self) -> None:
        """See `WholeRoundDrafter`."""
        assert self._extended is not None, "nothing has been observed yet"
        self._kept = self._kept or KeptPrediction(self._extended)
        self._kept.begin(self._extended, self._cache)
        self._extended = self._kept.predicted

    def draft(self, root: torch.Tensor, start: torch.Tensor) -> Reranked:
        """See `WholeRoundDrafter`."""
        return rerank_tree(*self._pool(), root, keep=self.tree.total_tokens - 1, start=start)

    def extend(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: torch.Tensor) -> None:
        """See `WholeRoundDrafter`."""
        assert self._kept is not None, "the host counts"
        predicted = self._extend(tokens_R, features_RH, last_only=False)
        self._cache.commit(count)
        self._kept.go_on(predicted.of_row(count - 1), self._cache)

    def leave(self, root: int, length: int) -> None:
        """See `WholeRoundDrafter`."""
        self._cache.count_on_host(length)
        self._root = root

    def _read(self, predicted_R: torch.Tensor, level: int) -> Candidates:
        """The most promising children of nodes of a level."""
        if self._race is None:
            return self.readout.likeliest(predicted_R, self.tree.top_k)
        return self.readout.foreseen(predicted_R, self.tree.top_k, self._race, level)

    def _predict(
        self,
        tokens_1R: torch.Tensor,
        features_1RH: torch.Tensor,
        positions_1R: torch.Tensor,
        visible: Visible,
        *,
        contrast: bool,
        last_only: bool = False,
    ) -> Predicted:
        following, later = self.network(
            nn.functional.embedding(tokens_1R, self._embedding_VH),
            features_1RH,
            positions_1R,
            visible,
            cache=self._cache,
            contrast=contrast,
            last_only=last_only,
        )
        return Predicted(following[0], None if later is None else later[0])
