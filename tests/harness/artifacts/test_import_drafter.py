"""`offbook import-drafter`: what it writes decodes as the target does, says where it is from, is whole or absent."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.drafters import checkpoint
from offbook.engine.drafters.checkpoint import load_drafter
from offbook.engine.drafters.draft_tensors import TOKEN_IDS
from offbook.engine.files import file_sha256
from offbook.engine.resuming.seal import broken
from offbook.engine.resuming.state import is_finished
from offbook.engine.trained_on import UNKNOWN
from offbook.harness.cli.main import main
from offbook.harness.records.store import Store
from offbook.harness.roster.arms import build_arms
from offbook.harness.roster.decoders import DECODERS, contender
from offbook.harness.roster.drafter_info import describe
from offbook.harness.roster.target import Target, load_target
from offbook.harness.roster.trained_on import drafter_trained_on
from offbook.harness.suites.suite import find_suites
from offbook.harness.tables.decoders import write_leaderboard
from offbook.harness.trials.heat import plan_heat, run_heat
from tests.published import (
    expert_tensors,
    head_tensors,
    published_config,
    published_tensors,
    random_tensors,
    save_published,
)
from tests.tiny import save_tiny

MEDUSA = "medusa_lm_head.pt"
# What is published: its tensors, its config, the file of weights, who decodes with it, what it is called.
PUBLISHED = {
    "a layer": (published_tensors, None, "pytorch_model.bin", ("eagle2", "eagle", "lookup_else_eagle2")),
    "a layer in safetensors": (published_tensors, None, "model.safetensors", ("eagle2",)),
    "a layer without bias": (lambda: published_tensors(bias=False), {"bias": False}, "pytorch_model.bin", ("eagle2",)),
    "a layer of a Qwen-2": (lambda: published_tensors(qkv_bias=True), None, "pytorch_model.bin", ("eagle2",)),
    "experts": (expert_tensors, None, "pytorch_model.bin", ("jakiro",)),
    "heads": (head_tensors, {"medusa_num_heads": 2}, MEDUSA, ("medusa",)),
    "heads on the target's": (lambda: head_tensors(3, own=False), {}, "medusa_lm_head.safetensors", ("medusa",)),
}
FORMATS = {"layer": "EAGLE-1 or EAGLE-2", "experts": "Jakiro", "heads": "Medusa-1"}


def status(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(scope="module")
def target(tiny_folder) -> Target:
    return load_target(tiny_folder, device="cpu")


@pytest.fixture
def imported(tiny_folder, tmp_path, capsys):
    """Imports what is published under a name, and tells the folder and what was said."""

    def make(what: str) -> tuple[Path, str]:
        tensors, changes, weights, _ = PUBLISHED[what]
        config = changes if weights.startswith("medusa") else published_config() | (changes or {})
        source = save_published(tmp_path / "source", tensors(), config, weights=weights)
        capsys.readouterr()
        assert status("import-drafter", source, "--model", tiny_folder, "--output", tmp_path / "drafter") == 0
        told = capsys.readouterr()
        assert told.out.strip() == str(tmp_path / "drafter")
        return tmp_path / "drafter", told.err

    return make


def answer(target: Target, arm, sampling: Sampling | None = None) -> tuple[int, ...]:
    return arm.decoder.generate(
        target.prompt("Once upon a time there was", templated=False),
        sampling=sampling or Sampling(),
        limits=target.limits(40),
        generator=target.generator(0),
    ).tokens


@pytest.mark.parametrize("what", PUBLISHED)
def test_whoever_decodes_with_it_says_what_the_target_says(what, imported, target):
    folder, told = imported(what)
    names = PUBLISHED[what][3]
    assert f"for --drafter of {', '.join(sorted(names, key=list(DECODERS).index))}" in told or len(names) == 1
    assert ("for --drafter of medusa, medusa_typical (lossy)" in told) == ("heads" in what)
    plain, *arms = build_arms(target, ["autoregressive", *names], drafter_folders=dict.fromkeys(names, folder))
    expected = answer(target, plain)
    assert len(set(expected)) > 3
    for arm in arms:
        assert answer(target, arm) == expected
        assert arm.drafter.imported_from == next(name for kind, name in FORMATS.items() if kind in what)
        assert arm.drafter.training_tokens is None
        assert arm.trained_on is UNKNOWN


@pytest.mark.parametrize("what", PUBLISHED)
def test_the_checkpoint_holds_the_authors_numbers_and_all_tokens(what, imported, target):
    folder, _ = imported(what)
    tensors, *_, names = PUBLISHED[what]
    architecture = contender(names[0]).trained({})
    loaded = load_drafter(folder, target.backbone, {architecture.name: architecture}, target=target.identity)
    assert loaded.head.token_ids.tolist() == list(range(258))
    assert loaded.head.weight_DH is target.backbone.head_VH or torch.equal(
        loaded.head.weight_DH, target.backbone.head_VH
    )
    theirs = sorted(tensors().values(), key=lambda tensor: (tensor.shape, float(tensor.sum())))
    ours = sorted(loaded.network.state_dict().values(), key=lambda tensor: (tensor.shape, float(tensor.sum())))
    assert all(torch.equal(one, other) for one, other in zip(theirs, ours, strict=True))
    assert describe(folder).parameters == sum(tensor.numel() for tensor in theirs)


def test_own_heads_are_what_candidates_come_from(imported, target):
    folder, _ = imported("heads")
    (arm,) = build_arms(target, ["medusa"], drafter_folders={"medusa": folder})
    drafter, held = arm.decoder.drafter, head_tensors()
    feature_1H = torch.randn(1, 32, generator=torch.Generator().manual_seed(3))
    drafter.begin(torch.tensor([[1, 2]]), capacity=20)
    drafter.observe(torch.tensor([5]), feature_1H, 1)
    tree = drafter.propose()
    inner = feature_1H @ held["0.0.linear.weight"].T + held["0.0.linear.bias"]
    state = feature_1H + inner * inner.sigmoid()
    best = (state @ held["0.1.weight"].T).softmax(dim=-1)[0].topk(3)
    first = [node for node in range(1, len(tree)) if tree.parents[node] == 0]
    assert [tree.tokens[node] for node in first[:3]] == best.indices.tolist()[: len(first)]
    assert tree.survival[first[0]] == pytest.approx(float(best.values[0]), rel=1e-4)
    assert int((state @ target.backbone.head_VH.T).argmax()) != int(best.indices[0]), "the target's head says another"


def test_numbers_keep_the_format_that_they_were_published_in(tiny_folder, tmp_path):
    halves = {name: tensor.half() for name, tensor in published_tensors().items()}
    source = save_published(tmp_path / "source", halves)
    assert status("import-drafter", source, "--model", tiny_folder, "--output", tmp_path / "d") == 0
    held = load_file(tmp_path / "d" / "model.safetensors")
    assert held.keys() == {*halves, TOKEN_IDS}
    assert all(torch.equal(held[name], tensor) and held[name].dtype == torch.float16 for name, tensor in halves.items())


# --- where it is from ---


def test_a_config_says_where_it_is_from_and_claims_no_training(imported, target):
    folder, _ = imported("a layer")
    config = json.loads((folder / "config.json").read_text())
    source = folder.parent / "source"
    told = config["imported"]
    assert config["training"] == {}
    assert config["target"] == {"name": target.name, "weights_sha256": target.weights_sha256}
    assert told["format"] == "EAGLE-1 or EAGLE-2"
    assert told["files"] == {name: file_sha256(source / name) for name in ("config.json", "pytorch_model.bin")}
    assert told["embedding_is_the_targets"] is None
    assert "training tokens" in told["unknown"]
    assert broken(folder / "config.json") is None
    assert drafter_trained_on(folder) is UNKNOWN
    assert is_finished(folder / "config.json", told["fingerprint"], "imported", "fingerprint")


def test_a_record_names_the_format_and_a_table_that_its_training_is_unknown(imported, target, tmp_path):
    folder, _ = imported("a layer")
    (suite,) = find_suites(["qa"])
    arms = build_arms(target, ["autoregressive", "eagle2"], drafter_folders={"eagle2": folder})
    _, record = run_heat(plan_heat(target, arms, suite, limit=1, max_new_tokens=6), Store(tmp_path / "run"))
    assert record.certificate.verdict == "lossless"
    assert record.drafter.imported_from == "EAGLE-1 or EAGLE-2"
    assert record.drafter.training_tokens is None
    assert record.manifest["heat"]["training_unknown"] == ["eagle2"]
    write_leaderboard(Store(tmp_path / "run"), tmp_path / "run")
    assert "Training data unknown: eagle2" in (tmp_path / "run" / "LEADERBOARD.md").read_text()


@pytest.mark.parametrize(
    ("copy", "said"),
    [
        (lambda own: own.half(), "its copy of the embedding is that of tiny"),
        (lambda own: own.bfloat16(), "its copy of the embedding is that of tiny"),
        (lambda own: own.flip(0), "its copy of the embedding is not that of tiny, so it was trained for other weights"),
        (None, "does not say for which weights it was trained; it is bound to tiny, as asked"),
    ],
    ids=["in halves", "in bf16", "of another", "none"],
)
def test_a_copy_of_the_embedding_tells_whose_it_is(copy, said, target, tiny_folder, tmp_path, capsys):
    own = target.backbone.embedding_VH.detach()
    extra = {} if copy is None else {"embed_tokens.weight": copy(own)}
    source = save_published(tmp_path / "source", published_tensors() | extra)
    assert status("import-drafter", source, "--model", tiny_folder, "--output", tmp_path / "d") == 0
    assert said in capsys.readouterr().err
    told = json.loads((tmp_path / "d" / "config.json").read_text())["imported"]
    assert told["embedding_is_the_targets"] is (None if copy is None else "not that" not in said)
    assert told["ignored"] == list(extra)
    assert "embed_tokens.weight" not in load_file(tmp_path / "d" / "model.safetensors")


def test_what_config_and_keys_do_not_agree_on_is_said(tiny_folder, tmp_path, capsys):
    source = save_published(tmp_path / "source", config=published_config(bias=False))
    assert status("import-drafter", source, "--model", tiny_folder, "--output", tmp_path / "d") == 0
    assert "its config says bias false, its keys otherwise, and these decide" in capsys.readouterr().err
    assert json.loads((tmp_path / "d" / "config.json").read_text())["layer"]["bias"] is True


def test_without_an_output_the_folder_is_named_by_files_and_target(tiny_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    source = save_published(tmp_path / "source")
    folders = []
    for model in (tiny_folder, tiny_folder, str(save_tiny(tmp_path / "other", seed=1))):
        capsys.readouterr()
        assert status("import-drafter", source, "--model", model) == 0
        folders.append(capsys.readouterr().out.strip())
    assert folders[0] == folders[1] != folders[2]
    assert all(folder.startswith("runs/drafter-eagle2-") for folder in folders)


# --- whole or absent ---


def test_a_finished_one_stays_as_it_is_and_no_other_takes_its_place(imported, tiny_folder, capsys):
    folder, _ = imported("a layer")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.glob("[!.]*")}
    source = folder.parent / "source"
    assert status("import-drafter", source, "--model", tiny_folder, "--output", folder) == 0
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before
    save_published(source, random_tensors({name: t.shape for name, t in published_tensors().items()}, seed=1))
    assert status("import-drafter", source, "--model", tiny_folder, "--output", folder) == 2
    assert "choose another folder" in capsys.readouterr().err
    assert all(path.read_bytes() == content for path, (content, _) in before.items())


def test_one_that_was_interrupted_before_its_config_is_made_by_the_same_command(
    tiny_folder, tmp_path, monkeypatch, capsys
):
    source, folder = save_published(tmp_path / "source"), tmp_path / "d"
    command = ("import-drafter", source, "--model", tiny_folder, "--output", folder)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "atomic_write_text", interrupted)
        assert status(*command) == 130
    assert (folder / "model.safetensors").is_file()
    assert not (folder / "config.json").exists()
    other = save_published(tmp_path / "other", published_tensors(bias=False))
    assert status("import-drafter", other, "--model", tiny_folder, "--output", folder) == 2
    assert "holds an unfinished training or import of something else" in capsys.readouterr().err
    assert status(*command) == 0
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors", ".working"}


def test_heads_of_a_whole_model_decode_for_that_model(tmp_path, capsys):
    whole = tmp_path / "whole"
    save_tiny(whole)
    heads = {f"medusa_head.{key}": tensor for key, tensor in head_tensors(3).items()}
    own = {name: tensor.clone() for name, tensor in load_file(whole / "model.safetensors").items()}
    save_file(own | heads, whole / "model.safetensors", {"format": "pt"})
    assert status("import-drafter", whole, "--model", whole, "--output", tmp_path / "drafter") == 0
    told = capsys.readouterr().err
    assert "its copy of the embedding is that of whole" in told
    assert "Medusa-2" in told
    target = load_target(str(whole), device="cpu")
    plain, arm = build_arms(target, ["autoregressive", "medusa"], drafter_folders={"medusa": tmp_path / "drafter"})
    assert answer(target, arm) == answer(target, plain)
    assert arm.drafter.imported_from == "Medusa-2"
