"""Rules and conditions, and whether something follows from them.

Half of the questions ask for the contrary, so that a ``no`` or ``off`` in the text does not give the answer away.
"""

from itertools import pairwise
from random import Random

from offbook.tasks.procedural.ood.question import Draft

CREATURES = ("dax", "wug", "fep", "blick", "tove", "zorp", "mib", "gorp")
LAMPS = ("red", "blue", "green", "white", "yellow")
GAMES = ("match", "football", "rugby", "cup final", "training")
WEATHER = ("it rains all night", "the pitch is muddy", "the mower cannot run", "the grass is too long")
HABITS = ("play chess", "paint", "collect stamps", "sing", "cook", "climb", "juggle", "fish")
OPENINGS = ("door", "window", "gate", "hatch", "cellar")
TEST_NAMES = ("Greta", "Ivan", "Yara", "Otto", "Selma", "Boris", "Nell", "Abel")
DEV_NAMES = ("Fritz", "Hilda", "Lars", "Wanda", "Edgar", "Dora")


def creatures(rng: Random, n_rules: int) -> Draft:
    """A syllogism of invented kinds."""
    kinds, name = rng.sample(CREATURES, n_rules + 1), rng.choice(TEST_NAMES)
    excluded, contrary = rng.random() < 0.5, rng.random() < 0.5
    rules = [f"Every {one} is a {other}." for one, other in pairwise(kinds[:-1])]
    rules.append(f"{'No' if excluded else 'Every'} {kinds[-2]} is a {kinds[-1]}.")
    asked = f"Is it certain that {name} is not a {kinds[-1]}?" if contrary else f"Is {name} a {kinds[-1]}?"
    return _yes_no(" ".join([*rules, f"{name} is a {kinds[0]}.", asked]), excluded == contrary)


def lamps(rng: Random, n_conditions: int) -> Draft:
    """A conjunction or disjunction of plain facts."""
    colours = rng.sample(LAMPS, n_conditions + 1)
    on = {colour: rng.random() < 0.5 for colour in colours}
    facts = [f"The {colour} lamp is {'on' if on[colour] else 'off'}." for colour in colours]
    all_of, claimed = rng.random() < 0.5, [(colour, rng.random() < 0.5) for colour in colours[:n_conditions]]
    rng.shuffle(facts)
    claim = (" and " if all_of else " or ").join(f"the {c} lamp is {'on' if state else 'off'}" for c, state in claimed)
    holds = [on[colour] == state for colour, state in claimed]
    return _yes_no(" ".join([*facts, f"Is the following true: {claim}?"]), all(holds) if all_of else any(holds))


def match(rng: Random, n_rules: int) -> Draft:
    """A chain of ifs."""
    events = WEATHER[-n_rules:]
    cancelled, contrary = rng.random() < 0.5, rng.random() < 0.5
    game = f"{rng.choice(('today', 'tonight', 'tomorrow', 'Sunday'))}'s {rng.choice(GAMES)}"
    rules = [f"If {one}, {other}." for one, other in pairwise(events)]
    rules.append(f"If {events[-1]}, {game} {'is cancelled' if cancelled else 'goes ahead'}.")
    rng.shuffle(rules)
    fact = events[0][0].upper() + events[0][1:] + "."
    asked = f"Does {game} go ahead?" if contrary else f"Is {game} cancelled?"
    return _yes_no(" ".join([*rules, fact, asked]), cancelled != contrary)


def alarm(rng: Random, n_conditions: int) -> Draft:
    """A rule with and or or, and the state of its parts."""
    parts = rng.sample(OPENINGS, n_conditions + 1)
    all_of, silent = rng.random() < 0.5, rng.random() < 0.5
    is_open = [rng.random() < 0.5 for _ in parts]
    rule = f"An alarm rings only while {'all' if all_of else 'at least one'} of these stand open: {', '.join(parts)}."
    facts = [f"The {part} is {'open' if state else 'shut'}." for part, state in zip(parts, is_open, strict=True)]
    rings = all(is_open) if all_of else any(is_open)
    asked = "Is the alarm silent?" if silent else "Does the alarm ring?"
    return _yes_no(" ".join([rule, *facts, asked]), rings != silent)


def habits(rng: Random, n_rules: int) -> Draft:
    """A syllogism of people's habits."""
    does, name = rng.sample(HABITS, n_rules + 1), rng.choice(DEV_NAMES)
    never, contrary = rng.random() < 0.5, rng.random() < 0.5
    rules = [f"People who {one} also {other}." for one, other in pairwise(does[:-1])]
    rules.append(f"People who {does[-2]} {'never' if never else 'also'} {does[-1]}.")
    asked = f"Can we be sure that {name} does not {does[-1]}?" if contrary else f"Does {name} {does[-1]}?"
    return _yes_no(" ".join([*rules, f"{name} is known to {does[0]}.", asked]), never == contrary)


TEST = (creatures, lamps, match)
DEV = (alarm, habits)


def _yes_no(text: str, holds: bool) -> Draft:
    return Draft(text=text, candidates=("yes", "no"), answer="yes" if holds else "no")
