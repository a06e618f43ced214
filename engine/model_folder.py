"""A model's folder, judged by its files: whole, of plain numbers, and nothing of them left over once it is loaded.

transformers is lenient: it takes an empty generation config for none, a configuration with fewer layers than the
weights have for a smaller model, and quantised weights for a reason to look for another library. Each of these would
be another model under the same name, so each is refused, with the file that says so.

Some tensors are left over rightly. transformers' own lists name what a class drops on purpose; `HARMLESS` and
`_further_layers` what no list names: constants that older versions stored, heads that generation does not pass through
and layers that predict further tokens. A classifier's or a reward's head (`score`) is none of these: training it
changed the model below it, which is no language model any more.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from offbook.engine.quoting import quoted_path
from offbook.engine.text import read_text

WEIGHTS = "model*.safetensors"
REMEDY = "download it again"
# What is read if it is there: an object each.
OBJECTS = (
    *("config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "tokenizer.json"),
    *("added_tokens.json", "vocab.json", "chat_template.json", "model.safetensors.index.json"),
)
NEVER_EMPTY = ("merges.txt", "vocab.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
TEMPLATE = "chat_template.jinja"
ADAPTER = "adapter_config.json"
READ = (WEIGHTS, *OBJECTS, *NEVER_EMPTY, TEMPLATE, ADAPTER)
MAX_BYTES = 2**29
PLAIN = ("F64", "F32", "F16", "BF16")
SMALL = re.compile(r"[IU]4|I8|F4.*|F6.*|F8.*")  # formats that nothing but quantised weights comes in
PACKED = re.compile(r"(weight|weight_packed|qweight|qzeros|g_idx|_blocks|_scales)$")  # in whole numbers, they are too
HARMLESS = re.compile(
    r"(^|\.)(attn|attention|self_attn)\.(masked_)?bias$|(^|\.)(attn|attention)\.causal_mask$"  # masks
    r"|(^|\.)rotary_emb\.(inv_freq|cos_cached|sin_cached)$|(^|\.)position_ids$"
    r"|(^|\.)mtp\.|^medusa_head\.|^v_head\."  # heads for further tokens, the value of a state: beside a whole model
)
OTHER_SENSES = ("vision_config", "audio_config", "image_config", "speech_config")
SENSES = re.compile(r"(^|\.)(vision|visual|audio|image|speech|multi_?modal|mm_)")
LAYER = re.compile(r"(^|\.)layers\.(\d+)\.")
PREDICTS_FURTHER = re.compile(r"(^|\.)layers\.\d+\.(eh_proj|enorm|hnorm|shared_head)\.")


def check_files(folder: Path) -> Mapping[str, Any]:
    """Reads the files from which the libraries below make a model and its tokenizer.

    Returns:
        What `config.json` says.

    Raises:
        ValueError: one of them is empty, no text or no JSON object; it is named.
    """
    if (folder / ADAPTER).is_file():
        msg = (
            f"{folder / ADAPTER}: expected a whole model, got an adapter for one; merge it into its model, or move it "
            "out of this folder"
        )
        raise ValueError(msg)
    found = {name: _object(folder / name) for name in OBJECTS if (folder / name).is_file()}
    for name in NEVER_EMPTY:
        if (folder / name).is_file() and not (folder / name).stat().st_size:
            msg = f"{folder / name}: expected a part of the tokenizer, got an empty file; {REMEDY}"
            raise ValueError(msg)
    if (folder / TEMPLATE).is_file():
        check_template(read_text(folder / TEMPLATE, what="a chat template"), str(folder / TEMPLATE))
    return found.get("config.json", {})


def check_template(template: object, source: str) -> None:
    """Refuses a chat template without a word, which would make every prompt empty.

    Raises:
        ValueError: naming `source`.
    """
    if isinstance(template, str) and not template.strip():
        msg = f"{source}: expected a chat template, got an empty one; {REMEDY}, or delete it to go without"
        raise ValueError(msg)


def check_plain(folder: Path, config: Mapping[str, Any], name: str) -> None:
    """Refuses quantised weights, by what the configuration says and by the formats in which the tensors lie.

    Args:
        folder: of the model.
        config: what its `config.json` says.
        name: what the user calls it.

    Raises:
        ValueError: they are quantised; the line says which way. Or a file of them is damaged.
    """
    how = _configured(config) or _stored(folder)
    if how is not None:
        msg = (
            f"model {quoted_path(name)}: expected weights in {', '.join(PLAIN)}, got quantised ones ({how:.200}); "
            "offbook needs the model that they were made from"
        )
        raise ValueError(msg)


def check_complete(missing: Iterable[str], mismatched: Iterable[tuple[str, Any, Any]], owner: str) -> None:
    """Refuses a model of which a part would be random numbers.

    Args:
        missing: names of its weights that no file holds.
        mismatched: those that a file holds in another shape: name, the file's shape, the model's.
        owner: whose they are, for the message.

    Raises:
        ValueError: naming the first of them.
    """
    if names := sorted(missing):
        msg = (
            f"{owner}: expected a weight for everything that its config.json describes, got none for {names[0]}"
            f"{_more(names)}, which would be random numbers; {REMEDY}"
        )
        raise ValueError(msg)
    if shapes := sorted(mismatched):
        name, stored, wanted = shapes[0]
        msg = (
            f"{owner}: expected weights of the sizes that its config.json describes, got {name} of {tuple(stored)} for "
            f"{tuple(wanted)}{_more(shapes)}; {REMEDY}"
        )
        raise ValueError(msg)


def check_nothing_left(unexpected: Iterable[str], config: Mapping[str, Any], name: str) -> None:
    """Refuses a model that does not use all of its weights; see above for those that may be left over.

    Args:
        unexpected: names of tensors that transformers found no place for, without those that its own lists name.
        config: what the model's `config.json` says.
        name: what the user calls it.

    Raises:
        ValueError: naming the first of them.
    """
    unexpected = sorted(unexpected)
    senses = any(isinstance(config.get(sense), Mapping) for sense in OTHER_SENSES)
    further = _further_layers(unexpected)
    left = [
        tensor
        for tensor in unexpected
        if not (
            HARMLESS.search(tensor)
            or (senses and SENSES.search(tensor))
            or ((layer := LAYER.search(tensor)) and layer[2] in further)
        )
    ]
    refuse_left(left, f"model {quoted_path(name)}")


def refuse_left(left: list[str], owner: str) -> None:
    """Refuses weights that have no place in a model.

    Raises:
        ValueError: there are some; the first is named.
    """
    if left:
        msg = (
            f"{owner}: expected a config.json that describes all of its weights, found no place for {left[0]}"
            f"{_more(left)}, so it is not the model that was trained; {REMEDY}"
        )
        raise ValueError(msg)


def _more(names: Sequence[object]) -> str:
    return f" and {len(names) - 1} more" if names[1:] else ""


def _further_layers(tensors: Iterable[str]) -> set[str]:
    """Numbers of the layers that predict further tokens: they have what no other layer has."""
    return {layer[2] for tensor in tensors if PREDICTS_FURTHER.search(tensor) and (layer := LAYER.search(tensor))}


def _object(path: Path) -> dict[str, Any]:
    """JSON as transformers reads it (which writes Infinity)."""
    text = read_text(path, what="a JSON object", max_bytes=MAX_BYTES, remedy=REMEDY)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        problem = "an empty file" if not text.strip() else f"{error}"
        msg = f"{path}: expected a JSON object, got {problem:.200}; {REMEDY}"
        raise ValueError(msg) from error
    if not isinstance(value, dict):
        msg = f"{path}: expected a JSON object, got {type(value).__name__}; {REMEDY}"
        raise ValueError(msg)
    return value


def _configured(config: Mapping[str, Any]) -> str | None:
    """How the weights are quantised, by the configuration."""
    text = config.get("text_config")
    for owner in (config, text if isinstance(text, Mapping) else {}):
        for key in ("quantization_config", "compression_config"):
            found = owner.get(key)
            if not found:
                continue
            if not isinstance(found, Mapping):
                return f"{key} of its config.json: {found!r}"
            method = found.get("quant_method") or "unknown method"
            bits = found.get("bits") or (4 if found.get("load_in_4bit") else 8 if found.get("load_in_8bit") else None)
            return f"{method}{'' if bits is None else f', {bits} bits'}, by the {key} of its config.json"
    return None


def _stored(folder: Path) -> str | None:
    """How the weights are quantised, by the first tensor whose format says so."""
    for path in sorted(folder.glob(WEIGHTS)):
        try:
            with safe_open(path, "pt") as file:
                formats = {name: str(file.get_slice(name).get_dtype()) for name in file.keys()}  # noqa: SIM118 (no mapping)
        except (SafetensorError, OSError) as error:
            msg = f"{path}: expected whole safetensors, got {' '.join(str(error).split()):.200}; {REMEDY}"
            raise ValueError(msg) from error
        for name, kind in formats.items():
            if kind not in PLAIN and (SMALL.fullmatch(kind) or PACKED.search(name)):
                return f"{name} in {kind}"
    return None
