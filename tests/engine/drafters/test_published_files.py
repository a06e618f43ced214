"""Folders of published draft models: what is read, what is refused in one line, and that nothing in them runs."""

import io
import json
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import save_file

from offbook.engine.drafters.published.files import WEIGHTS, read_published
from offbook.engine.files import file_sha256
from tests.harness.interchange.charges import Canary
from tests.published import head_tensors, published_config, published_tensors, save_published


def refusal(folder) -> str:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (callers compare the message)
        read_published(folder)
    message = str(refused.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


@pytest.mark.parametrize("weights", [name for names in WEIGHTS for name in names])
def test_tensors_and_config_are_read_with_the_hashes_of_their_files(weights, tmp_path):
    found = read_published(save_published(tmp_path, weights=weights))
    expected = published_tensors()
    assert found.tensors.keys() == expected.keys()
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in expected.items())
    assert dict(found.config) == published_config()
    assert found.place == str(tmp_path / weights)
    assert dict(found.files) == {name: file_sha256(tmp_path / name) for name in ("config.json", weights)}


def test_of_two_spellings_the_one_that_is_no_pickle_is_read(tmp_path):
    save_published(tmp_path)
    save_published(tmp_path, {"a": torch.ones(2)}, weights="model.safetensors")
    found = read_published(tmp_path)
    assert found.weights == "model.safetensors"
    assert list(found.tensors) == ["a"]
    assert set(found.files) == {"config.json", "model.safetensors"}


def test_what_trainers_leave_beside_it_is_left_alone(tmp_path):
    save_published(tmp_path)
    (tmp_path / "pytorch_model_1.bin").write_bytes(b"no pickle")
    (tmp_path / "optimizer.bin").write_bytes(b"no pickle")
    assert set(read_published(tmp_path).files) == {"config.json", "pytorch_model.bin"}


def test_a_folder_of_two_draft_models_is_refused(tmp_path):
    save_published(tmp_path)
    save_published(tmp_path, weights="medusa_lm_head.pt")
    assert "expected one draft model, got pytorch_model.bin and medusa_lm_head.pt; move" in refusal(tmp_path)


def test_no_folder_a_file_and_a_folder_without_weights_are_refused(tmp_path):
    assert "got no such folder; check the path" in refusal(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    assert "got a file; check the path" in refusal(tmp_path / "file")
    assert "(one of model.safetensors, pytorch_model.bin, medusa_lm_head.safetensors" in refusal(tmp_path)
    (tmp_path / "pytorch_model.bin.index.json").write_text("{}")
    assert "got pytorch_model.bin.index.json of a whole model or of nothing; check the path" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "got no such file"),
        (b"", "expected JSON, got"),
        (b"[1]", "expected a draft model's config, got [1]"),
        (b"\xff\xfe{}", "expected UTF-8 text, got UTF-16"),
        (b'{"hidden_size": NaN}', "expected JSON, got the number NaN"),
        (b'{"a": 1, "a": 2}', "expected JSON, got the key 'a' twice"),
        (b"[" * 100_000, "expected JSON, got more than 64 levels"),
    ],
)
def test_a_config_that_is_none_is_refused(content, complaint, tmp_path):
    save_published(tmp_path)
    (tmp_path / "config.json").unlink()
    if content is not None:
        (tmp_path / "config.json").write_bytes(content)
    assert complaint in refusal(tmp_path)


def pickled(value) -> bytes:
    torch.save(value, stream := io.BytesIO())
    return stream.getvalue()


NO_TENSORS = {
    "nothing": b"",
    "words": b"no pickle at all",
    "a part": pickled(published_tensors())[:2000],
    "a list": pickled([torch.ones(2)]),
    "a number among tensors": pickled({"a": torch.ones(2), "epoch": 3}),
    "numbers for names": pickled({1: torch.ones(2)}),
    "tensors below": pickled({"state_dict": {"a": torch.ones(2)}}),
    "one number for a thousand": pickled({"a": torch.ones(1).expand(10**12)}),
    "a sparse tensor": pickled({"a": torch.ones(2, 2).to_sparse()}),
    "a tensor without numbers": pickled({"a": torch.ones(2, device="meta")}),
}


@pytest.mark.parametrize("what", NO_TENSORS)
def test_a_pickle_of_anything_but_whole_tensors_is_refused(what, tmp_path):
    save_published(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(NO_TENSORS[what])
    message = refusal(tmp_path)
    assert "pytorch_model.bin: expected " in message
    assert "download it again" in message
    assert "weights_only" not in message, "torch's advice is to trust the file"


@pytest.mark.parametrize("kind", ["pickle", "torch", "old torch"])
@pytest.mark.parametrize("weights", ["pytorch_model.bin", "medusa_lm_head.pt", "model.safetensors"])
def test_code_in_the_place_of_weights_is_not_run(kind, weights, tmp_path):
    canary = Canary(tmp_path / "sung")
    folder = save_published(tmp_path / "draft", weights=weights)
    (folder / weights).write_bytes(canary.charge(kind))
    refusal(folder)
    assert not canary.has_sung()


def test_a_state_dict_with_what_torch_adds_is_one(tmp_path):
    save_published(tmp_path)
    held = OrderedDict(torch.nn.Linear(2, 3).state_dict())
    torch.save(held, tmp_path / "pytorch_model.bin")
    assert set(read_published(tmp_path).tensors) == {"weight", "bias"}
    parameters = dict(torch.nn.Linear(2, 3).named_parameters())
    torch.save(parameters, tmp_path / "pytorch_model.bin")
    assert set(read_published(tmp_path).tensors) == {"weight", "bias"}


@pytest.mark.parametrize("size", [0, 4, 100])
def test_damaged_safetensors_are_refused(size, tmp_path):
    save_published(tmp_path, weights="model.safetensors")
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    assert "expected whole safetensors, got a damaged file" in refusal(tmp_path)


def test_safetensors_of_any_words_are_read(tmp_path):
    save_published(tmp_path, weights="model.safetensors")
    save_file({"a": torch.ones(2)}, tmp_path / "model.safetensors", {"format": "pt", "sha256": json.dumps("x")})
    assert list(read_published(tmp_path).tensors) == ["a"]


HEADS = {f"medusa_head.{key}": tensor for key, tensor in head_tensors(2).items()}
EMBEDDING = {"model.embed_tokens.weight": torch.ones(4, 2)}


def test_of_a_whole_model_only_its_heads_and_its_embedding_are_read(tmp_path):
    save_published(tmp_path, HEADS | EMBEDDING | {"model.norm.weight": torch.ones(2)}, weights="model.safetensors")
    found = read_published(tmp_path)
    assert found.tensors.keys() == HEADS.keys() | EMBEDDING.keys()
    assert found.others == ("model.norm.weight",)
    assert found.weights == "model.safetensors"
    assert set(found.files) == {"config.json", "model.safetensors"}


def test_heads_are_found_in_the_files_that_an_index_names(tmp_path):
    save_published(tmp_path, HEADS, weights="model-00002-of-00002.safetensors")
    others = EMBEDDING | {"model.norm.weight": torch.ones(2)}
    save_published(tmp_path, others, weights="model-00001-of-00002.safetensors")
    places = dict.fromkeys(HEADS, "model-00002-of-00002.safetensors")
    places |= dict.fromkeys(others, "model-00001-of-00002.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": places}))
    found = read_published(tmp_path)
    assert found.tensors.keys() == HEADS.keys() | EMBEDDING.keys()
    assert found.others == ("model.norm.weight",)
    assert found.weights == index.name
    assert set(found.files) == {"config.json", index.name, *places.values()}
    index.write_text(json.dumps({"weight_map": places | {"medusa_head.0.0.linear.weight": "../elsewhere.safetensors"}}))
    assert "expected names of files beside it, got '../elsewhere.safetensors'" in refusal(tmp_path)
    index.write_text(
        json.dumps({"weight_map": places | {"medusa_head.9.0.linear.weight": next(iter(places.values()))}})
    )
    assert "expected whole safetensors, got a damaged file or none" in refusal(tmp_path)


KINDS_OF_SEVERAL = {
    "model.safetensors": "expected whole safetensors, got a damaged file or none",
    "pytorch_model.bin": "expected a whole file of tensors and nothing else",
}


def save_in_two(folder, held, kind: str, first: int) -> dict[str, str]:
    """So many tensors in one file, the others in a second one, and an index, which is told."""
    stem, _, ending = kind.partition(".")
    parts = [dict([*held.items()][:first]), dict([*held.items()][first:])]
    places = {}
    for number, part in enumerate(parts, 1):
        name = f"{stem}-0000{number}-of-00002.{ending}"
        save_published(folder, part, weights=name)
        places |= dict.fromkeys(part, name)
    (folder / f"{kind}.index.json").write_text(json.dumps({"weight_map": places}))
    return places


@pytest.mark.parametrize("kind", KINDS_OF_SEVERAL)
def test_a_draft_model_in_several_files_is_read_by_its_index(kind, tmp_path):
    held = published_tensors()
    places = save_in_two(tmp_path, held, kind, 4)
    found = read_published(tmp_path)
    assert found.tensors.keys() == held.keys()
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in held.items())
    assert (found.weights, found.others) == (f"{kind}.index.json", ())
    assert set(found.files) == {"config.json", f"{kind}.index.json", *places.values()}
    (tmp_path / max(places.values())).unlink()
    assert KINDS_OF_SEVERAL[kind] in refusal(tmp_path)


def test_heads_are_found_in_the_pickles_that_an_index_names(tmp_path):
    places = save_in_two(tmp_path, HEADS | EMBEDDING | {"model.norm.weight": torch.ones(2)}, "pytorch_model.bin", 3)
    found = read_published(tmp_path)
    assert found.tensors.keys() == HEADS.keys() | EMBEDDING.keys()
    assert found.others == ("model.norm.weight",)
    told = {"weight_map": places | {"medusa_head.9.0.linear.weight": min(places.values())}}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(told))
    assert "expected 'medusa_head.9.0.linear.weight', as its index says, got a file without it" in refusal(tmp_path)


def test_safetensors_in_several_files_go_before_a_pickle_in_several(tmp_path):
    save_in_two(tmp_path, published_tensors(), "pytorch_model.bin", 4)
    save_in_two(tmp_path, {"a": torch.ones(2), "b": torch.ones(2)}, "model.safetensors", 1)
    assert set(read_published(tmp_path).tensors) == {"a", "b"}


@pytest.mark.parametrize("kind", KINDS_OF_SEVERAL)
def test_a_whole_model_without_heads_is_none(kind, tmp_path):
    for key in ("model.norm.weight", "transformer.h.0.ln_1.weight", "gpt_neox.final_layer_norm.weight"):
        told = {"weight_map": {"lm_head.weight": "a", key: "a"}}
        (tmp_path / f"{kind}.index.json").write_text(json.dumps(told))
        assert f"got {kind}.index.json of a whole model" in refusal(tmp_path)
