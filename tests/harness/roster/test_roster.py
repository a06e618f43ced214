import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import offbook
from offbook.engine.decoding.draft_network import DraftNetwork
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.checkpoint import draft_config, save_drafter
from offbook.engine.drafters.ngrams import CountedArchitecture
from offbook.engine.drafters.published.formats import FORMATS
from offbook.harness.roster.arms import build_arms
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import BASELINE, DECODERS, contender, contenders
from offbook.harness.roster.target import Target, load_target
from tests.tiny import save_tiny


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Target:
    return load_target(str(save_tiny(tmp_path_factory.mktemp("roster") / "tiny")))


class Point:
    """An entry point."""

    def __init__(self, found: object) -> None:
        self.name, self.value, self.found = "them", "them:CONTENDER", found

    def load(self) -> object:
        return self.found


def offer(monkeypatch, *found: object) -> None:
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: [Point(f) for f in found])


def test_every_contender_stands_under_its_own_name():
    assert all(name == entry.name for name, entry in DECODERS.items())
    assert BASELINE in DECODERS


def test_importing_the_roster_imports_no_heavy_library():
    code = "import sys, offbook.harness.roster.decoders; print({'torch', 'transformers', 'lm_eval'} & set(sys.modules))"
    environ = os.environ | {"PYTHONPATH": str(Path(offbook.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", [n for n, c in DECODERS.items() if c.architecture is None and not c.outside])
def test_a_contender_without_a_network_is_built_from_its_defaults(target, name):
    (arm,) = build_arms(target, [name])
    assert arm.drafter is None
    assert arm.options == DECODERS[name].options().model_dump()


@pytest.mark.parametrize("name", [n for n, c in DECODERS.items() if c.architecture is not None])
def test_a_contender_with_a_network_asks_for_its_drafter(target, name):
    with pytest.raises(ValueError, match="expected a trained drafter, got none; make one with `offbook train-drafter"):
        build_arms(target, [name])
    chosen = DECODERS[name]
    assert chosen.trained({}).name == (chosen.drafter_of or name)
    assert chosen.counted == isinstance(chosen.trained({}), CountedArchitecture)


def test_published_formats_that_decoders_take_are_ones_that_are_read():
    taken = [c.published for c in DECODERS.values() if c.published is not None]
    assert len(taken) == len(set(taken))
    assert set(taken) <= {known.name for known in FORMATS if known.read is not None}
    assert all(c.architecture is not None and not c.counted for c in DECODERS.values() if c.published is not None)


def test_an_unknown_name_is_told_the_nearest_one():
    with pytest.raises(ValueError, match=r"no decoder 'jackiro' \(did you mean jakiro\?\)"):
        contender("jackiro")


@pytest.mark.parametrize(
    ("names", "arguments", "complaint"),
    [
        (["autoregressive"] * 2, {}, "'autoregressive' twice"),
        (["autoregressive"], {"options": {"eagle2": {}}}, "got options for 'eagle2'"),
        (["autoregressive"], {"drafter_folders": {"autoregressive": "x"}}, "has nothing to train"),
        (
            ["prompt_lookup"],
            {"options": {"prompt_lookup": {"ngram": 3}}},
            "options of prompt_lookup: ngram: unknown key",
        ),
        (["prompt_lookup"], {"options": {"prompt_lookup": {"max_ngram": 0}}}, "options of prompt_lookup: max_ngram: "),
    ],
)
def test_what_does_not_fit_together_is_refused(target, names, arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        build_arms(target, names, **arguments)


def test_contenders_of_other_distributions_join_the_table(monkeypatch):
    theirs = Contender(name="theirs", summary="s", build=DECODERS["autoregressive"].build)
    offer(monkeypatch, theirs)
    assert contenders()["theirs"] is theirs
    assert contender("theirs") is theirs


def test_two_contenders_of_one_name_clash(monkeypatch):
    offer(monkeypatch, DECODERS["eagle2"])
    with pytest.raises(ValueError, match="the name 'eagle2' is taken"):
        contenders()


def test_an_entry_point_that_names_something_else_is_refused(monkeypatch):
    offer(monkeypatch, object())
    with pytest.raises(ValueError, match="expected a Contender, got object"):
        contenders()


def test_a_checkpoint_is_built_in_the_variant_that_it_was_trained_in(target, tmp_path):
    chosen = DECODERS["jakiro"]
    architecture = chosen.trained({"experts": 3, "second": "mixture"})
    assert isinstance(architecture, DraftArchitecture)
    layer = draft_config(target.backbone)
    save_drafter(
        tmp_path,
        architecture.build(layer),
        torch.arange(20),
        layer=layer,
        architecture="jakiro",
        variant=architecture.variant,
        target=target.identity,
        vocab_size=target.backbone.embedding_VH.shape[0],
        training={},
    )
    (arm,) = build_arms(target, ["jakiro"], drafter_folders={"jakiro": tmp_path})
    network = arm.decoder.drafter.network
    assert isinstance(network, DraftNetwork)
    assert len(network.layers[0].feed_forward.experts) == 3
    assert arm.drafter_id.variant == {"experts": 3, "second": "mixture"}
    assert arm.decoder.drafter.contrast
    (arm,) = build_arms(
        target, ["jakiro"], options={"jakiro": {"parallel": False}}, drafter_folders={"jakiro": tmp_path}
    )
    assert not arm.decoder.drafter.contrast
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"variant": {"experts": 9}}))
    with pytest.raises(ValueError, match=r"variant of jakiro: experts: .*got 9"):
        build_arms(target, ["jakiro"], drafter_folders={"jakiro": tmp_path})
