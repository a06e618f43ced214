"""What a task's generation_kwargs ask for: what is done here, and what is refused because no decoder does it.

The cap and the stop strings are a task's own. How answers are drawn is a heat's to say, or a request's where lm-eval
asks the model itself. Settings that would change the target's distribution are refused, unless set to do nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lm_eval.models.utils import normalize_gen_kwargs

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.quoting import quoted, shortened

CAPS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")  # lm-eval's names, the first one wins
KNOWN = ("do_sample", "max_gen_toks", "temperature", "top_k", "top_p", "until")
# set to these, what decoders do not do is not asked for
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "diversity_penalty": (0,),
    "encoder_repetition_penalty": (1,),
    "epsilon_cutoff": (0,),
    "eta_cutoff": (0,),
    "frequency_penalty": (0,),
    "guidance_scale": (1,),
    "min_length": (0,),
    "min_new_tokens": (0,),
    "min_p": (0,),
    "no_repeat_ngram_size": (0,),
    "num_beam_groups": (1,),
    "num_beams": (1,),
    "num_return_sequences": (1,),
    "penalty_alpha": (0,),
    "presence_penalty": (0,),
    "repetition_penalty": (1,),
    "typical_p": (1,),
}
WITHOUT_EFFECT = {"early_stopping", "length_penalty", "use_cache"}  # on the answer, where there is one beam
OF_SAMPLING = {"epsilon_cutoff", "eta_cutoff", "min_p", "typical_p"}  # no effect on a greedy answer


@dataclass(frozen=True, kw_only=True)
class GenerationSettings:
    """What one request asks for; without stop strings that are empty, which lm-eval ignores too."""

    max_new_tokens: int
    stop_strings: tuple[str, ...]
    sampling: Sampling


def generation_settings(arguments: Mapping[str, Any], *, default_cap: int = 256) -> GenerationSettings:
    """Reads a request's generation_kwargs; None stands for a setting that is not there.

    Raises:
        ValueError: a setting that no decoder does, or a value that makes no sense.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    for name in CAPS:
        if name in given and (isinstance(given[name], bool) or not _whole(given[name]) or int(given[name]) < 1):
            got = quoted(given[name])
            msg = f"expected {name} to be a whole number of at least 1, got {got}; set the cap on new tokens"
            raise ValueError(msg)
    if not isinstance(given.get("do_sample", False), bool):
        msg = f"expected do_sample to be true or false, got {quoted(given['do_sample'])}"
        raise ValueError(msg)
    for name in ("temperature", "top_p", "top_k"):
        value = given.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            msg = f"expected {name} to be a number of at least 0, got {quoted(value)}"
            raise ValueError(msg)
    if "top_k" in given and not _whole(given["top_k"]):
        msg = f"expected top_k to be a whole number, got {quoted(given['top_k'])}"
        raise ValueError(msg)
    until = given.get("until", [])
    until = list(until) if isinstance(until, list | tuple) else [until]
    if not all(isinstance(stop, str) or stop is None for stop in until):
        msg = f"expected until to hold stop strings, got {quoted(until)}; quote what is no text"
        raise ValueError(msg)
    kwargs = normalize_gen_kwargs(given | {"until": until}, default_max_gen_toks=default_cap)
    sampling = _sampling(kwargs)
    if strangers := [name for name in sorted(kwargs) if _changes(name, kwargs[name], sampling)]:
        refused = [f"{shortened(name)} {quoted(kwargs[name])}" for name in strangers]
        msg = (
            f"expected gen_kwargs among {', '.join(KNOWN)}, got {', '.join(refused)}, which no decoder here does; take "
            "them out, or use lm-eval's own model"
        )
        raise ValueError(msg)
    return GenerationSettings(
        max_new_tokens=int(kwargs["max_gen_toks"]),
        stop_strings=tuple(stop for stop in until if stop),
        sampling=sampling,
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def _sampling(kwargs: Mapping[str, Any]) -> Sampling:
    if not kwargs["do_sample"]:
        return Sampling()
    return Sampling(
        temperature=float(kwargs.get("temperature", 1.0)),
        top_k=int(kwargs.get("top_k", 0)),
        top_p=float(kwargs.get("top_p", 1.0)),
    )


def _changes(name: str, value: Any, sampling: Sampling) -> bool:
    """Whether a setting asks for something that is not done."""
    if name in KNOWN or name in WITHOUT_EFFECT or (name in OF_SAMPLING and sampling.greedy):
        return False
    return value not in NEUTRAL.get(name, ())
