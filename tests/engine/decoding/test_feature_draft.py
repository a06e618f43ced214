"""What a feature-level drafter feeds its network: token t_{i+1} with feature f_i at position i, down the tree too.

Two networks that are their target show it from outside: one reads the token alone, one the feature alone, and either
is accepted in full only if what it reads is the right one.
"""

import pytest
import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.feature_network import FeatureNetwork
from offbook.engine.decoding.metrics import acceptance_length
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.drafters.checkpoint import draft_config
from tests.engine.targets import DRAFT_ARCHITECTURES, VOCABULARY, target
from tests.tiny import tiny_model


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


class Watched(FeatureNetwork):
    """Stands in for a draft network: its features name its rows, and it writes down every pair it is given."""

    def __init__(self, backbone, text):
        super().__init__()
        self.config = draft_config(backbone)
        self.backbone, self.text = backbone, text
        self.calls, self.made = [], {}

    def forward(
        self, embeds_BTH, features_BTH, positions_BT, visible_BTS, *, cache=None, contrast=False, last_only=False
    ):
        rows = embeds_BTH.shape[1]
        heads, width = self.config.num_key_value_heads, self.config.head_dim
        cache.update(torch.zeros(1, heads, rows, width), torch.zeros(1, heads, rows, width), 0)
        # Embeddings are told apart by the nearest one, features by identity.
        tokens = torch.cdist(embeds_BTH[0], self.backbone.embedding_VH).argmin(dim=1).tolist()
        out = torch.randn(rows, features_BTH.shape[2], dtype=torch.float64)
        later = torch.randn(rows, features_BTH.shape[2], dtype=torch.float64)
        self.calls.append(
            {
                "tokens": tokens,
                "features": features_BTH[0].clone(),
                "positions": positions_BT[0].tolist(),
                "visible": visible_BTS[0].clone(),
                "out": out,
                "last_only": last_only,
            }
        )
        if last_only:
            out, later = out[-1:], later[-1:]
        return out[None], later[None] if contrast else None


def features_of(backbone, tokens):
    return backbone.forward(torch.tensor([tokens]), backbone.new_cache(len(tokens))).features_BTH[0]


@pytest.mark.parametrize("contrast", [False, True])
@pytest.mark.parametrize("cap", [3, 9])
def test_pairs_are_token_i_plus_one_with_feature_i_at_position_i(contrast, cap):
    backbone, prompt, top_k, depth = target("qwen3"), [5, 1, 9, 9, 2, 30], 3, 3
    torch.manual_seed(0)
    network = Watched(backbone, prompt)
    drafter = FeatureDrafter(
        backbone,
        network,
        DraftHead(backbone.head_VH, torch.arange(VOCABULARY)),
        tree=TreeConfig(total_tokens=14, depth=depth, top_k=top_k),
        contrast=contrast,
    )
    generation = SpeculativeDecoder(backbone, drafter).generate(
        torch.tensor([prompt]),
        sampling=Sampling(),
        limits=Limits(max_new_tokens=cap),
        generator=torch.Generator(),
    )
    text = [*prompt, *generation.tokens]
    features_SH = features_of(backbone, text)
    passes = depth + 1 - contrast
    assert len(network.calls) == passes * sum(r.drafted > 0 for r in generation.rounds)  # nothing where no room is left
    assert network.calls
    done = 0
    for start in range(0, len(network.calls), passes):
        extend, *below = network.calls[start : start + passes]
        rows = len(extend["tokens"])
        assert extend["last_only"]
        assert extend["tokens"] == text[done + 1 : done + 1 + rows]
        assert extend["positions"] == list(range(done, done + rows))
        torch.testing.assert_close(extend["features"], features_SH[done : done + rows], rtol=0, atol=1e-10)
        expected = torch.ones(rows, done + rows, dtype=torch.bool).tril(diagonal=done)
        assert extend["visible"].equal(expected)
        done += rows
        above = extend["out"][-1:]
        for level, call in enumerate(below, start=1):
            assert not call["last_only"]
            assert call["positions"] == [done + level - 1] * top_k  # siblings share it; level 1 sits at L
            parents = torch.cdist(call["features"], above, compute_mode="donot_use_mm_for_euclid_dist")
            torch.testing.assert_close(parents.min(dim=1).values, torch.zeros(top_k, dtype=torch.float64))
            children = [  # the top-k tokens behind each parent's prediction hold the node's own
                (backbone.head_VH @ above[parent]).topk(top_k).indices.tolist()
                for parent in parents.argmin(dim=1).tolist()
            ]
            assert all(token in among for token, among in zip(call["tokens"], children, strict=True))
            own = call["visible"][:, done + (level - 1) * top_k :]
            assert call["visible"][:, :done].all()  # the whole committed text
            assert own.equal(torch.eye(top_k, dtype=torch.bool))  # and of its own level itself alone
            assert call["visible"][:, done:].sum(dim=1).tolist() == [level] * top_k  # one ancestor a level
            above = call["out"]


def markov_target():
    """A one-layer Llama that knows one thing: token v is followed by `follows[v]`. Its features are its embeddings.

    Embeddings are one-hot rows of root mean square 1, so the final norm changes nothing; the layer adds nothing.
    """
    size = 16
    model = tiny_model(
        "llama", torch.float64, vocab_size=size, hidden_size=size, num_hidden_layers=1, tie_word_embeddings=False
    )
    follows = torch.randperm(size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weight.zero_()
        model.get_input_embeddings().weight.copy_(torch.eye(size) * size**0.5)
        head = torch.zeros(size, size, dtype=torch.float64)
        head[follows, torch.arange(size)] = 3.0  # logits of v's successor
        model.get_output_embeddings().weight.copy_(head)
    return Backbone(model), follows


@pytest.mark.parametrize("reads", ["token", "feature"])
@pytest.mark.parametrize("name", ["eagle2", "jakiro"])
@pytest.mark.parametrize("depth", [2, 3])
def test_a_network_that_is_its_target_is_accepted_in_full(name, reads, depth):
    backbone, follows = markov_target()
    size = len(follows)
    network = DRAFT_ARCHITECTURES[name].build(draft_config(backbone)).to(torch.float64)
    step = torch.zeros(size, size, dtype=torch.float64)  # f_i to f_{i+1}, which is t_{i+1}'s embedding
    step[follows, torch.arange(size)] = 1.0
    with torch.no_grad():
        for parameter_name, parameter in network.named_parameters():
            if not parameter_name.endswith("layernorm.weight"):
                parameter.zero_()
        network.fc.weight[:, :size] = torch.eye(size) * (reads == "token")
        network.fc.weight[:, size:] = step * (reads == "feature")
    drafter = FeatureDrafter(
        backbone,
        network,
        DraftHead(backbone.head_VH, torch.arange(size)),
        tree=TreeConfig(total_tokens=10, depth=depth, top_k=2),
        contrast=False,  # Jakiro's contrast of two silent experts would predict the next position again
    )
    rounds = 4
    generation = SpeculativeDecoder(backbone, drafter).generate(
        torch.tensor([[3, 8, 1]]),
        sampling=Sampling(),
        limits=Limits(max_new_tokens=1 + rounds * (depth + 2)),
        generator=torch.Generator(),
    )
    expected = [int(follows[1])]
    while len(expected) < len(generation.tokens):
        expected.append(int(follows[expected[-1]]))
    assert list(generation.tokens) == expected
    assert [r.accepted for r in generation.rounds] == [depth + 1] * rounds
    assert acceptance_length([generation]) == depth + 2
