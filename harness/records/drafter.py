"""The drafter of a cell: which weights drafted, for whom they were trained, and what they cost."""

from collections.abc import Collection, Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.strict import AtRest, Count, Positive

MadeFor = Literal["target", "base"]
PLAIN_LAYOUT = "transformers"
FormatName = Annotated[str, Field(pattern=r"^[A-Za-z0-9 .*-]{1,60}$")]
MethodName = Annotated[str, Field(pattern=r"^[A-Za-z0-9 ._-]{1,60}$")]


class DrafterId(AtRest):
    """A trained drafter, or a language model that drafts for another.

    Attributes:
        sha256: hash of its weights and its configuration.
        made_for: whom it was trained for: the target itself, or the base model of which the target is a student.
        variant: what network and objective have beside their defaults; left out where there is nothing.
    """

    sha256: str
    made_for: MadeFor = "target"
    variant: dict[str, JsonValue] = Field(default={}, exclude_if=lambda variant: not variant)

    def __hash__(self) -> int:
        return hash((self.sha256, self.made_for))  # a variant, which has no hash, is part of the weights' configuration


def is_borrowed(drafter: DrafterId | None) -> bool:
    """Whether a drafter ran that was trained for the base model of a student."""
    return drafter is not None and drafter.made_for == "base"


def arm_id(decoder: str, drafter: DrafterId | None) -> str:
    """The name of an arm inside of its heat, where a decoder may take part with its own drafter and its base's."""
    return f"{decoder}+base" if is_borrowed(drafter) else decoder


def tagged_id(
    decoder: str,
    drafter: DrafterId | None,
    options: Mapping[str, JsonValue],
    layout: str,
    tuning: str | None = None,
) -> str:
    """The name of an arm in a heat where another has its `arm_id`, with other options, drafter, layout or tuning."""
    elsewhere = ([] if layout == PLAIN_LAYOUT else [layout]) + ([] if tuning is None else [tuning])
    differing = canonical_sha256([dict(options), None if drafter is None else drafter.sha256, *elsewhere])
    return f"{arm_id(decoder, drafter)}@{differing[:8]}"


def arm_among(
    arms: Collection[str],
    decoder: str,
    drafter: DrafterId | None,
    options: Mapping[str, JsonValue],
    layout: str,
    tuning: str | None = None,
) -> str:
    """Which of a heat's arms this is, by the names that its manifest lists."""
    plain = arm_id(decoder, drafter)
    return plain if plain in arms else tagged_id(decoder, drafter, options, layout, tuning)


class DrafterInfo(AtRest):
    """What the drafter costs: before it drafts its size and its training, and then its passes.

    None means unknown. Records from before a field was kept are without it, and it is left out of theirs.

    Attributes:
        parameters: its own, trained or counted.
        training_tokens: of the target's answers that it learned from.
        imported_from: the format in which others published it; None for those that were trained here.
        gradient_tokens: answer tokens that it learned to predict, once an epoch.
        training_flops: floating-point operations of its training; see `engine.drafters.flops`.
        levels_by_pass: how many levels of a tree each of its passes gives; see `engine.decoding.drafter`.
        trained_with: the method that trained it together with the student that decodes; None for those trained alone.
    """

    parameters: Count
    training_tokens: Count | None = None
    imported_from: FormatName | None = Field(default=None, exclude_if=lambda name: name is None)
    gradient_tokens: Count | None = Field(default=None, exclude_if=lambda tokens: tokens is None)
    training_flops: Count | None = Field(default=None, exclude_if=lambda flops: flops is None)
    levels_by_pass: tuple[Positive, ...] = Field(default=(), exclude_if=lambda levels: not levels)
    trained_with: MethodName | None = Field(default=None, exclude_if=lambda name: name is None)
