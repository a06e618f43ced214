"""Two words to copy: the name that somebody gave to a thing, among the names that others gave to theirs."""

from offbook.tasks.forgetting.names import NAMES
from offbook.tasks.forgetting.question import Draft, Family, Slot

THINGS = {
    "test": "boat horse café band song poem garden team shop inn robot dragon kite perfume jam tea rose club "
    "cocktail planet comic hamster sled tractor doll windmill sauce sword film rocket",
    "dev": "ferry dog cake spell cave tent lighthouse bicycle parrot quilt bakery magazine soap pony wagon cheese "
    "tower choir yacht vineyard",
}
FIRST = {
    "test": "maple velvet copper silver winter golden crimson hidden gentle frozen wooden misty",
    "dev": "purple northern broken tiny sunny marble iron lonely painted dusty amber quiet",
}
SECOND = {
    "test": "lantern river thunder meadow feather harbour falcon cedar comet ribbon valley anchor",
    "dev": "whisper garden pebble shadow canyon needle orchard barrel compass willow engine saddle",
}
TOLD = {"test": "{who}'s {thing} is called {pair}.", "dev": "{who} named a {thing} {pair}."}
ASKED = {"test": "What is {who}'s {thing} called?", "dev": "What did {who} name the {thing}?"}


def draft(slot: Slot) -> Draft:
    """Open; as many people as the level says. Wrong are the names that others gave, and mixtures with the right one."""
    split, n = slot.split, slot.level
    names = slot.rng.sample(NAMES[split], n)
    first, second = slot.rng.sample(FIRST[split].split(), 3), slot.rng.sample(SECOND[split].split(), 3)
    pairs = [f"{one} {other}" for one, other in zip(first, second, strict=True)]
    at = slot.rank(n)
    answer = pairs[at]
    told = [TOLD[split].format(who=who, thing=slot.story, pair=pair) for who, pair in zip(names, pairs, strict=False)]
    mixed = [f"{first[at]} {second[other]}" for other in range(3) if other != at]
    mixed += [f"{first[other]} {second[at]}" for other in range(3) if other != at]
    others = [pair for pair in pairs[:n] if pair != answer]
    others += slot.rng.sample(mixed, 3 - len(others))
    return Draft(
        text=" ".join([*told, ASKED[split].format(who=names[at], thing=slot.story)]),
        answer=answer,
        others=tuple(others),
    )


FAMILY = Family(use="read", stories={split: tuple(things.split()) for split, things in THINGS.items()}, draft=draft)
