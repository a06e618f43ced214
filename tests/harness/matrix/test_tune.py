"""`offbook tune` on a tiny model: what it writes is whole, made on development prompts, and taken up again."""

import hashlib
import re

import pytest

from offbook.engine.drafters.config import TrainingConfig, held_out
from offbook.engine.progress import Silent
from offbook.harness.artifacts.tune import development_answers, tune_decoder
from offbook.harness.matrix import tune as module
from offbook.harness.matrix.tune import tune
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.target import load_target
from offbook.harness.roster.tuning import read_tuning
from offbook.tasks.prompts import load_prompts
from tests.engine.decoding.tuned import BETWEEN
from tests.tiny import save_tiny


class Said(Silent):
    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return load_target(str(save_tiny(tmp_path_factory.mktemp("tune") / "tiny")))


def test_a_tuning_is_made_and_read(target, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "development_answers",
                        lambda *args: development_answers(*args, prompts=2, tokens=6))  # fmt: skip
    said = Said()
    path = tune(target, tmp_path, said, decoders=["prompt_lookup"], options={"prompt_lookup": {"max_ngram": 2}})
    tuning = read_tuning(path)
    assert {"transformers", "prepacked"} <= set(tuning.costs)
    fastest = min(tuning.costs, key=lambda name: tuning.costs[name].seconds[0][0])
    assert tuning.layout == fastest
    assert (tuning.model, tuning.weights_sha256, tuning.prompts) == (target.name, target.weights_sha256, 2)
    (found,) = tuning.decoders
    assert found.options == {"max_ngram": 2, "num_tokens": 10}  # what is fixed is not chosen
    assert [at.temperature for at in found.at] == [0.0, 1.0]
    assert any("expected speed-up" in line and "break even at" in line for line in said.lines)


def test_prompts_are_those_that_every_drafters_training_holds_out(target):
    texts = {prompt.id: prompt.asked for prompt in load_prompts("train")}
    held = [text for name, text in texts.items() if held_out(name, TrainingConfig().dev_fraction)]
    asked = [
        target.tokenizer.decode(known.prompt)
        for known in development_answers(target, 0.0, Silent(), prompts=7, tokens=2)
    ]
    assert len(asked) == 7
    assert all(any(text in prompt for text in held) for prompt in asked)


def test_the_share_held_out_is_the_one_that_training_takes():
    names = [hashlib.sha256(bytes([n])).hexdigest() for n in range(200)]
    assert 2 <= sum(held_out(name, 0.05) for name in names) <= 20
    assert all(held_out(name, 0.999999) for name in names)


def test_who_turns_out_to_have_no_rounds_in_our_loop_cannot_be_tuned(target):
    with pytest.raises(ValueError, match="expected a decoder with rounds in offbook's loop, got one of its own"):
        tune_decoder(target, contender("hf_generate"), {0.0: []}, BETWEEN)


def test_by_default_all_are_tuned_that_can_be_built_as_they_are():
    names = {each.name for each in module._tunable({})}
    assert {"prompt_lookup", "suffix"} <= names
    assert not names & {"autoregressive", "eagle2", "jakiro", "hf_generate"}
    assert contender("eagle2") in module._tunable({"eagle2": "folder"})


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"decoders": ["hf_generate"]}, "expected a decoder with rounds in offbook's loop that draft"),
        ({"decoders": ["autoregressive"]}, "expected a decoder with rounds in offbook's loop that draft"),
        ({"decoders": ["eagle"]}, "expected candidates that a controller may cut"),
        ({"decoders": ["eagle2"]}, "eagle2: expected a trained drafter, got none"),
        ({"decoders": ["lookup_else_eagle2"]}, "lookup_else_eagle2: expected a trained drafter, got none"),
        ({"decoders": ["suffix", "suffix"]}, "expected each decoder once"),
        ({"drafters": {"eagel2": "folder"}}, "got a drafter for 'eagel2'"),
        ({"options": {"eagle2": {"depth": 2}}}, "got options for 'eagle2'"),
    ],
)
def test_who_cannot_be_tuned_is_refused_before_anything_is_measured(target, tmp_path, monkeypatch, asked, complaint):
    monkeypatch.setattr(module, "measure_costs", lambda *_: pytest.fail("it was measured"))
    with pytest.raises(ValueError, match=re.escape(complaint)):
        tune(target, tmp_path, Silent(), **asked)
