"""jakiro_decoupled as the roster builds it: its settings, and what a certificate finds of it under each of them."""

import dataclasses
import json

import pytest

from offbook.engine.decoding.feature_draft import FeatureDrafter
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.static_draft import StaticDrafter
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.progress import Silent
from offbook.harness.artifacts import drafters
from offbook.harness.certificates import contender_tests
from offbook.harness.certificates.contender_tests import Extent
from offbook.harness.certificates.sampling import decoder_certificate
from offbook.harness.matrix.certify import certify
from offbook.harness.roster.arms import build_arm
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.target import load_target
from offbook.methods.jakiro.decoupled import PUBLISHED
from offbook.methods.jakiro.schemes import ExpertsApart
from tests.engine import decoupled_drafters
from tests.tiny import save_tiny

CHOSEN = contender("jakiro_decoupled")
EXTENT = Extent(prompts=2, answer_tokens=8, draws=20_000, sequences=1_000, vocabulary_tokens=400)
WARM = Sampling(temperature=1.0)


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return load_target(str(save_tiny(tmp_path_factory.mktemp("apart") / "tiny")), device="cpu")


@pytest.fixture(scope="module")
def folder(target, tmp_path_factory):
    answers = [Answer(id=str(i), prompt_tokens=(1, 2, 3), answer_tokens=tuple(range(i, i + 12))) for i in range(8)]
    config = TrainingConfig(epochs=6, batch_size=4, warmup_steps=1, draft_vocab_size=64, max_length=32)
    return drafters.train(CHOSEN, target, answers, config, tmp_path_factory.mktemp("drafters") / "apart")


def built(target, folder, **options):
    return build_arm(target, CHOSEN, options=options, drafter_folder=folder)


def test_a_training_lowers_every_heads_loss_and_the_mixtures(folder):
    history = json.loads((folder / "config.json").read_text())["training"]["history"]
    assert history[-1]["loss"] < history[0]["loss"]


def test_settings_choose_the_tree_and_who_is_drawn_from(target, folder):
    plain = built(target, folder).decoder.drafter
    assert type(plain) is StaticDrafter
    assert (plain.max_nodes, plain.tree.top_k) == (27, 4)
    assert built(target, folder, total_tokens=9).decoder.drafter.max_nodes == 9
    dynamic = built(target, folder, tree="dynamic", total_tokens=9, depth=2, top_k=3).decoder.drafter
    assert type(dynamic) is FeatureDrafter
    assert (dynamic.max_nodes, dynamic.tree.depth, dynamic.tree.top_k) == (9, 2, 3)
    assert built(target, folder, tree="dynamic").decoder.drafter.tree.top_k == 8
    assert not dynamic.contrast
    arm = built(target, folder, scheme="turns")
    assert arm.options["scheme"] == "turns", "what a record names"
    assert not CHOSEN.may_be_cut, "a static tree's candidates are drawn"


def test_two_drafters_with_other_numbers_of_experts_are_built_as_they_were_trained(target, tmp_path):
    answers = [Answer(id=str(i), prompt_tokens=(1, 2), answer_tokens=tuple(range(i, i + 8))) for i in range(4)]
    config = TrainingConfig(epochs=1, batch_size=4, draft_vocab_size=64, max_length=32)
    three = drafters.train(CHOSEN, target, answers, config, tmp_path / "three", variant={"experts": 3})
    arm = built(target, three)
    assert arm.drafter_id.variant == {"experts": 3}
    assert len(arm.decoder.drafter.network.layers[0].mlp_moe.experts) == 3


@pytest.mark.parametrize("options", [{"depth": 2}, {"top_k": 3}, {"total_tokens": 28}, {"total_tokens": 60}])
def test_what_a_static_tree_does_not_have_is_refused(target, folder, options):
    with pytest.raises(
        ValueError, match="expected of a static tree at most 27 total_tokens, no depth and no top_k, got"
    ):
        built(target, folder, **options)


DEFAULT, *OTHERS = CHOSEN.tries


@pytest.mark.parametrize(
    "options",
    [DEFAULT, *(pytest.param(one, marks=pytest.mark.slow) for one in OTHERS)],
    ids=lambda one: "-".join(one.values()),
)
def test_the_certificate_calls_every_scheme_under_every_tree_lossless(target, folder, options, monkeypatch):
    monkeypatch.setattr("offbook.harness.certificates.sampling.check_settings", lambda *_: None)
    monkeypatch.setattr(
        contender_tests, "decoder_certificate", lambda build, *, n, **more: decoder_certificate(build, n=n // 9, **more)
    )  # fmt: skip
    report = certify(
        target, CHOSEN, Silent(), manifest={}, options=options, drafter_folder=folder, samplings=(WARM,), extent=EXTENT
    )
    assert report.verdict == "lossless"
    parts = {part.name.partition(",")[0]: part.facts for part in report.parts}
    assert parts["law of the verifier"]["rule"] == ("drawn" if options["tree"] == "static" else "given")
    assert ("drawn candidates" in parts) == (options["tree"] == "static")
    assert ("identity from the same seeds" in parts) == (options["tree"] == "dynamic")


@pytest.mark.slow
@pytest.mark.parametrize(("order", "outcome"), [((0, 1), "lossless"), ((1, 0), "differs")])
def test_candidates_are_held_against_the_law_whose_turn_it_was(target, order, outcome):
    """Under the scheme `turns`, of experts that differ: laws named in another order than they took are found."""

    class Named(ExpertsApart):
        def drawn(self, *args):
            found = super().drawn(*args)
            return dataclasses.replace(found, laws_RTD=found.laws_RTD[:, order])

    def build(target, options, folder):
        made = decoupled_drafters.drafter(target.backbone, PUBLISHED.first(6), scheme="turns", vocabulary=64)
        made.readout = Named(made.head, scheme="turns")
        return target.speculative(made)

    named = Contender(name="named", summary="named", build=build, draws=True)
    extent = dataclasses.replace(EXTENT, vocabulary_tokens=1_000)
    report = certify(target, named, Silent(), manifest={}, samplings=(WARM,), extent=extent)
    (drawn,) = (part for part in report.parts if part.name.startswith("drawn candidates"))
    assert drawn.outcome == outcome
