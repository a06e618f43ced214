"""transformers' `generate` without what a model's own generation config asks for."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedModel

from offbook.engine.finite import check_logits


def own_generation_config(model: PreTrainedModel) -> GenerationConfig:
    """A model's own generation config, an empty one where it has none; see `plain_generation` for peft's wrapper."""
    config = _inner(model).generation_config
    return config if config is not None else GenerationConfig()


@contextlib.contextmanager
def plain_generation(model: PreTrainedModel) -> Iterator[None]:
    """Inside, `generate` takes nothing but its arguments (Qwen's config penalises repetition).

    Where `generate` would choose from logits that are not finite, it raises `NotFiniteError`.
    A model inside of peft's wrapper is meant by the wrapper, which hands its config to it.
    """
    inner = _inner(model)
    own = inner.generation_config
    inner.generation_config = GenerationConfig()
    hook = inner.register_forward_hook(_check)
    try:
        yield
    finally:
        hook.remove()
        inner.generation_config = own


def _inner(model: PreTrainedModel) -> Any:
    return getattr(model, "get_base_model", lambda: model)()


def _check(module: torch.nn.Module, args: tuple[Any, ...], output: Any) -> None:
    check_logits(output.logits)
