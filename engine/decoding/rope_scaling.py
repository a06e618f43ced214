"""Rotary positions that are scaled, as draft layers for long texts are published: what transformers computes of them.

    linear    all frequencies divided by a factor
    llama3    slow ones divided, fast ones as they are, a smooth passage between (Llama 3.1)
    yarn      the same by another rule, and cosines and sines times a factor (arXiv:2309.00071)

Kinds whose frequencies follow the length of the text (dynamic, longrope) are none of these: rows that are kept were
turned by the frequencies of their time, and a round that is captured cannot look at lengths.
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from offbook.engine.quoting import quoted

ORIGINAL, TRUNCATE = "original_max_position_embeddings", "truncate"  # a whole number, and true or false
NEEDED: Mapping[str, tuple[str, ...]] = {
    "linear": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor", ORIGINAL),
    "yarn": ("factor", ORIGINAL),
}
OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "yarn": ("attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", TRUNCATE),
}
KINDS = tuple(NEEDED)
ELSEWHERE = ("rope_type", "rope_theta", "type")  # among transformers' parameters, and no numbers of a kind
# Whatever the kind: transformers reads those of its own, and passes over those of others.
KNOWN = {*ELSEWHERE, *(name for names in (*NEEDED.values(), *OPTIONAL.values()) for name in names)}
LARGEST = 2**31


@dataclass(frozen=True, kw_only=True)
class RopeScaling:
    """How positions are scaled.

    Attributes:
        kind: one of `KINDS`.
        numbers: by transformers' names, which are in order.
    """

    kind: str
    numbers: tuple[tuple[str, float], ...]

    @property
    def parameters(self) -> dict[str, Any]:
        """As transformers has them in a config, without the base."""
        return {"rope_type": self.kind, **dict(self.numbers)}


def read_scaling(found: object, head_dim: int, theta: float) -> RopeScaling:
    """The scaling that parameters under transformers' names tell; those that the kind does not read are left out.

    Args:
        found: the parameters.
        head_dim: places of a head, an even number.
        theta: the rotary base.

    Raises:
        ValueError: an unknown kind or parameter, or numbers by which nothing can be turned; without what to do.
    """
    told: Mapping[Any, Any] = found if isinstance(found, Mapping) else {}
    kind: Any = told.get("rope_type")
    if kind not in KINDS:
        msg = f"expected positions scaled by one of {', '.join(KINDS)}, got {quoted(found)}"
        raise ValueError(msg)
    if unknown := [name for name, value in told.items() if name not in KNOWN and not _is_idle(name, value)]:
        msg = f"expected parameters of rope_type {kind}, got {quoted(unknown[0])}"
        raise ValueError(msg)
    names = (*NEEDED[kind], *(name for name in OPTIONAL.get(kind, ()) if told.get(name) is not None))
    if odd := [name for name in names if not _is_fit(name, told.get(name))]:
        msg = f"expected {odd[0]} of rope_type {kind} to be {_wanted(odd[0])}, got {quoted(told.get(odd[0]))}"
        raise ValueError(msg)
    numbers = ((name, told[name] if name in (ORIGINAL, TRUNCATE) else float(told[name])) for name in names)
    scaling = RopeScaling(kind=kind, numbers=tuple(sorted(numbers)))
    try:
        frequencies, factor = turns(scaling, head_dim, theta, torch.device("cpu"))
        finite = bool(frequencies.isfinite().all()) and math.isfinite(factor)
    except ArithmeticError:
        finite = False
    if not finite:
        msg = f"expected numbers by which positions can be scaled, got {quoted(dict(told))} of base {theta}"
        raise ValueError(msg)
    return scaling


@functools.cache
def turns(scaling: RopeScaling, d: int, theta: float, device: torch.device) -> tuple[torch.Tensor, float]:
    """Frequencies (d / 2) in fp32, and what cosines and sines are multiplied by: transformers' own.

    They are kept, for they come from the CPU, and nothing may come from there while a round is captured.

    Args:
        scaling: of positions.
        d: places of a head.
        theta: the rotary base.
        device: where the frequencies lie.
    """
    # Who scales nothing needs no transformers, as on machines where kernels are tested.
    from transformers import LlamaConfig
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    numbers = dict(scaling.numbers)
    config = LlamaConfig(
        hidden_size=d,
        num_attention_heads=1,
        head_dim=d,
        max_position_embeddings=max(1, int(numbers.get(ORIGINAL, 1) * numbers["factor"])),
        rope_parameters={**scaling.parameters, "rope_theta": theta},
    )
    frequencies, factor = ROPE_INIT_FUNCTIONS[scaling.kind](config, torch.device("cpu"))
    return frequencies.to(device), float(factor)


def _is_idle(name: object, value: object) -> bool:
    """Whether a parameter says nothing: it has no value, or all places of a head are turned anyway."""
    return value is None or (name == "partial_rotary_factor" and value == 1)


def _is_fit(name: str, value: object) -> bool:
    if name == TRUNCATE or isinstance(value, bool):
        return name == TRUNCATE and isinstance(value, bool)
    if not isinstance(value, int | float):
        return False
    return 0 < value < LARGEST and (isinstance(value, int) or name != ORIGINAL)


def _wanted(name: str) -> str:
    return "true or false" if name == TRUNCATE else f"a positive {'whole ' if name == ORIGINAL else ''}number"
