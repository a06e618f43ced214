"""Rotary factors that hang on the length of a forward: drafting changes nothing, on either side of the border."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Phi3Config, Phi3ForCausalLM

from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.rope_border import rope_border
from offbook.engine.decoding.sampling import Sampling
from tests.engine.targets import greedy_reference
from tests.engine.tiny_drafters import Oracle, RandomTrees
from tests.tiny import tiny_model

BORDER, VOCABULARY = 64, 50
LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "original_max_position_embeddings": BORDER,
    "short_factor": [1.0, 1.1, 1.2, 1.3],
    "long_factor": [1.0, 3.0, 7.0, 15.0],
}
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.2,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}


@pytest.fixture(scope="module", params=["llama", "phi3"])
def backbone(request):
    """Llama keeps its cache across the border, Phi-3's `generate` computes it anew behind it."""
    torch.manual_seed(0)
    if request.param == "llama":
        model = LlamaForCausalLM(LlamaConfig(**SIZES, rope_parameters=dict(LONGROPE)))
    else:
        model = Phi3ForCausalLM(
            Phi3Config(**SIZES, rope_parameters=dict(LONGROPE), original_max_position_embeddings=BORDER)
        )
    return Backbone(model.double())


def decode(backbone, drafter, prompt, cap):
    return SpeculativeDecoder(backbone, drafter).generate(
        torch.tensor([prompt]),
        sampling=Sampling(),
        limits=Limits(max_new_tokens=cap),
        generator=torch.Generator(),
    )


@pytest.mark.parametrize("length", [50, BORDER - 2, BORDER - 1, BORDER, BORDER + 1])
def test_drafting_across_the_border_equals_generate(backbone, length):
    cap = 60 if length == 50 else 12
    prompt = [(7 * i * i + length) % VOCABULARY for i in range(length // 2)] * 2 + [3] * (length % 2)
    answer = greedy_reference(backbone, prompt, cap + 8)
    drafters = {
        "autoregressive": Autoregressive(),
        "prompt lookup": PromptLookup(),
        "oracle": Oracle(answer, depth=6, decoys=1),
        "random trees": RandomTrees(answer, vocabulary=VOCABULARY, max_nodes=16, hit=0.9, seed=length),
    }
    for name, drafter in drafters.items():
        assert list(decode(backbone, drafter, prompt, cap).tokens) == answer[:cap], name


def test_the_factors_matter(backbone):
    """Else the test above would pass without them: at the border the text would go on otherwise under short factors."""
    prompt = [(7 * i * i) % VOCABULARY for i in range(BORDER - 4)]
    with_border = greedy_reference(backbone, prompt, 24)
    rotary = backbone.model.model.rotary_emb
    long_factors = rotary.long_inv_freq
    rotary.long_inv_freq = rotary.original_inv_freq
    try:
        without = greedy_reference(backbone, prompt, 24)
    finally:
        rotary.long_inv_freq = long_factors
    assert with_border[:4] == without[:4]
    assert with_border != without


def test_a_tree_is_cut_below_the_border_and_nowhere_else(backbone):
    prompt = [(7 * i * i) % VOCABULARY for i in range(BORDER - 5)]
    answer = greedy_reference(backbone, prompt, 40)
    rounds = decode(backbone, Oracle(answer, depth=8), prompt, 30).rounds
    # Roots at 59 and 64: four levels fit below the border, then all eight.
    assert [r.accepted for r in rounds[:3]] == [4, 8, 8]


def test_models_without_such_factors_have_no_border():
    assert rope_border(tiny_model().config) is None


def test_dynamic_factors_do_not_move_inside_of_the_context():
    rope = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}
    model = tiny_model(dtype=torch.float64, vocab_size=VOCABULARY, max_position_embeddings=110, rope_parameters=rope)
    backbone = Backbone(model)
    prompt = [(7 * i * i) % VOCABULARY for i in range(50)]
    answer = greedy_reference(backbone, prompt, 60)
    assert list(decode(backbone, Oracle(answer, depth=6, decoys=1), prompt, 60).tokens) == answer
