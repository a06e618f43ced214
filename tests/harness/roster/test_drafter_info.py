"""What records say of a drafter: its size, what its training took, and how many levels each pass gives."""

import json

import pytest
import torch

from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.config import TrainingConfig
from offbook.harness.artifacts.drafters import train
from offbook.harness.records.cell import CellRecord
from offbook.harness.records.drafter import DrafterInfo
from offbook.harness.records.record import own_sha256
from offbook.harness.roster.arms import build_arm
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.drafter_info import CONFIG
from offbook.harness.roster.target import Target, load_target

ANSWERS = [Answer(id=str(i), prompt_tokens=(1, 2, 3), answer_tokens=tuple(range(i, i + 12))) for i in range(8)]
QUICK = TrainingConfig(epochs=2, batch_size=4, draft_vocab_size=64, max_length=32)
NEW = ("gradient_tokens", "training_flops", "levels_by_pass")


@pytest.fixture(scope="module")
def target(tiny_folder) -> Target:
    return load_target(tiny_folder, device="cpu", layout="transformers")


@pytest.fixture(scope="module")
def folders(target, tmp_path_factory):
    root = tmp_path_factory.mktemp("drafters")
    return {name: train(contender(name), target, ANSWERS, QUICK, root / name) for name in ("jakiro", "ngram_table")}


def test_an_arm_says_what_its_drafters_training_took(target, folders):
    told = build_arm(target, contender("jakiro"), drafter_folder=folders["jakiro"]).drafter
    training = json.loads((folders["jakiro"] / CONFIG).read_text())["training"]
    assert (told.gradient_tokens, told.training_flops) == (training["gradient_tokens"], training["flops"])
    assert 0 < told.gradient_tokens <= 2 * told.training_tokens
    assert told.training_flops > 6 * told.gradient_tokens * told.parameters, "prompts go through the layer too"


def test_what_was_counted_took_no_gradient(target, folders):
    told = build_arm(target, contender("ngram_table"), drafter_folder=folders["ngram_table"]).drafter
    assert (told.gradient_tokens, told.training_flops, told.levels_by_pass) == (0, 0, ())
    assert told.training_tokens > 0


@pytest.mark.parametrize(
    ("options", "levels"),
    [({}, (1, 1, 2)), ({"depth": 2}, (1, 2)), ({"parallel": False}, (1, 1, 1, 1))],
)
def test_an_arm_says_how_its_drafter_drafts(target, folders, options, levels):
    arm = build_arm(target, contender("jakiro"), options=options, drafter_folder=folders["jakiro"])
    assert arm.drafter.levels_by_pass == levels


def test_a_config_from_before_says_nothing_of_it_and_nonsense_is_refused(target, folders, tmp_path):
    place = tmp_path / "drafter"
    place.mkdir()
    (place / "model.safetensors").write_bytes((folders["jakiro"] / "model.safetensors").read_bytes())
    config = json.loads((folders["jakiro"] / CONFIG).read_text())
    for name in ("gradient_tokens", "flops"):
        del config["training"][name]
    (place / CONFIG).write_text(json.dumps(config))
    told = build_arm(target, contender("jakiro"), drafter_folder=place).drafter
    assert (told.gradient_tokens, told.training_flops) == (None, None)
    (place / CONFIG).write_text(json.dumps(config | {"training": config["training"] | {"flops": -1}}))
    with pytest.raises(ValueError, match=r"expected a drafter whose files are whole, got .*training_flops.*-1"):
        build_arm(target, contender("jakiro"), drafter_folder=place)


def test_records_from_before_are_read_and_keep_their_hash(make_heat):
    _, cell = make_heat()
    text = cell.record.model_dump_json()
    assert not any(name in text for name in NEW)
    back = CellRecord.model_validate_json(text)
    assert back == cell.record
    assert own_sha256(back) == own_sha256(cell.record)
    info = cell.record.drafter.model_copy(
        update={"gradient_tokens": 7, "training_flops": 10**17, "levels_by_pass": (1, 2)}
    )
    newer = cell.record.model_copy(update={"drafter": info})
    assert CellRecord.model_validate_json(newer.model_dump_json()) == newer
    assert own_sha256(newer) != own_sha256(cell.record)
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        DrafterInfo(parameters=1, levels_by_pass=(0,))


def test_the_training_leaves_the_targets_embedding_alone(target, folders):
    assert isinstance(target.backbone.embedding_VH, torch.Tensor)
    assert target.backbone.embedding_VH.grad is None
