"""What a test of a published format needs: a draft model as if it were read from a folder, read for the tiny target."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from offbook.engine.drafters.published.files import PublishedDraft
from offbook.engine.drafters.published.formats import recognised
from offbook.engine.drafters.published.reading import Reading, TargetShape
from tests.engine.drafters.test_training import backbone
from tests.published import published_config, published_tensors

FOLDER = Path("/nowhere/draft")


def drafted(held: Mapping[str, torch.Tensor] | None = None, config: Mapping[str, Any] | None = None) -> PublishedDraft:
    """As it was read; by default a whole draft layer."""
    held = published_tensors() if held is None else held
    config = published_config() if config is None else config
    return PublishedDraft(folder=FOLDER, weights="w.bin", config=config, tensors=held, files={})


@functools.cache
def shape() -> TargetShape:
    """Of the tiny target."""
    return TargetShape.of(backbone())


def read(found: PublishedDraft) -> Reading:
    """By the reader of its format."""
    known = recognised(found)
    assert known.read is not None
    return known.read(found, shape())


def refusal(found: PublishedDraft) -> str:
    """The line in which it is refused."""
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (callers compare the message)
        read(found)
    message = str(refused.value)
    assert "\n" not in message
    assert str(FOLDER) in message
    return message
