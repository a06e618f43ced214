"""Makes the questions of a family and split; each is a function of family, split and number alone.

Every question has a story of its own, so no two are alike. Right answers take turns through the places of the choices
and through their ranks by mention or by the alphabet.
"""

from functools import cache
from random import Random

from offbook.engine.quoting import quoted
from offbook.tasks.forgetting.difficulty import LEVELS, LISTED, RARITY
from offbook.tasks.forgetting.families import FAMILIES
from offbook.tasks.forgetting.question import N_CHOICES, Question, Slot
from offbook.tasks.turns import take_turns

SPLITS = ("train", "dev", "test")
SIZES = {"dev": 20, "test": 30}  # of train, as many as there are stories
LISTING = {"train": "The options are {}.", "dev": "Choose between {}.", "test": "It is one of these: {}."}


def questions(split: str, family: str) -> list[Question]:
    """The questions of a family and split.

    Raises:
        ValueError: an unknown split or family, or the training split of one that forgetting is read on.
    """
    if split not in SPLITS:
        msg = f"split must be one of {', '.join(SPLITS)}; got {quoted(split)}; pass one of these"
        raise ValueError(msg)
    if family not in FAMILIES:
        msg = f"family must be one of {', '.join(FAMILIES)}; got {quoted(family)}; pass one of these"
        raise ValueError(msg)
    if split not in FAMILIES[family].stories:
        msg = (
            f"split: expected dev or test of {family}, on which forgetting is read, got {split}: nothing of it is "
            f"trained on; pass one of {', '.join(name for name, found in FAMILIES.items() if found.use == 'replay')}"
        )
        raise ValueError(msg)
    return [_question(split, family, number) for number in range(len(_stories(split, family)))]


@cache
def _stories(split: str, family: str) -> tuple[str, ...]:
    """The stories that a split asks about, in a seeded order: a run of its pool, which begins with the most common."""
    pool = FAMILIES[family].stories[split]
    size = SIZES.get(split, len(pool))
    assert len(set(pool)) == len(pool) >= size, f"{family} has fewer than {size} different stories for {split}"
    start = round(RARITY.get(family, 0) * (len(pool) - size))
    return tuple(Random(f"{family}/{split}").sample(pool[start : start + size], size))


def _question(split: str, family: str, number: int) -> Question:
    levels = LEVELS[family]
    at_level, turn = number % len(levels), number // len(levels)
    story = _stories(split, family)[number]
    rng = Random(f"{family}/{split}/{number}")
    draft = FAMILIES[family].draft(
        Slot(
            split=split,
            story=story,
            level=levels[at_level],
            rng=rng,
            turns=f"{family}/{split}/ranks/{at_level}",
            number=turn,
        )
    )
    choices = rng.sample(draft.others, N_CHOICES - 1)
    choices.insert(take_turns(f"{family}/{split}/places", number, N_CHOICES), draft.answer)
    listing = LISTING[split].format(f"{', '.join(choices[:-1])} or {choices[-1]}")
    return Question(
        id=f"{family}-{split}-{number:03d}",
        family=family,
        story=story,
        split=split,
        question=f"{draft.text} {listing}" if family in LISTED else draft.text,
        answer=draft.answer,
        choices=tuple(choices),
        listed=family in LISTED,
    )
