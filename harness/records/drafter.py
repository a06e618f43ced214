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


class DrafterInfo(AtRest):
    """What the drafter costs before it drafts: its own parameters, and the tokens it was trained on (None: unknown)."""

    parameters: Count
    training_tokens: Count | None = None
