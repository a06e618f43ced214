"""How a student is trained: the settings, apart from what needs torch, so that plans can fill in their defaults.

Files and command lines derive from this class; see `harness.settings.derived`.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal, NotRequired

from annotated_types import Ge, Gt, Le, Lt
from typing_extensions import TypedDict

MixedPrecision = Literal["auto", "no", "bf16"]
WeightKind = Literal["none", "threshold", "power"]


class TokenWeight(TypedDict):
    """What a response's token counts beside its siblings, see `token_weighting.py`; a mapping, as a file says it.

    kind: "none": all alike; "threshold": not at all where the untouched model's surprisal is above `value`, in nats;
    "power": by the student's own probability of it, to the power `value`.
    """

    kind: WeightKind
    value: NotRequired[Annotated[float, Gt(0)]]


@dataclass(frozen=True, kw_only=True)
class StudentConfig:
    """How a student is trained, the same for every method.

    Attributes:
        gradient_tokens: budget: response tokens whose loss is differentiated, counted each time. Training ends with
            the step that reaches it, so methods are compared at equal gradient tokens.
        questions_per_step: questions an optimiser step takes at once; with several processes, a multiple of them.
        tokens_per_step: a step goes on taking questions until it has so many gradient tokens, or the budget is spent,
            so that a method with one path a question makes about as many steps as one with many, as far as a single
            question of many does not exceed it; 0: it takes questions once.
        learning_rate: at its peak; linear warm-up, then cosine to zero, both over the budget.
        warmup: share of the budget.
        clip_norm: bound on the gradient's norm.
        evaluations: how often the development score is taken, evenly over the budget; without averaging, the best
            checkpoint is kept.
        averaging: share of the budget, at its end, over whose steps the weights are averaged; the mean is what is
            scored and kept, so that no choice among a few noisy scores is left; 0: no mean, and the best checkpoint.
        replay: share of the gradient tokens that are the untouched model's own answers to other prompts, asked under
            the training instruction; they count by their tokens, see `replay.py`.
        token_weight: what a response's tokens count beside each other, see `TokenWeight`.
        max_length: a question with its longest rationale may have so many tokens.
        lora_rank: rank of LoRA on every linear layer (arXiv:2106.09685); 0 trains all weights.
        mixed_precision: whether matrices are multiplied in bfloat16: bf16, no, or auto, where the machine is faster
            with it (`precision.py`); weights, gradients and sums stay fp32.
        seed: of order, adapters, replay and whatever the method draws.
    """

    gradient_tokens: Annotated[int, Ge(1)] = 40_000
    questions_per_step: Annotated[int, Ge(1)] = 8
    tokens_per_step: Annotated[int, Ge(0)] = 0
    learning_rate: Annotated[float, Gt(0)] = 1e-4
    warmup: Annotated[float, Ge(0), Lt(1)] = 0.05
    clip_norm: Annotated[float, Gt(0)] = 1.0
    evaluations: Annotated[int, Ge(1)] = 3
    averaging: Annotated[float, Ge(0), Lt(1)] = 1 / 3
    replay: Annotated[float, Ge(0), Lt(1)] = 0.0
    token_weight: TokenWeight = field(default_factory=lambda: TokenWeight(kind="none"))
    max_length: Annotated[int, Ge(8)] = 640
    lora_rank: Annotated[int, Ge(0), Le(2**16)] = 0
    mixed_precision: MixedPrecision = "no"
    seed: Annotated[int, Ge(0)] = 0

    def __post_init__(self) -> None:
        """Refuses a kind of token weights without its value, or a value that no kind takes.

        Raises:
            ValueError: naming the kind.
        """
        kind, value = self.token_weight["kind"], self.token_weight.get("value")
        if (kind == "none") != (value is None):
            wanted, got = ("no value", value) if kind == "none" else ("a value above 0", "none")
            msg = f"token_weight: expected {wanted} of kind {kind}, got {got}; see StudentConfig's TokenWeight"
            raise ValueError(msg)
