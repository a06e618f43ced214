"""How many of the things that a text lists are of a kind."""

from collections.abc import Sequence
from random import Random

from offbook.tasks.procedural.ood.question import Draft

FRUITS = ("a pear", "a plum", "an orange", "a lemon", "a cherry", "a fig", "a banana")
TOOLS = ("a hammer", "a spoon", "a saw", "a fork", "a wrench", "a ladle", "a drill")
RED, OTHER = ("a red hat", "a red sock", "a red coat", "a red belt", "a red glove", "a red shirt"), (
    "a grey hat", "a brown sock", "a black coat", "a white belt", "a green glove", "a blue shirt")  # fmt: skip
BIRDS = ("an owl", "a swan", "a robin", "a crow", "a stork", "a duck")
BEASTS = ("a cow", "a goat", "a sheep", "a horse", "a pig", "a donkey")
WITH_M = ("Mona", "Mark", "Milan", "Maud", "Mirko", "Meg")
WITHOUT_M = ("Hilda", "Lars", "Wanda", "Edgar", "Fritz", "Dora")
WITH_O = ("bottle", "novel", "wagon", "tool", "frog", "window")
WITHOUT_O = ("paper", "glass", "table", "chair", "bench", "brush")


def fruits(rng: Random, n: int) -> Draft:
    """Fruits among tools."""
    things, count = _mix(rng, FRUITS, TOOLS, n)
    return _count(f"On a table there are {_listed(things)}. How many of these are fruits?", count)


def red_clothes(rng: Random, n: int) -> Draft:
    """Red clothes among others."""
    things, count = _mix(rng, RED, OTHER, n)
    return _count(f"A drawer contains {_listed(things)}. How many pieces of clothing in it are red?", count)


def words_with_o(rng: Random, n: int) -> Draft:
    """Words with an o among others."""
    words, count = _mix(rng, WITH_O, WITHOUT_O, n)
    return _count(f"Look at these words: {', '.join(words)}. How many of them contain the letter o?", count)


def birds(rng: Random, n: int) -> Draft:
    """Birds among other animals."""
    animals, count = _mix(rng, BIRDS, BEASTS, n)
    return _count(f"In a field one sees {_listed(animals)}. What is the number of birds?", count)


def names_with_m(rng: Random, n: int) -> Draft:
    """Names with an M among others."""
    names, count = _mix(rng, WITH_M, WITHOUT_M, n)
    return _count(f"The guests are called {_listed(names)}. How many guests have a name that starts with M?", count)


TEST = (fruits, red_clothes, words_with_o)
DEV = (birds, names_with_m)


def _mix(rng: Random, wanted: Sequence[str], others: Sequence[str], n: int) -> tuple[list[str], int]:
    """`n` things in any order, at least one of each kind, and how many are wanted."""
    count = rng.randint(1, n - 1)
    things = rng.sample(wanted, count) + rng.sample(others, n - count)
    rng.shuffle(things)
    return things, count


def _listed(things: Sequence[str]) -> str:
    return f"{', '.join(things[:-1])} and {things[-1]}"


def _count(text: str, count: int) -> Draft:
    near = range(max(0, count - 2), count + 3)
    return Draft(text=text, candidates=tuple(map(str, near)), answer=str(count))
