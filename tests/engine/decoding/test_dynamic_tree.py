"""The dynamic tree of feature-level drafters, against a brute-force EAGLE-2 written from its pool-index formulas.

The brute force keeps no cache and shares no code with the drafter: every node's feature comes from one forward of
the network over all committed pairs plus the node's own path.
"""

import functools
import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from offbook.engine.decoding.clock import CallCounter
from offbook.engine.decoding.draft_head import DraftHead, OwnHead
from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.feature_network import FeatureNetwork
from tests.engine import eagle3_drafters
from tests.engine.targets import VOCABULARY, feature_drafter, target


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def rows(backbone, tokens, taps=(-1,)):
    """States of `tokens`, side by side."""
    states = backbone.forward(torch.tensor([tokens]), backbone.new_cache(len(tokens))).states
    return torch.cat([states[tap] for tap in taps], dim=-1)


def top(drafter, feature_H, k):
    """The k best (log-probability, target token) of a predicted feature, computed the long way."""
    ids = drafter.head.token_ids.tolist()
    own = isinstance(drafter.head, OwnHead)
    weight_DH = drafter.network.lm_head.weight if own else drafter.head.weight_DH
    read_H = drafter.network.norm(feature_H) if own else feature_H
    logits = [float(weight_DH[j] @ read_H) for j in range(len(ids))]
    log_mass = max(logits) + math.log(sum(math.exp(x - max(logits)) for x in logits))
    best = sorted(range(len(ids)), key=lambda j: -logits[j])[:k]
    return [(logits[j] - log_mass, ids[j]) for j in best]


class BruteForce:
    """One round over fused features; entry (row r, column c) of block g has pool index K + (g - 1) K² + r K + c."""

    def __init__(self, drafter, tokens, features_1SH):
        self.drafter, self.tokens, self.features = drafter, tokens, features_1SH

    def predict(self, path_tokens, path_features):
        """Predictions (next, after next) behind a path: its tokens, and the predicted feature each is paired with."""
        pairs = len(self.tokens) - 1
        embeds = nn.functional.embedding(torch.tensor([[*self.tokens[1:], *path_tokens]]), self.drafter._embedding_VH)
        features = torch.cat([self.features[:, :pairs], *(f[None, None] for f in path_features)], dim=1)
        n = embeds.shape[1]
        following, later = self.drafter.network(
            embeds,
            features,
            torch.arange(n)[None],  # the path's nodes sit at L, L + 1, ...: level g at L + g - 1
            torch.ones(1, n, n, dtype=torch.bool).tril(),
            contrast=self.drafter.contrast,
        )
        return following[0, -1], None if later is None else later[0, -1]

    def tree(self):
        """Paths (token tuples below the root) of the kept candidates, in pool order."""
        k, depth = self.drafter.tree.top_k, self.drafter.tree.depth
        pool = {}  # pool index -> (score, path)
        first, later = self.predict([], [])
        predictions = {(): (first, later)}  # path -> predictions behind it
        for c, (logprob, token) in enumerate(top(self.drafter, first, k)):
            pool[c] = (logprob, (token,))
        kept = list(range(k))  # pool indices of the kept nodes of level 1
        for g in range(1, depth + 1):
            block = {}
            for r, index in enumerate(kept):
                score, path = pool[index]
                if g == depth and self.drafter.contrast:
                    children = top(self.drafter, predictions[path[:-1]][1], k)  # its own parent's second prediction
                else:
                    features = [predictions[path[:n]][0] for n in range(len(path))]
                    predictions[path] = self.predict(list(path), features)
                    children = top(self.drafter, predictions[path][0], k)
                for c, (logprob, token) in enumerate(children):
                    block[k + (g - 1) * k * k + r * k + c] = (score + logprob, (*path, token))
            pool |= block
            kept = sorted(block, key=lambda index: -block[index][0])[:k]
        best = sorted(pool, key=lambda index: -pool[index][0])[: self.drafter.tree.total_tokens - 1]
        return [pool[index][1] for index in sorted(best)]


def paths(tree):
    found = [()]
    for node in range(1, len(tree)):
        found.append((*found[tree.parents[node]], tree.tokens[node]))
    return found[1:]


@st.composite
def settings_of_a_round(draw):
    depth, top_k = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    pool = top_k + depth * top_k**2
    total = draw(st.one_of(st.just(pool + 1), st.integers(2, pool + 1)))  # the whole pool shows every level
    return TreeConfig(total_tokens=total, depth=depth, top_k=top_k)


@pytest.mark.parametrize("name", ["eagle2", "eagle3", "jakiro"])
def test_the_tree_of_every_round_equals_brute_force(name):
    backbone = target("qwen3")

    @settings(max_examples=25)
    @given(
        config=settings_of_a_round(),
        text=st.lists(st.integers(0, VOCABULARY - 1), min_size=6, max_size=12),
        cuts=st.tuples(st.integers(2, 3), st.integers(1, 2)),
        seed=st.integers(0, 5),
        vocabulary=st.sampled_from([VOCABULARY, 12]),
    )
    def check(config, text, cuts, seed, vocabulary):
        make = eagle3_drafters.drafter if name == "eagle3" else functools.partial(feature_drafter, name)
        drafter = make(backbone, config, seed=seed, vocabulary=vocabulary)
        states = rows(backbone, text, drafter.taps)
        features = drafter.network.fuse(states)
        drafter.begin(torch.tensor([text[:2]]), capacity=40)
        ends = [cuts[0], cuts[0] + cuts[1], len(text)]
        done = 1
        for end in ends:  # observed piece by piece, a tree proposed in between each time
            drafter.observe(torch.tensor(text[done:end]), states[0, done - 1 : end - 1], end - done)
            done = end
            tree = drafter.propose()
            expected = BruteForce(drafter, text[:end], features).tree()
            assert tree.tokens[0] == text[end - 1]
            assert paths(tree) == expected

    check()


def test_proposing_twice_gives_the_same_tree():
    backbone, text = target(), [1, 2, 3, 4, 5]
    for name in ("eagle2", "jakiro"):
        drafter = feature_drafter(name, backbone, TreeConfig(total_tokens=14, depth=3, top_k=3))
        drafter.begin(torch.tensor([text[:4]]), capacity=20)
        drafter.observe(torch.tensor(text[1:]), rows(backbone, text)[0, :-1], len(text) - 1)
        assert drafter.propose() == drafter.propose()


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_eagle2_makes_one_forward_more_than_its_depth_and_jakiro_as_many(depth):
    backbone, text = target(), [1, 2, 3, 4, 5]
    for name, expected in (("eagle2", depth + 1), ("jakiro", depth)):
        drafter = feature_drafter(name, backbone, TreeConfig(total_tokens=40, depth=depth, top_k=6))
        drafter.begin(torch.tensor([text[:4]]), capacity=20)
        with CallCounter(drafter.networks) as counter:
            drafter.observe(torch.tensor(text[1:]), rows(backbone, text)[0, :-1], len(text) - 1)
            tree = drafter.propose()
        assert counter.calls == expected
        assert max(tree.depths) <= depth + 1


def test_both_reach_one_level_below_their_depth():
    backbone, text = target(), [1, 2, 3]
    for name in ("eagle2", "jakiro"):
        for depth in (1, 2, 3):
            config = TreeConfig(total_tokens=1 + 2 + depth * 4, depth=depth, top_k=2)  # the whole pool
            drafter = feature_drafter(name, backbone, config)
            drafter.begin(torch.tensor([text[:2]]), capacity=20)
            drafter.observe(torch.tensor(text[1:]), rows(backbone, text)[0, :-1], len(text) - 1)
            tree = drafter.propose()
            assert max(tree.depths) == depth + 1
            assert len(tree) == config.total_tokens


class Table(FeatureNetwork):
    """A network of known answers: next and after-next token distributions by input token (head = identity)."""

    def __init__(self, following_VV, later_VV):
        super().__init__()
        vocabulary = following_VV.shape[0]
        self.config = DraftConfig(
            hidden_size=vocabulary,
            intermediate_size=1,
            num_attention_heads=1,
            num_key_value_heads=1,
            head_dim=2,
            rms_norm_eps=1e-6,
            rope_theta=1e4,
        )
        self.following_VV, self.later_VV = following_VV, later_VV

    def forward(
        self, embeds_BTH, features_BTH, positions_BT, visible_BTS, *, cache=None, contrast=False, last_only=False
    ):
        rows = embeds_BTH.shape[1]
        cache.update(torch.zeros(1, 1, rows, 2), torch.zeros(1, 1, rows, 2), 0)
        if last_only:
            embeds_BTH = embeds_BTH[:, -1:]
        return embeds_BTH @ self.following_VV, embeds_BTH @ self.later_VV if contrast else None


class _Identity:
    """A target as far as a drafter sees one: embedding and head are the identity."""

    def __init__(self, vocabulary):
        self.embedding_VH = torch.eye(vocabulary)
        self.head_VH = torch.eye(vocabulary)
        self.layout = SimpleNamespace(name="transformers")


def test_the_last_level_hangs_from_the_lists_of_ones_own_parent():
    """Two kept nodes whose order in the kept list is not that of their parents' rows.

    Level 1 is (1, 2), of which 2 is slightly less likely; yet 2 has the surest child, so level 2 is kept in the order
    (child 4 of 2, child 3 of 1): row r of the last pass does not belong to kept node r.
    """
    following = torch.zeros(8, 8)
    following[0] = torch.tensor([-50, 2.0, 1.9, -50, -50, -50, -50, -50])
    following[1] = torch.tensor([-50, -50, -50, 1.0, -50, 0.0, -50, -50])
    following[2] = torch.tensor([-50, -50, -50, -50, 9.0, 0.0, -50, -50])
    later = torch.full((8, 8), -50.0)
    later[1, 6], later[1, 0] = 9.0, 5.0  # what follows any child of 1
    later[2, 7], later[2, 5] = 9.0, 5.0  # what follows any child of 2
    backbone = _Identity(8)
    drafter = FeatureDrafter(
        backbone,
        Table(following, later),
        DraftHead(backbone.head_VH, torch.arange(8)),
        tree=TreeConfig(total_tokens=11, depth=2, top_k=2),
        contrast=True,
    )
    drafter.begin(torch.tensor([[5]]), capacity=10)
    drafter.observe(torch.tensor([0]), torch.zeros(1, 8), 1)
    found = [path for path in paths(drafter.propose()) if len(path) == 3]
    assert sorted(found) == [(1, 3, 0), (1, 3, 6), (2, 4, 5), (2, 4, 7)]


@pytest.mark.parametrize(
    "config",
    [
        {"depth": 0},
        {"top_k": 0},
        {"total_tokens": 1},
        {"total_tokens": 8, "depth": 1, "top_k": 2},
    ],
)
def test_an_impossible_tree_is_refused_with_the_pools_size(config):
    with pytest.raises(ValueError, match="total_tokens <= top_k"):
        TreeConfig(**config)


def test_the_largest_possible_tree_is_the_whole_pool():
    assert TreeConfig(total_tokens=7, depth=1, top_k=2).total_tokens == 7
