"""The drafter that Medusa-2 leaves below its student: whose it is, what it says of itself, that it changes nothing."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.baselines.decoding.medusa.drafter import MedusaDrafter
from offbook.baselines.decoding.medusa.network import HEADS, RANKS
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.drafters.checkpoint import TargetName, load_drafter
from offbook.engine.pretrained import load, weights_sha256
from offbook.engine.resuming.seal import broken
from offbook.engine.trained_on import read_trained_on
from offbook.harness.roster.drafter_info import describe
from tests.baselines.distillation_job import corpus, job, record
from tests.baselines.medusa2_job import ARCHITECTURES, QUESTIONS, train
from tests.engine.targets import greedy_reference
from tests.tiny import save_tiny

FILES = ("config.json", "model.safetensors", "trained_on.json")
END = 257


def said(student: nn.Module) -> Sequence[tuple[Sequence[int], Sequence[int]]]:
    """Answers to two development questions that are the training's, which the heads have learned."""
    return [(paths.prompt, paths.some([0])[0].tokens) for paths in QUESTIONS[:2]]


@pytest.fixture(scope="module", name="trained")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = job(tmp_path_factory.mktemp("medusa2") / "s", corpus(), gradient_tokens=6000, learning_rate=3e-3)
    return train(replace(work, answers=said))


def config_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "medusa" / "config.json").read_text())
    return content


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_decoding_with_the_heads_says_what_the_student_says(temperature: float, trained: Path) -> None:
    student, _ = load(str(trained))
    backbone = Backbone(student)
    target = TargetName(name="s", weights_sha256=weights_sha256(str(trained)))
    loaded = load_drafter(trained / "medusa", backbone, ARCHITECTURES, target=target)
    accuracy = loaded.config["training"]["rank_accuracy"]
    drafter = MedusaDrafter(backbone, loaded.network, loaded.head, accuracy_IR=accuracy, nodes=7)
    drafted = 0
    for paths in QUESTIONS[:3]:
        prompt_1P = torch.tensor([paths.prompt])
        found, plain = (
            decoder.generate(
                prompt_1P,
                sampling=Sampling(temperature=temperature),
                limits=Limits(max_new_tokens=30, eos_token_ids=frozenset({END})),
                generator=torch.Generator().manual_seed(5),
            )
            for decoder in (SpeculativeDecoder(backbone, drafter), SpeculativeDecoder(backbone, Autoregressive()))
        )
        assert found.tokens == plain.tokens
        if temperature == 0:
            assert list(found.tokens) == greedy_reference(backbone, list(paths.prompt), 30, eos=END)
        drafted += len(plain.rounds) - len(found.rounds)
    assert drafted > (20 if temperature == 0 else -1), "heads that were trained save rounds"


def test_the_drafter_is_this_students_and_nobody_elses(trained: Path, tmp_path: Path) -> None:
    base = save_tiny(tmp_path / "tiny")
    other = train(job(tmp_path / "other", corpus(), seed=3))
    for stranger in (base, other):
        student, _ = load(str(stranger))
        target = TargetName(name=stranger.name, weights_sha256=weights_sha256(str(stranger)))
        with pytest.raises(ValueError, match="got one trained for medusa2 student") as error:
            load_drafter(trained / "medusa", Backbone(student), ARCHITECTURES, target=target)
        assert "\n" not in str(error.value)


def test_the_tree_grows_from_accuracies_on_the_students_own_answers(trained: Path, tmp_path: Path) -> None:
    accuracy = torch.tensor(config_of(trained)["training"]["rank_accuracy"])
    student, _ = load(str(trained))
    backbone = Backbone(student)
    network = load_drafter(trained / "medusa", backbone, ARCHITECTURES).network
    backbone.use_native_attention()
    right, of = torch.zeros(HEADS, RANKS), torch.zeros(HEADS, 1)
    for prompt, answer in said(student):
        tokens = [*prompt, *answer]
        features_TH = student(input_ids=torch.tensor([tokens]), output_hidden_states=True).hidden_states[-1][0]
        for i in range(HEADS):
            for place in range(len(prompt), len(tokens)):
                state_1H = network(features_TH[place - 2 - i][None].detach())[i]
                guesses = (state_1H @ student.lm_head.weight.T).detach().topk(RANKS).indices[0]
                right[i] += guesses == tokens[place]
                of[i] += 1
    torch.testing.assert_close(accuracy, right / of, rtol=0, atol=0.02)
    assert float(accuracy[0].sum()) > 0.3
    without = train(job(tmp_path / "s", corpus()))
    assert config_of(without)["training"]["rank_accuracy"] is None


def test_its_checkpoint_says_with_what_it_was_trained_and_on_what(trained: Path) -> None:
    config, info = config_of(trained), describe(trained / "medusa")
    assert info.trained_with == config["training"]["trained_with"] == "medusa2"
    assert info.training_tokens == sum(len(r.tokens) for q in QUESTIONS for r in q.some([0, 1, 2]))
    assert info.parameters == HEADS * (32 * 32 + 32)
    assert config["target"]["weights_sha256"] == weights_sha256(str(trained))
    assert config["draft_vocab_size"] == 258, "the whole of a vocabulary that is smaller than what was asked for"
    assert read_trained_on(trained / "medusa", config["training"]["trained_on"]).prompts == 6


def test_the_students_record_covers_the_drafters_files(trained: Path) -> None:
    content = record(trained)
    assert content["method"] == "medusa2"
    assert {f"medusa/{name}" for name in FILES} <= content["files"].keys()
    assert content["gradient_tokens"] == content["log"][-1]["gradient_tokens"] >= 6000
    assert broken(trained / "distillation.json") is None
    weights = trained / "medusa" / "model.safetensors"
    kept = weights.read_bytes()
    weights.write_bytes(kept[:-1])
    try:
        assert "medusa/model.safetensors" in str(broken(trained / "distillation.json"))
    finally:
        weights.write_bytes(kept)
