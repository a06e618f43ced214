"""Formats of published draft models: known by keys or refused by name, made a network or refused in a line."""

import dataclasses
import re

import pytest
import torch

from offbook.baselines.decoding import eagle2
from offbook.engine.drafters.checkpoint import TargetName
from offbook.engine.drafters.published.convert import fit
from offbook.engine.drafters.published.formats import FORMATS, Format, recognised
from offbook.methods.jakiro import drafter as jakiro
from tests.engine.drafters.published_reading import drafted, read, refusal
from tests.engine.drafters.test_training import TARGET, backbone
from tests.published import (
    EXPERTS,
    HIDDEN,
    attention_tensors,
    expert_tensors,
    head_tensors,
    published_config,
    published_tensors,
    random_tensors,
)


def test_each_format_is_known_by_its_keys():
    made = {"EAGLE-1 or EAGLE-2": published_tensors(), "Jakiro": expert_tensors(), "Medusa-1": head_tensors()}
    made["Medusa-2"] = {f"medusa_head.{key}": tensor for key, tensor in head_tensors().items()}
    for name, held in made.items():
        assert recognised(drafted(held)).name == name
    assert recognised(drafted(head_tensors(3, own=False))).name == "Medusa-1"
    assert recognised(drafted({"midlayer.hidden_norm.weight": torch.ones(2)})).name == "EAGLE-3"
    assert {known.name for known in FORMATS if known.read is not None} == {*made, "EAGLE-3"}


NOT_READ = {
    "Hydra": {"hydra_mlp.0.1.linear.weight": (32, 64), "hydra_lm_head.0.1.weight": (258, 32)},
    "Jakiro*": {"layers.0.mlp_moe.gate.weight": (2, 32), "layers.0.mlp_moe.experts.0.fc.weight": (64, 32)},
    "offbook's own": {"fc.weight": (32, 64), "draft_token_ids": (258,)},
    "speculators": {"fusion_fc.weight": (32, 64), "transformer.mlp.up_proj.weight": (64, 32)},
    "DFlash": {"fc.weight": (32, 96), "hidden_norm.weight": (32,), "layers.0.self_attn.q_norm.weight": (8,)},
    "DSpark": {"fc.weight": (32, 96), "hidden_norm.weight": (32,), "markov_head.markov_w1.weight": (258, 4)},
    "P-EAGLE": {"fc.weight": (32, 96), "layers.0.hidden_norm.weight": (32,), "mask_hidden": (1, 1, 96)},
}


@pytest.mark.parametrize("name", NOT_READ)
def test_formats_that_are_known_and_not_read_are_named(name):
    message = refusal(drafted(random_tensors(NOT_READ[name])))
    assert "expected one of Medusa-2, Medusa-1, Jakiro, EAGLE-3, EAGLE-1 or EAGLE-2, got " in message
    assert name in message.partition(", got ")[2]


def test_other_experts_of_jakiros_are_refused_as_the_starred_ones():
    """Commented-out experts may stand in files: two-logit gates over SwiGLU, and three square maps."""
    swiglu = random_tensors(EXPERTS | {"layers.0.mlp_moe.gate.weight": (2, HIDDEN)})
    maps = random_tensors({f"layers.0.mlp_moe.experts.{e}.{n}.weight": (32, 32) for e in "01" for n in ("fc", "fc1")})
    for held in (swiglu, maps):
        assert "got Jakiro*; " in refusal(drafted(attention_tensors() | held))


def test_keys_of_nothing_that_is_known_are_told():
    held = {"model.layers.0.mlp.up_proj.weight": torch.ones(2), "lm_head.weight": torch.ones(2)}
    assert "got others ('lm_head.weight', 'model.layers.0.mlp.up_proj.weight'); check" in refusal(drafted(held))
    assert "got others (none)" in refusal(drafted({}))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"taps": (2, 6, 9)}, "expected a draft model of 1 of the target's hidden states, got one of [2, 6, 9]"),
        ({"tensors": {}}, "expected the tensors of 'eagle2', got Error(s) in loading state_dict"),
    ],
)
def test_a_reading_that_its_decoder_has_no_network_for_is_refused(change, complaint):
    found = drafted()
    odd = Format(name="odd", marks=lambda _: True, read=lambda *_: dataclasses.replace(read(found), **change))
    with pytest.raises(ValueError, match=re.escape(complaint)) as refused:
        fit(found, odd, eagle2.ARCHITECTURE, backbone(), target=TARGET)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"base_model_name_or_path": "theirs/7b"}, True),
        ({"speculators_config": {"verifier": {"name_or_path": "theirs/7b"}}}, True),
        ({"base_model_name_or_path": ["theirs/7b"], "speculators_config": "theirs/7b"}, False),
        ({}, False),
    ],
)
def test_the_target_that_a_config_names_is_told(config, named):
    found = drafted(config=published_config(**config))
    (note,) = fit(found, recognised(found), eagle2.ARCHITECTURE, backbone(), target=TARGET).notes
    assert (f"its config names 'theirs/7b', and not its weights; it is bound to {TARGET.name}" in note) == named
    assert ("does not say for which weights" in note) != named


def test_a_fingerprint_hangs_on_files_decoder_and_target():
    found, known = drafted(), recognised(drafted())
    fitted = fit(found, known, eagle2.ARCHITECTURE, backbone(), target=TARGET)
    others = [
        dataclasses.replace(fitted, draft=dataclasses.replace(found, files={"config.json": "0"})),
        dataclasses.replace(fitted, architecture=jakiro.ARCHITECTURE),
        dataclasses.replace(fitted, target=TargetName(name="tiny", weights_sha256="1" * 64)),
    ]
    assert len({fitted.fingerprint, *(other.fingerprint for other in others)}) == 4
    assert fit(found, known, eagle2.ARCHITECTURE, backbone(), target=TARGET).fingerprint == fitted.fingerprint
