"""The plain settings of a heat: in one place for files and command lines, and without what is slow to import."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le


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

    temperature: Annotated[float, Ge(0)] = 0.0
    top_k: Annotated[int, Ge(0)] = 0
    top_p: Annotated[float, Gt(0), Le(1)] = 1.0
    seed: Annotated[int, Ge(0)] = 0
    limit: Annotated[int, Ge(1)] | None = None
    max_new_tokens: Annotated[int, Ge(1)] | None = None
    dtype: str = "float32"
    device: str = "auto"
