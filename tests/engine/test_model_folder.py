"""A model whose files are not whole, not plain or not each other's is refused by name; harmless extras are not."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from offbook.engine.decoding.endings import end_token_ids
from offbook.engine.pretrained import load
from offbook.engine.students.text_encoder import load_encoder
from tests.engine.architecture_outcomes import DECODES
from tests.engine.architectures import tiny
from tests.engine.students.test_text_encoder import tiny_encoder
from tests.tiny import save_tiny, tiny_model, tiny_tokenizer

PROMPT = torch.tensor([[1, 2, 3, 4]])
HALVES = {"emu3", "mllama"}  # built here as halves, whose configurations no automatic class takes
LAYER = "model.layers.2."  # behind the last of a tiny model


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("whole") / "tiny")


@pytest.fixture(scope="module")
def saved_encoder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("encoder") / "tiny"
    encoder = tiny_encoder()
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "tiny"))


@pytest.fixture
def encoder(saved_encoder, tmp_path) -> Path:
    return Path(shutil.copytree(saved_encoder, tmp_path / "encoder"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OFFBOOK_CACHE", str(tmp_path / "cache"))


def save(folder: Path, model) -> Path:
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def configure(folder: Path, **changes) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def add(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    path = folder / "model.safetensors"
    save_file(load_file(path) | tensors, path, {"format": "pt"})


def refusal(folder: Path, reader=load) -> str:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (callers compare the message)
        reader(str(folder))
    message = str(refused.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


# --- weights that are left over ---


def test_a_configuration_with_fewer_layers_than_the_weights_is_refused(folder):
    configure(folder, num_hidden_layers=1)
    message = refusal(folder)
    assert "found no place for model.layers.1.input_layernorm.weight and 8 more" in message
    assert message.endswith("download it again")


def test_biases_that_the_configuration_leaves_out_are_refused(tmp_path):
    folder = save(tmp_path, tiny_model(attention_bias=True))
    load(str(folder))
    configure(folder, attention_bias=False)
    assert "found no place for model.layers.0.self_attn.k_proj.bias and 7 more" in refusal(folder)


def test_another_familys_configuration_is_refused(tmp_path):
    folder = save(tmp_path, tiny_model("qwen3"))
    configure(folder, model_type="llama", architectures=["LlamaForCausalLM"])
    assert "found no place for model.layers.0.self_attn.k_norm.weight" in refusal(folder)


def test_fewer_experts_than_the_weights_have_are_refused(tmp_path):
    folder = save(tmp_path, tiny("qwen3_moe"))
    load(str(folder))
    configure(folder, num_local_experts=3)
    told = "got model.layers.0.mlp.experts.down_proj of (4, 32, 16) for (3, 32, 16) and 11 more"
    assert told in refusal(folder)


def test_other_sizes_than_the_weights_have_are_refused(folder, encoder):
    configure(folder, intermediate_size=48)
    assert "got model.layers.0.mlp.down_proj.weight of (32, 64) for (32, 48) and 5 more" in refusal(folder)
    configure(encoder, intermediate_size=24)
    assert "got encoder.layer.0.intermediate.dense.bias of (16,) for (24,)" in refusal(encoder, load_encoder)


@pytest.mark.parametrize(
    "name",
    [
        *(f"{LAYER}input_layernorm.weight", f"{LAYER}mlp.up_proj.weight", "model.layers.0.mlp.up_proj.bias"),
        *("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", "score.weight", "classifier.bias"),
        *("lm_head.bias", "vision_model.embeddings.weight", "model.layers.0.self_attn.q_proj.weight_scale", "extra"),
    ],
)
def test_what_would_change_the_answers_is_not_left_out_silently(folder, name):
    add(folder, {name: torch.ones(2, 2)})
    assert f"found no place for {name}" in refusal(folder)


@pytest.mark.parametrize(
    "names",
    [
        [f"model.layers.{i}.self_attn.rotary_emb.inv_freq" for i in range(2)],
        [f"model.layers.{i}.self_attn.rotary_emb.{kind}_cached" for i in range(2) for kind in ("cos", "sin")],
        ["model.rotary_emb.inv_freq"],
        ["v_head.summary.weight", "v_head.summary.bias"],
        ["mtp.fc.weight", "mtp.layers.0.mlp.up_proj.weight"],
        ["medusa_head.0.0.linear.weight", "medusa_head.0.1.weight"],
        [f"{LAYER}eh_proj.weight", f"{LAYER}enorm.weight", f"{LAYER}mlp.up_proj.weight"],
    ],
)
def test_what_no_answer_depends_on_may_be_left_over(folder, names):
    expected = load(str(folder))[0](PROMPT).logits
    add(folder, {name: torch.ones(2, 2) for name in names})
    assert torch.equal(load(str(folder))[0](PROMPT).logits, expected)


def test_layers_that_predict_further_tokens_excuse_no_others(folder):
    add(folder, {f"{LAYER}eh_proj.weight": torch.ones(2, 2), "model.layers.3.mlp.up_proj.weight": torch.ones(2, 2)})
    assert "found no place for model.layers.3.mlp.up_proj.weight, so" in refusal(folder)


def test_a_head_beside_the_embedding_that_it_is_tied_to_is_not_left_over(tmp_path):
    folder = save(tmp_path, tiny_model(tie_word_embeddings=True))
    expected = load(str(folder))[0](PROMPT).logits
    add(folder, {"lm_head.weight": load_file(folder / "model.safetensors")["model.embed_tokens.weight"].clone()})
    assert torch.equal(load(str(folder))[0](PROMPT).logits, expected)


@pytest.mark.parametrize(
    ("model_type", "names"),
    [
        ("gpt2", ["transformer.h.0.attn.bias", "transformer.h.0.attn.masked_bias"]),
        ("gpt_neo", ["transformer.h.0.attn.attention.bias", "transformer.h.0.attn.attention.masked_bias"]),
        ("gpt_neox", ["gpt_neox.layers.0.attention.bias", "gpt_neox.layers.0.attention.masked_bias"]),
        ("gptj", ["transformer.h.0.attn.bias", "transformer.h.0.attn.masked_bias"]),
        ("codegen", ["transformer.h.0.attn.causal_mask"]),
    ],
)
def test_masks_that_older_versions_stored_are_not_left_over(model_type, names, tmp_path):
    folder = save(tmp_path, tiny(model_type))
    expected = load(str(folder))[0](PROMPT).logits
    add(folder, {name: torch.ones(1, 1, 8, 8, dtype=torch.uint8) for name in names})
    assert torch.equal(load(str(folder))[0](PROMPT).logits, expected)


def test_the_other_senses_of_a_model_that_has_some_may_be_left_over(folder):
    vision = {"vision_model.layers.7.weight": torch.ones(2, 2), "multi_modal_projector.weight": torch.ones(2, 2)}
    add(folder, vision)
    assert "found no place for multi_modal_projector.weight and 1 more" in refusal(folder)
    configure(folder, vision_config={"hidden_size": 2})
    load(str(folder))
    add(folder, {f"{LAYER}mlp.up_proj.weight": torch.ones(2, 2)})
    assert f"found no place for {LAYER}mlp.up_proj.weight, so" in refusal(folder)


@pytest.mark.slow
@pytest.mark.parametrize("model_type", sorted(DECODES - HALVES))
def test_no_class_leaves_weights_of_its_own_over(model_type, tmp_path):
    model = tiny(model_type)
    loaded, _ = load(str(save(tmp_path, model)))
    before, after = model.state_dict(), loaded.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.slow
@pytest.mark.parametrize("model_type", sorted(HALVES))
def test_a_half_is_refused_by_transformers_itself(model_type, tmp_path):
    assert "Unrecognized configuration class" in refusal(save(tmp_path, tiny(model_type)))


def test_an_encoder_with_fewer_layers_than_its_weights_is_refused(tmp_path):
    encoder = tiny_encoder(layers=2)
    encoder.model.save_pretrained(tmp_path)
    encoder.tokenizer.save_pretrained(tmp_path)
    load_encoder(str(tmp_path))
    configure(tmp_path, num_hidden_layers=1)
    assert "found no place for encoder.layer.1.attention.output.LayerNorm.bias" in refusal(tmp_path, load_encoder)


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_heads_on_top_of_an_encoder_may_be_left_over_and_parts_of_it_not(encoder, prefix):
    expected = load_encoder(str(encoder)).vector("how many", "one two")
    path = encoder / "model.safetensors"
    tensors = {f"{prefix}{name}": tensor for name, tensor in load_file(path).items()}
    save_file(tensors | {"cls.predictions.bias": torch.ones(13)}, path, {"format": "pt"})
    assert torch.equal(load_encoder(str(encoder)).vector("how many", "one two"), expected)
    add(encoder, {f"{prefix}encoder.layer.0.adapter.weight": torch.ones(2, 2)})
    assert "found no place for" in refusal(encoder, load_encoder)


# --- files that are not whole ---


@pytest.mark.parametrize("content", [b"", b"\n", b"{", b"[]", b'"x"', b"null", b"{}\n{}", '{"a": 1}'.encode("utf-16")])
@pytest.mark.parametrize(
    "name",
    [
        *("config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json"),
        *("tokenizer.json", "added_tokens.json", "model.safetensors.index.json"),
    ],
)
def test_a_file_that_is_no_json_object_is_named(folder, name, content):
    (folder / name).write_bytes(content)
    message = refusal(folder)
    assert message.startswith(f"{folder / name}: expected ")
    assert message.endswith("download it again")


@pytest.mark.parametrize("name", ["merges.txt", "vocab.txt", "tokenizer.model"])
def test_an_empty_part_of_a_tokenizer_is_named(folder, name):
    (folder / name).write_bytes(b"")
    assert refusal(folder) == (
        f"{folder / name}: expected a part of the tokenizer, got an empty file; download it again"
    )


@pytest.mark.parametrize("content", [b"", b" \n"])
def test_an_empty_chat_template_is_named(folder, content):
    (folder / "chat_template.jinja").write_bytes(content)
    assert refusal(folder).startswith(f"{folder / 'chat_template.jinja'}: expected a chat template, got an empty one")


def test_a_chat_template_in_another_encoding_is_named(folder):
    (folder / "chat_template.jinja").write_bytes("{{ messages }} é".encode("latin-1"))
    assert refusal(folder).startswith(f"{folder / 'chat_template.jinja'}: expected UTF-8 text")


def test_an_empty_chat_template_among_the_tokenizers_settings_is_refused(folder):
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": ""}))
    assert "expected a chat template, got an empty one" in refusal(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_an_encoders_files_are_looked_at_too(encoder, name):
    (encoder / name).write_bytes(b"")
    assert f"{encoder / name}: expected a JSON object, got an empty file" in refusal(encoder, load_encoder)


def test_numbers_as_transformers_writes_them_are_read(folder):
    configure(folder, time_step_limit=[0.0, float("inf")])
    load(str(folder))


@pytest.mark.parametrize("content", ["{}", '{"temperature": 0.6}', None])
def test_a_generation_config_without_end_tokens_has_those_of_the_model(folder, content):
    configure(folder, eos_token_id=[7, 9])
    path = folder / "generation_config.json"
    path.unlink() if content is None else path.write_text(content)
    model, tokenizer = load(str(folder))
    assert model.generation_config.eos_token_id == [7, 9]
    assert end_token_ids(model, tokenizer) == {7, 9, tokenizer.eos_token_id}


def test_end_tokens_of_the_generation_config_come_first(folder):
    configure(folder, eos_token_id=[7, 9])
    (folder / "generation_config.json").write_text('{"eos_token_id": 5}')
    assert load(str(folder))[0].generation_config.eos_token_id == 5


def test_an_adapter_in_a_models_folder_is_not_loaded_over_it(folder):
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "org/name"}')
    assert refusal(folder).startswith(f"{folder / 'adapter_config.json'}: expected a whole model, got an adapter")


# --- weights that are quantised ---


@pytest.mark.parametrize(
    ("settings", "how"),
    [
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "bitsandbytes, 4 bits"),
        ({"load_in_8bit": True}, "unknown method, 8 bits"),
        ({"quant_method": "gptq", "bits": 4, "group_size": 128}, "gptq, 4 bits"),
        ({"quant_method": "awq", "bits": 4, "version": "gemm"}, "awq, 4 bits"),
        ({"quant_method": "compressed-tensors", "format": "int-quantized"}, "compressed-tensors"),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "something new"}, "something new"),
        ("int8", "quantization_config of its config.json: 'int8'"),
    ],
)
def test_a_configuration_that_says_quantised_is_refused(folder, encoder, settings, how):
    for place, reader in ((folder, load), (encoder, load_encoder)):
        configure(place, quantization_config=settings)
        message = refusal(place, reader)
        assert "got quantised ones (" in message
        assert how in message
        assert "offbook needs the model that they were made from" in message
        assert "--dtype" not in message


PROJECTION = "model.layers.0.mlp.up_proj"


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        (f"{PROJECTION}.weight", torch.int8, "I8"),
        (f"{PROJECTION}.weight", torch.uint8, "U8"),
        (f"{PROJECTION}.weight", torch.float8_e4m3fn, "F8_E4M3"),
        (f"{PROJECTION}.weight", torch.float8_e5m2, "F8_E5M2"),
        (f"{PROJECTION}.weight", torch.int32, "I32"),
        (f"{PROJECTION}.qweight", torch.int32, "I32"),
        (f"{PROJECTION}.weight_packed", torch.int32, "I32"),
        ("model.layers.0.mlp.experts.up_proj_blocks", torch.uint8, "U8"),
    ],
)
def test_tensors_in_the_formats_of_quantised_weights_are_refused(folder, name, kind, told):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    weight = tensors.pop(f"{PROJECTION}.weight")
    save_file(tensors | {name: weight.to(kind)}, path, {"format": "pt"})
    message = refusal(folder)
    assert f"got quantised ones ({name} in {told})" in message
    assert "--dtype" not in message


def test_weights_in_half_precision_are_not_taken_for_quantised(tmp_path):
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        load(str(save(tmp_path / str(dtype), tiny_model(dtype=dtype))))


def test_a_damaged_file_of_weights_is_named(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    assert refusal(folder).startswith(f"{path}: expected whole safetensors, got ")
