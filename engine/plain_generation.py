"""transformers' `generate` without what a model's own generation config asks for."""

import contextlib
from collections.abc import Iterator
from typing import Any

from transformers import GenerationConfig, PreTrainedModel


@contextlib.contextmanager
def plain_generation(model: PreTrainedModel) -> Iterator[GenerationConfig]:
    """Inside, `generate` takes nothing but its arguments (Qwen's config penalises repetition); gives the own config.

    A model inside of peft's wrapper is meant by the wrapper, which hands its config to it.
    """
    inner: Any = getattr(model, "get_base_model", lambda: model)()
    own = inner.generation_config
    inner.generation_config = GenerationConfig()
    try:
        yield own
    finally:
        inner.generation_config = own
