"""The plain settings of a heat: in one place for files and command lines, and without what is slow to import."""

from dataclasses import dataclass

from offbook.harness.settings.bounds import Number, Seed, Temperature, TopK, TopP


@dataclass(frozen=True, kw_only=True)
class HeatSettings:
    """How a heat asks and draws.

    Attributes:
        temperature: 0 is greedy.
        top_k: most probable tokens that are kept; 0 keeps every token.
        top_p: probability of the tokens that are kept; 1 keeps every token.
        seed: of every random number.
        limit: documents of each suite, from the first; all by default.
        max_new_tokens: cap on each answer; the document's own by default.
        dtype: number format of the weights, float32, bfloat16, float16 or float64; by default float32.
        device: auto, cpu or cuda.
    """

    temperature: Temperature = 0.0
    top_k: TopK = 0
    top_p: TopP = 1.0
    seed: Seed = 0
    limit: Number | None = None
    max_new_tokens: Number | None = None
    dtype: str = "float32"
    device: str = "auto"
