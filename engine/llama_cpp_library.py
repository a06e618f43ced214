"""llama.cpp through its C interface: a GGUF file, token ids in, token ids out, drawn by its own samplers.

The wheel of xllamacpp links llama.cpp into its extension module and exports `llama.h`, so ctypes reaches it without a
compiler. Its own Python interface answers with text, not with token ids.

Parameters are structures whose fields move from release to release. They are taken from llama.cpp's own defaults and
handed back as they came, in a buffer that is larger than they are; only the first field of a context's (its length) is
set, and checked against what the context says of itself.
"""

import ctypes
import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.quoting import quoted_path

PACKAGE = "xllamacpp"
SMALLEST_CONTEXT = 256
BATCH = 512  # tokens a call; llama.cpp's default takes 2,048
LAST = -1  # the row of logits behind the last token

_Pointer, _Int = ctypes.c_void_p, ctypes.c_int32


class Runtime(Protocol):
    """A model that llama.cpp runs."""

    def begin(self, capacity: int, sampling: Sampling, seed: int) -> None:
        """Forgets every token; a document of at most `capacity` tokens comes, drawn with this seed (32 bits)."""
        ...

    def feed(self, tokens: Sequence[int]) -> int:
        """Reads tokens and draws the next one."""
        ...


class _Parameters(ctypes.Structure):
    _fields_ = (("bytes", ctypes.c_uint8 * 1024),)


class _Batch(ctypes.Structure):
    _fields_ = (
        ("n_tokens", _Int),
        *((name, _Pointer) for name in ("token", "embd", "pos", "n_seq_id", "seq_id", "logits")),
    )


class _ChainParameters(ctypes.Structure):
    _fields_ = (("no_perf", ctypes.c_bool),)


_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "llama_backend_init": (None, ()),
    "llama_log_set": (None, (_Pointer, _Pointer)),
    "llama_model_default_params": (_Parameters, ()),
    "llama_model_load_from_file": (_Pointer, (ctypes.c_char_p, _Parameters)),
    "llama_model_get_vocab": (_Pointer, (_Pointer,)),
    "llama_vocab_n_tokens": (_Int, (_Pointer,)),
    "llama_context_default_params": (_Parameters, ()),
    "llama_init_from_model": (_Pointer, (_Pointer, _Parameters)),
    "llama_free": (None, (_Pointer,)),
    "llama_n_ctx": (ctypes.c_uint32, (_Pointer,)),
    "llama_set_n_threads": (None, (_Pointer, _Int, _Int)),
    "llama_get_memory": (_Pointer, (_Pointer,)),
    "llama_memory_clear": (None, (_Pointer, ctypes.c_bool)),
    "llama_batch_get_one": (_Batch, (_Pointer, _Int)),
    "llama_decode": (_Int, (_Pointer, _Batch)),
    "llama_sampler_chain_default_params": (_ChainParameters, ()),
    "llama_sampler_chain_init": (_Pointer, (_ChainParameters,)),
    "llama_sampler_chain_add": (None, (_Pointer, _Pointer)),
    "llama_sampler_init_greedy": (_Pointer, ()),
    "llama_sampler_init_temp": (_Pointer, (ctypes.c_float,)),
    "llama_sampler_init_top_k": (_Pointer, (_Int,)),
    "llama_sampler_init_top_p": (_Pointer, (ctypes.c_float, ctypes.c_size_t)),
    "llama_sampler_init_dist": (_Pointer, (ctypes.c_uint32,)),
    "llama_sampler_sample": (_Int, (_Pointer, _Pointer, _Int)),
    "llama_sampler_free": (None, (_Pointer,)),
}


def require_package() -> None:
    """Makes sure that the package is there.

    Raises:
        ValueError: it is not installed.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        msg = f'llama_cpp: expected {PACKAGE} to run it, found none installed; run `pip install "offbook[llama-cpp]"`'
        raise ValueError(msg)


class LlamaCppModel:
    """See `Runtime`; the model and its context live as long as the process.

    Args:
        gguf: the file.
        vocab_size: how many tokens the target knows.
        threads: of every computation.

    Raises:
        ValueError: the package is missing or has another interface, or the file is none of a model of this vocabulary.
    """

    def __init__(self, gguf: Path, *, vocab_size: int, threads: int) -> None:
        self._library = _library()
        self._threads, self._capacity = threads, 0
        self._context: int | None = None
        self._sampler: int | None = None
        model = self._library.llama_model_load_from_file(str(gguf).encode(), self._library.llama_model_default_params())
        if not model:
            msg = f"llama_cpp: expected a GGUF file that llama.cpp reads, got {quoted_path(gguf)}; name another"
            raise ValueError(msg)
        self._model = model
        found = self._library.llama_vocab_n_tokens(self._library.llama_model_get_vocab(model))
        if found != vocab_size:
            msg = (
                f"llama_cpp: expected a GGUF of the target, which knows {vocab_size} tokens, got {quoted_path(gguf)} "
                f"with {found}; name the target's own"
            )
            raise ValueError(msg)

    def begin(self, capacity: int, sampling: Sampling, seed: int) -> None:
        """See `Runtime.begin`."""
        library = self._library
        if capacity > self._capacity:
            self._grow(max(SMALLEST_CONTEXT, 1 << (capacity - 1).bit_length()))
        library.llama_memory_clear(library.llama_get_memory(self._context), True)
        if self._sampler is not None:
            library.llama_sampler_free(self._sampler)
        self._sampler = library.llama_sampler_chain_init(library.llama_sampler_chain_default_params())
        for link in self._links(sampling, seed):
            library.llama_sampler_chain_add(self._sampler, link)

    def feed(self, tokens: Sequence[int]) -> int:
        """See `Runtime.feed`."""
        library = self._library
        for start in range(0, len(tokens), BATCH):
            part = tokens[start : start + BATCH]
            row = (_Int * len(part))(*part)
            status = library.llama_decode(self._context, library.llama_batch_get_one(row, len(part)))
            if status != 0:
                msg = f"llama_cpp: expected llama_decode to return 0, got {status}; shorten the prompt or lower the cap"
                raise ValueError(msg)
        return int(library.llama_sampler_sample(self._sampler, self._context, LAST))

    def _links(self, sampling: Sampling, seed: int) -> list[int]:
        """Samplers in the order of `engine.decoding.sampling`: temperature, top-k, top-p."""
        library = self._library
        if sampling.greedy:
            return [library.llama_sampler_init_greedy()]
        links = [library.llama_sampler_init_temp(sampling.temperature)]
        if sampling.top_k:
            links.append(library.llama_sampler_init_top_k(sampling.top_k))
        if sampling.top_p < 1:
            links.append(library.llama_sampler_init_top_p(sampling.top_p, 1))
        return [*links, library.llama_sampler_init_dist(seed)]

    def _grow(self, capacity: int) -> None:
        library = self._library
        if self._context is not None:
            library.llama_free(self._context)
        settings = library.llama_context_default_params()
        ctypes.c_uint32.from_buffer(settings).value = capacity
        self._context = library.llama_init_from_model(self._model, settings)
        if not self._context or library.llama_n_ctx(self._context) < capacity:
            msg = f"llama_cpp: expected a context of {capacity} tokens, got another; install the pinned {PACKAGE}"
            raise ValueError(msg)
        library.llama_set_n_threads(self._context, self._threads, self._threads)
        self._capacity = capacity


# Takes llama.cpp's log, which would run into the progress.
_SILENT = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda level, text, data: None)


def _library() -> Any:
    require_package()
    module = importlib.import_module(f"{PACKAGE}.{PACKAGE}")
    library = ctypes.CDLL(str(module.__file__))
    for name, (result, arguments) in _SIGNATURES.items():
        if not hasattr(library, name):
            msg = f"llama_cpp: expected {PACKAGE} to export {name}, got none; install the release in constraints.txt"
            raise ValueError(msg)
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    library.llama_log_set(ctypes.cast(_SILENT, _Pointer), None)
    library.llama_backend_init()
    return library
