"""Three or four compared two by two, and which of them is the most or the least."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from offbook.tasks.procedural.ood.question import Draft

TEST_NAMES = ("Greta", "Ivan", "Yara", "Otto", "Selma", "Boris", "Nell", "Abel", "Marit", "Cyrus")
DEV_NAMES = ("Fritz", "Hilda", "Lars", "Wanda", "Edgar", "Dora", "Jonas", "Petra")
THINGS = ("kettle", "drum", "suitcase", "anvil", "barrel", "statue", "crate", "piano")
FRUITS = ("melon", "mango", "papaya", "pineapple", "coconut", "quince")


def height(rng: Random, n: int) -> Draft:
    """People by height."""
    more, less = "{} is taller than {}.", "{} is shorter than {}."
    return _compare(rng, rng.sample(TEST_NAMES, n), more, less, "Who is the tallest?", "Who is the shortest?")


def age(rng: Random, n: int) -> Draft:
    """People by age."""
    more, less = "{} is older than {}.", "{} is younger than {}."
    return _compare(rng, rng.sample(TEST_NAMES, n), more, less, "Who is the oldest?", "Who is the youngest?")


def weight(rng: Random, n: int) -> Draft:
    """Things by weight."""
    more, less = "The {} is heavier than the {}.", "The {} is lighter than the {}."
    return _compare(rng, rng.sample(THINGS, n), more, less, "Which is the heaviest?", "Which is the lightest?")


def race(rng: Random, n: int) -> Draft:
    """People by when they arrive."""
    more, less = "{} finished the race before {}.", "{} finished the race after {}."
    return _compare(rng, rng.sample(DEV_NAMES, n), more, less, "Who came in first?", "Who came in last?")


def price(rng: Random, n: int) -> Draft:
    """Things by price."""
    more, less = "The {} costs more than the {}.", "The {} costs less than the {}."
    return _compare(rng, rng.sample(FRUITS, n), more, less, "What is the most expensive?", "What is the cheapest?")


TEST = (height, age, weight)
DEV = (race, price)


def _compare(rng: Random, chain: Sequence[str], more: str, less: str, most: str, least: str) -> Draft:
    """Neighbours of a chain from most to least compared, in any order and either way round."""
    told = [more.format(high, low) if rng.random() < 0.5 else less.format(low, high) for high, low in pairwise(chain)]
    rng.shuffle(told)
    answer, asked = (chain[0], most) if rng.random() < 0.5 else (chain[-1], least)
    text = " ".join(told)
    return Draft(text=f"{text} {asked}", candidates=tuple(sorted(chain, key=text.index)), answer=answer)
