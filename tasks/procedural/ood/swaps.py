"""Things that change hands, and who has what in the end."""

from collections.abc import Sequence
from random import Random

from offbook.tasks.procedural.ood.question import Draft

TEST_NAMES = ("Greta", "Ivan", "Yara", "Otto", "Selma", "Boris", "Nell", "Abel")
DEV_NAMES = ("Fritz", "Hilda", "Lars", "Wanda", "Edgar", "Dora")
COLOURS = ("red", "blue", "green", "white", "black")
PRESENTS = ("kite", "drum", "lamp", "scarf", "clock", "vase")
TITLES = ("novel", "atlas", "cookbook", "comic", "diary")
THEN = ("First", "Then", "After that", "Next", "Finally")


def balls(rng: Random, n_swaps: int) -> Draft:
    """Asks who has a thing."""
    names, colours = rng.sample(TEST_NAMES, 3), rng.sample(COLOURS, 3)
    has, swaps = _swap(rng, colours, n_swaps)
    start = "{} holds the {} ball, {} the {} one and {} the {} one.".format(*_mixed(names, colours))
    told = [f"{THEN[turn]} {names[i]} and {names[j]} swap." for turn, (i, j) in enumerate(swaps)]
    holder = rng.randrange(3)
    asked = f"Who holds the {has[holder]} ball now?"
    return Draft(text=" ".join([start, *told, asked]), candidates=tuple(names), answer=names[holder])


def presents(rng: Random, n_swaps: int) -> Draft:
    """Asks what somebody has."""
    names, things = rng.sample(TEST_NAMES, 3), rng.sample(PRESENTS, 3)
    has, swaps = _swap(rng, things, n_swaps)
    start = "{} got a {}, {} got a {}, and {} got a {}.".format(*_mixed(names, things))
    told = [f"{THEN[turn]} {names[i]} exchanges presents with {names[j]}." for turn, (i, j) in enumerate(swaps)]
    holder = rng.randrange(3)
    asked = f"What does {names[holder]} have at the end?"
    return Draft(text=" ".join([start, *told, asked]), candidates=tuple(things), answer=has[holder])


def cups(rng: Random, n_swaps: int) -> Draft:
    """Asks where a thing is; the places keep their names."""
    places = ("left", "middle", "right")
    has, swaps = _swap(rng, places, n_swaps)
    end = rng.randrange(3)
    hidden = rng.choice(("coin", "pea", "ring", "marble", "button", "bean"))
    start = f"Three cups stand side by side, and a {hidden} lies under the {has[end]} one."
    told = [
        f"{THEN[turn]} the {places[i]} cup trades places with the {places[j]} cup." for turn, (i, j) in enumerate(swaps)
    ]
    asked = f"Where is the {hidden} now?"
    return Draft(text=" ".join([start, *told, asked]), candidates=places, answer=places[end])


def seats(rng: Random, n_swaps: int) -> Draft:
    """Asks who has a place."""
    names, chairs = rng.sample(DEV_NAMES, 3), ("first", "second", "third")
    has, swaps = _swap(rng, chairs, n_swaps)
    start = "On the {1} chair sits {0}, on the {3} {2}, on the {5} {4}.".format(*_mixed(names, chairs))
    told = [f"{names[i]} and {names[j]} change chairs." for i, j in swaps]
    sitter = rng.randrange(3)
    asked = f"Who is on the {has[sitter]} chair in the end?"
    return Draft(text=" ".join([start, *told, asked]), candidates=tuple(names), answer=names[sitter])


def books(rng: Random, n_swaps: int) -> Draft:
    """Asks what somebody reads."""
    names, titles = rng.sample(DEV_NAMES, 3), rng.sample(TITLES, 3)
    has, swaps = _swap(rng, titles, n_swaps)
    start = "{} reads the {}, while {} reads the {} and {} the {}.".format(*_mixed(names, titles))
    told = [f"{names[i]} and {names[j]} trade books." for i, j in swaps]
    reader = rng.randrange(3)
    asked = f"Which book is {names[reader]} left with?"
    return Draft(text=" ".join([start, *told, asked]), candidates=tuple(titles), answer=has[reader])


TEST = (balls, presents, cups)
DEV = (seats, books)


def _swap(rng: Random, things: Sequence[str], n_swaps: int) -> tuple[list[str], list[tuple[int, int]]]:
    """What each has after swaps between two of them, never the same two twice running."""
    has, swaps = list(things), list[tuple[int, int]]()
    for _ in range(n_swaps):
        pair = rng.sample(range(len(has)), 2)
        while swaps and set(pair) == set(swaps[-1]):
            pair = rng.sample(range(len(has)), 2)
        i, j = pair
        has[i], has[j] = has[j], has[i]
        swaps.append((i, j))
    return has, swaps


def _mixed(names: Sequence[str], things: Sequence[str]) -> list[str]:
    return [word for pair in zip(names, things, strict=True) for word in pair]
