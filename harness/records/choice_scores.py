"""How a question that names its choices was answered: what the text names, and how likely each choice was.

Raw numbers only; accuracies by likelihood are derived as lm-eval derives its own.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from offbook.harness.records.strict import AtRest, Count, Positive, Share

Nats = Annotated[float, Field(le=0)]


class ChoiceScores(AtRest):
    """One question's, each choice at its place.

    Attributes:
        right: place of the right choice.
        named: place of the one choice that the answer names; None where it names none, or several.
        loglikelihoods: ln P(choice | prompt, "The answer is"), in nats.
        characters: length of each choice's text.
        mass: P(any of the choices | prompt, "The answer is"): their sum, but for a choice that begins as another does.
        listed: whether the question itself names its choices; where not, guessing gets nothing by text.
    """

    right: Count
    named: Count | None
    loglikelihoods: Annotated[tuple[Nats, ...], Field(min_length=2)]
    characters: tuple[Positive, ...]
    mass: Share
    listed: bool = True

    @model_validator(mode="after")
    def _of_one_question(self) -> Self:
        n = len(self.loglikelihoods)
        if len(self.characters) != n or not self.right < n or (self.named is not None and not self.named < n):
            msg = (
                f"expected lengths and places of {n} choices, got {len(self.characters)} lengths, the right one at "
                f"{self.right}, the named one at {self.named}"
            )
            raise ValueError(msg)
        return self

    @property
    def count(self) -> int:
        """How many choices the question names."""
        return len(self.loglikelihoods) if self.listed else 0

    @property
    def guessing(self) -> float:
        """What a text that names one choice, whichever, is right by chance."""
        return 1 / self.count if self.count else 0.0

    @property
    def formed(self) -> bool:
        """Whether the answer names just one choice."""
        return self.named is not None

    @property
    def right_by_likelihood(self) -> bool:
        """lm-eval's `acc`: the right choice has the largest log-likelihood; of equal ones the first counts."""
        return _largest(self.loglikelihoods) == self.right

    @property
    def right_by_character(self) -> bool:
        """lm-eval's `acc_norm`: the same of log-likelihoods divided by the choice's length in characters."""
        each = [ll / length for ll, length in zip(self.loglikelihoods, self.characters, strict=True)]
        return _largest(each) == self.right


def _largest(values: tuple[float, ...] | list[float]) -> int:
    return max(range(len(values)), key=values.__getitem__)
