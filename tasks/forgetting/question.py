"""A question of the forgetting suite, the family that it belongs to, and what a family is told to make one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from offbook.tasks.turns import take_turns

N_CHOICES = 4
Use = Literal["replay", "read"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A short question with four possible answers of one kind.

    Attributes:
        id: `<family>-<split>-<number>`.
        family: the kind of question.
        story: what it is about, a name within its family; no two questions and no two splits share one.
        split: train, dev or test.
        question: what is asked; it names the choices if `listed`.
        answer: the right one of the choices.
        choices: `N_CHOICES` of them, in the order in which a question that lists them does.
        listed: whether the question names its choices, or leaves the answer open.
    """

    id: str
    family: str
    story: str
    split: str
    question: str
    answer: str
    choices: tuple[str, ...]
    listed: bool


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a family makes of a story: the text without choices, the right answer, and three wrong ones."""

    text: str
    answer: str
    others: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A question to be made.

    Attributes:
        split: train, dev or test.
        story: what it is about.
        level: how hard it is to be, one of `difficulty.LEVELS`.
        rng: what is drawn is drawn from it.
        turns: seed of the places that questions of its level take in turn.
        number: how many questions of its level come before it.
    """

    split: str
    story: str
    level: int
    rng: Random
    turns: str
    number: int

    def rank(self, n: int) -> int:
        """The rank of the right answer among `n`, by what a lazy reader could go by: mention, or the alphabet."""
        return take_turns(self.turns, self.number, n)

    def wrong(self, answer: str, pool: Sequence[str], near: Sequence[str] = ()) -> tuple[str, ...]:
        """Three wrong answers: those that are `near`, the others from a pool, so that the right one has its rank.

        The rank is by the alphabet, and as near to its turn as the pool allows.
        """
        rest = [word for word in dict.fromkeys(pool) if word not in (answer, *near)]
        low, high = [word for word in rest if word < answer], [word for word in rest if word > answer]
        wanted = N_CHOICES - 1 - len(near)
        n_low = self.rank(N_CHOICES) - sum(w < answer for w in near)
        n_low = min(max(n_low, wanted - len(high), 0), wanted, len(low))
        return (*near, *self.rng.sample(low, n_low), *self.rng.sample(high, wanted - n_low))


@dataclass(frozen=True, kw_only=True)
class Family:
    """A kind of question.

    Attributes:
        use: whether replay may ask its questions while a student is trained, or forgetting is read on it.
        stories: by split, the easiest first.
        draft: makes a question of a story.
    """

    use: Use
    stories: Mapping[str, Sequence[str]]
    draft: Callable[[Slot], Draft]
