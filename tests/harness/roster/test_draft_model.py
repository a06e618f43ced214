"""A model that drafts for another: by which options it is named, what records know it by, and whom the target takes."""

import dataclasses
import json
import shutil

import pytest
import torch

from offbook.baselines.decoding.speculative_sampling import LanguageModelDrafter
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.model_identity import model_identity
from offbook.engine.progress import Silent
from offbook.harness.certificates import certify as module
from offbook.harness.certificates.toy_model import toy_model
from offbook.harness.matrix import making
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.progress import progress_of
from offbook.harness.records.drafter import DrafterId, DrafterInfo
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole
from offbook.harness.roster.arms import build_arm
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.draft_model import draft_model_sha256
from offbook.harness.roster.target import Target, load_target
from offbook.harness.trials.spec import HeatSpec
from tests.matrices import matrix
from tests.tiny import save_tiny, tiny_tokenizer

NAMES = ("speculative_sampling", "hf_assisted")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A target and a smaller model of the same tokenizer."""
    place = tmp_path_factory.mktemp("draft")
    save_tiny(place / "target")
    save_tiny(place / "small", seed=1, hidden_size=16, intermediate_size=24, num_hidden_layers=1)
    return place


@pytest.fixture(scope="module")
def target(folders) -> Target:
    return load_target(str(folders / "target"), device="cpu", layout="transformers")


def arm(target, name: str, **options):
    return build_arm(target, contender(name), options=options)


@pytest.mark.parametrize("name", NAMES)
def test_a_named_model_drafts_and_is_known_by_name_hash_and_size(folders, target, name):
    built = arm(target, name, draft=str(folders / "small"))
    assert built.options["draft"] == "small"  # of its place no more than the last part
    assert built.drafter_id == DrafterId(sha256=draft_model_sha256(str(folders / "small")))
    assert built.drafter == DrafterInfo(
        parameters=2 * 258 * 16 + (16 * 32 + 32 * 16 + 2 * 16 * 16) + 3 * 16 * 24 + 3 * 16
    )
    assert built.trained_on is None
    if name == "speculative_sampling":
        drafter = built.decoder.drafter
        assert isinstance(drafter, LanguageModelDrafter)
        assert drafter._backbone.model.config.hidden_size == 16
    else:
        assert built.decoder.assistant.config.hidden_size == 16


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("layers", "expected"), [(None, 1), (1, 1), (2, 2)])
def test_without_a_name_the_targets_first_layers_draft_and_nothing_else_is_recorded(target, name, layers, expected):
    built = arm(target, name, layers=layers)
    model = built.decoder.drafter._backbone.model if name == "speculative_sampling" else built.decoder.assistant
    assert len(model.model.layers) == expected
    assert model.get_input_embeddings().weight is target.backbone.model.get_input_embeddings().weight
    assert (built.drafter_id, built.drafter, built.trained_on) == (None, None, None)
    assert built.options["draft"] is None


def test_the_hash_is_of_weights_and_of_settings(folders, tmp_path):
    small = shutil.copytree(folders / "small", tmp_path / "small")
    same = draft_model_sha256(str(small))
    assert same == draft_model_sha256(str(folders / "small")) != model_identity(str(small)).weights_sha256
    config = json.loads((small / "config.json").read_text())
    (small / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 1e-2}))
    assert draft_model_sha256(str(small)) != same
    other = save_tiny(tmp_path / "other", seed=2, hidden_size=16, intermediate_size=24, num_hidden_layers=1)
    assert draft_model_sha256(str(other)) != same


@pytest.mark.parametrize("name", NAMES)
def test_a_model_and_layers_are_refused_together(folders, target, name):
    with pytest.raises(ValueError, match=r"expected draft or layers, got both \('.*small' and 1\); layers are the"):
        arm(target, name, draft=str(folders / "small"), layers=1)
    with pytest.raises(ValueError, match="expected layers of 1 to 2, which the target has, got 3"):
        arm(target, name, layers=3)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_another_vocabulary_is_refused_in_words(target, tmp_path, name):
    other = save_tiny(tmp_path / "other")
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["<odd>"])
    tokenizer.save_pretrained(other)
    message = (
        r"with the vocabulary of target, 258 tokens, got '.*other' with 259, of which 258 are the same; name a sma"
    )
    with pytest.raises(ValueError, match=message):
        arm(target, name, draft=str(other))
    with pytest.raises(ValueError, match="no model 'nowhere/at/all'"):
        arm(target, name, draft="nowhere/at/all")


def test_the_draft_model_lies_as_its_target_does_and_its_steps_are_counted_there_too(folders, target):
    for layout in ("transformers", "prepacked"):
        built = arm(target.under(layout), "speculative_sampling", draft=str(folders / "small"), gamma=2)
        assert built.layout == layout
        assert built.decoder.drafter._backbone.layout.name == layout
        with target.under(layout).backbone.counted() as calls:
            generation = built.decoder.generate(
                target.prompt("Count to ten.", templated=False),
                sampling=Sampling(),
                limits=target.limits(8),
                generator=torch.Generator(),
            )
        assert calls.number == 1 + generation.target_forwards
        assert generation.draft_forwards == 2 * sum(r.drafted > 0 for r in generation.rounds) > 0


@pytest.fixture(scope="module")
def graph(folders):
    content = {
        "models": {str(folders / "target"): {}},
        "decoders": {
            "autoregressive": {},
            "speculative_sampling": {"options": {"draft": str(folders / "small"), "gamma": 2}},
            "first": {"decoder": "speculative_sampling", "options": {"layers": 1}},
            "hf_assisted": {"options": {"draft": str(folders / "small")}},
        },
        "suites": {"qa": {"max_new_tokens": 6, "limit": 2}},
    }
    return plan(matrix(content))


def test_a_matrix_pins_the_model_and_records_hold_it(graph, folders, tmp_path):
    (stage,) = graph.of_kind("heat")
    spec = HeatSpec.model_validate(stage.spec)
    sha256 = draft_model_sha256(str(folders / "small"))
    pinned = {(each.decoder, each.options.get("draft")): each.drafter_sha256 for each in spec.arms}
    assert set(pinned.values()) == {None, sha256}
    assert pinned["speculative_sampling", None] is None
    missing = {(cell.decoder, cell.made_for) for cell in progress_of(graph, set(), {}).cells}
    assert ("speculative_sampling", "target") in missing
    assert ("speculative_sampling", "") in missing
    assert ("hf_assisted", "target") in missing

    making.heat(stage, tmp_path, Silent(), device="cpu")
    records = whole(Store(tmp_path)).cells
    assert len(records) == 4
    for record in (cell.record for cell in records):
        if record.spec.decoder != "autoregressive":
            assert record.certificate.verdict in ("lossless", "ties")
        named = record.spec.decoder_config.get("draft") == "small"
        assert (record.spec.drafter is not None) == (record.drafter is not None) == named
        if named:
            assert record.spec.drafter.sha256 == sha256
            assert record.drafter.training_tokens is None
        assert "found" not in record.manifest["heat"]


def test_a_model_that_was_edited_behind_the_plan_is_refused(graph, folders, tmp_path):
    (stage,) = graph.of_kind("heat")
    content = json.loads(json.dumps(stage.spec))
    place = next(i for i, each in enumerate(content["arms"]) if each["drafter_sha256"] is not None)
    content["arms"][place]["drafter_sha256"] = "ab" * 32
    with pytest.raises(ValueError, match=r"drafter of .*: expected abab.* that the run was planned with, got .*; plan"):
        making.heat(dataclasses.replace(stage, spec=content), tmp_path, Silent(), device="cpu")


@pytest.mark.parametrize("options", [{"draft": "gone", "layers": None}, {"draft": None, "layers": 30}], ids=str)
def test_on_a_toy_the_first_of_two_layers_drafts_whoever_drafts_elsewhere(options, monkeypatch):
    built = []

    def certificate(build, *, sampling, seed, layers):
        decoder = build(toy_model(layers))
        built.append((len(decoder.backbone.model.model.layers), len(decoder.assistant.model.layers)))
        built.append(decoder.assistant.generation_config.num_assistant_tokens)

    monkeypatch.setattr(module, "decoder_certificate", certificate)
    settings = json.dumps(options | {"num_assistant_tokens": 7, "assistant_confidence_threshold": 0.25})
    module._decoder_certificate.__wrapped__("hf_assisted", settings, "{}", Sampling(temperature=1.0))
    assert built == [(2, 1), 7]
