"""The drafter of a cell: which weights drafted, for whom they were trained, and what they cost."""

from typing import Literal

from offbook.harness.records.strict import AtRest, Count

MadeFor = Literal["target", "base"]


class DrafterId(AtRest):
    """A trained drafter.

    Attributes:
        sha256: hash of its weights and its configuration.
        made_for: whom it was trained for: the target itself, or the base model of which the target is a student.
    """

    sha256: str
    made_for: MadeFor = "target"


def is_borrowed(drafter: DrafterId | None) -> bool:
    """Whether a drafter ran that was trained for the base model of a student."""
    return drafter is not None and drafter.made_for == "base"


def arm_id(decoder: str, drafter: DrafterId | None) -> str:
    """The name of an arm inside of its heat, where one decoder may take part with two drafters."""
    return f"{decoder}+base" if is_borrowed(drafter) else decoder


class DrafterInfo(AtRest):
    """What the drafter costs before it drafts: its own parameters, and the tokens it was trained on (None: unknown)."""

    parameters: Count
    training_tokens: Count | None = None
