"""How far a student's next tokens left the untouched model's, text by text."""

from typing import Literal

from offbook.harness.records.strict import AtRest, NotNegative, Positive

Kind = Literal["generic", "task"]
KINDS: tuple[Kind, ...] = ("generic", "task")


class TextDivergence(AtRest):
    """Of one text.

    Attributes:
        kind: "generic" text, or the untouched model's own answers to "task" prompts, those of development.
        id: of the text or the question.
        cluster: texts of one are alike; "": alone.
        tokens: how many were predicted.
        nats: KL(untouched ‖ student) of the next-token laws, summed over them.
    """

    kind: Kind
    id: str
    cluster: str = ""
    tokens: Positive
    nats: NotNegative
