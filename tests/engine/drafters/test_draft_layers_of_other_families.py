"""Drafters train and decode for models whose configurations name their sizes otherwise than Llama's."""

from types import SimpleNamespace

import pytest
import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.checkpoint import TargetName, draft_config, load_drafter
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.drafters.train import train_drafter
from tests.engine.architectures import VOCABULARY, tiny
from tests.engine.targets import DRAFT_ARCHITECTURES, greedy_reference

TARGET = TargetName(name="tiny", weights_sha256="0" * 64)
EPSILONS = {
    "starcoder2": "norm_epsilon",
    "phi": "layer_norm_eps",
    "gpt_neox": "layer_norm_eps",
    "llama": "rms_norm_eps",
}


@pytest.fixture(scope="module", params=EPSILONS)
def family(request):
    return request.param, Backbone(tiny(request.param))


def test_the_epsilon_is_the_models_own_whatever_it_is_called(family):
    model_type, backbone = family
    setattr(backbone.config, EPSILONS[model_type], 0.00321)
    assert draft_config(backbone).rms_norm_eps == 0.00321


def test_a_configuration_that_names_nothing_gets_the_defaults():
    backbone = Backbone(tiny("gpt2"))
    backbone.config = SimpleNamespace(hidden_size=32, num_attention_heads=4, layer_norm_eps=None, n_inner=None)
    config = draft_config(backbone)
    assert config.rms_norm_eps == 1e-6
    assert config.intermediate_size == 4 * 32
    assert config.rope_theta == 10_000


def test_a_drafter_is_trained_and_decodes_what_generate_says(family, tmp_path):
    model_type, backbone = family
    answers = []
    for n in range(6):
        prompt = [(5 * n + i * i) % VOCABULARY for i in range(6)]
        answer = greedy_reference(backbone, prompt, 12)
        answers.append(Answer(id=str(n), prompt_tokens=tuple(prompt), answer_tokens=tuple(answer)))
    config = TrainingConfig(epochs=1, batch_size=3, warmup_steps=1, draft_vocab_size=32, dev_fraction=0.0)
    architecture = DRAFT_ARCHITECTURES["eagle2"]
    train_drafter(backbone, architecture, answers, config, tmp_path, target=TARGET)
    loaded = load_drafter(tmp_path, backbone, DRAFT_ARCHITECTURES, target=TARGET)
    tree = TreeConfig(total_tokens=8, depth=2, top_k=3)
    drafter = FeatureDrafter(backbone, loaded.network, loaded.head, tree=tree, contrast=False)
    prompt = [1, 4, 9, 16, 25]
    generation = SpeculativeDecoder(backbone, drafter).generate(
        torch.tensor([prompt]), sampling=Sampling(), limits=Limits(max_new_tokens=16), generator=torch.Generator()
    )
    assert list(generation.tokens) == greedy_reference(backbone, prompt, 16), model_type
    assert sum(r.drafted for r in generation.rounds) > 0
