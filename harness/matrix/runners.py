"""Who does which kind of stage, by name, so that a worker imports only what its own stage needs."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from offbook.harness.matrix.graph import KINDS

RUNNERS: dict[str, str] = {  # kind: "module:function" of (stage, folder, progress, *, device)
    kind: f"offbook.harness.matrix.making:{kind}" for kind in KINDS
}


def runner(kind: str, runners: Mapping[str, str] = RUNNERS) -> Callable[..., Any]:
    """The function that does stages of a kind, imported now."""
    module, _, name = runners[kind].partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function
