"""Two look-ups, one behind the other: from a person to a place, and from the place to what it holds."""

from offbook.tasks.forgetting.names import NAMES
from offbook.tasks.forgetting.question import N_CHOICES, Draft, Family, Slot

PLACES = {
    "test": "house tent cabin castle cottage hut tower mill barn villa bungalow palace lodge farmhouse houseboat igloo "
    "mansion chalet hotel convent lighthouse inn school garage shed treehouse dormitory hostel bunker hall",
    "dev": "box bag basket chest crate jar suitcase locker pouch bucket cupboard case sack satchel purse barrel "
    "backpack casket drawer tin",
    "train": "car van truck bus tractor taxi jeep cart wagon boat ferry ship canoe raft sledge tram scooter plane "
    "balloon submarine barge yacht carriage coach trailer kayak glider rocket caravan gondola",
}
COLOURS = ("red", "blue", "green", "white", "black", "yellow", "brown", "purple")
THINGS = {
    "test": ("cat", "dog", "parrot", "rabbit", "pony", "goat", "hamster", "turtle", "goose", "donkey"),
    "dev": ("hammer", "candle", "mirror", "trumpet", "blanket", "compass", "teapot", "puzzle", "pillow", "kettle"),
    "train": ("piano", "carpet", "ladder", "statue", "bicycle", "mattress", "printer", "wardrobe", "painting", "stove"),
}
OWNS = {
    "test": "{who} lives in the {colour} {place}.",
    "dev": "The {colour} {place} belongs to {who}.",
    "train": "{who} travels in the {colour} {place}.",
}
HOLDS = {
    "test": "The animal in the {colour} {place} is a {thing}.",
    "dev": "Inside the {colour} {place} lies a {thing}.",
    "train": "A {thing} is carried by the {colour} {place}.",
}
ASKS = {
    "test": "Which animal lives where {who} lives?",
    "dev": "What lies inside the {place} of {who}?",
    "train": "What is carried by what {who} travels in?",
}


def draft(slot: Slot) -> Draft:
    """As many people as the level says, each with a place and a thing in it; all are told of before any thing is."""
    split, n = slot.split, slot.level
    names = slot.rng.sample(NAMES[split], n)
    colours = slot.rng.sample(COLOURS, n)
    things = slot.rng.sample(THINGS[split], N_CHOICES)
    told = list(zip(colours, things[:n], strict=True))
    owned = [OWNS[split].format(who=who, colour=colour, place=slot.story)
             for who, (colour, _) in zip(names, told, strict=True)]  # fmt: skip
    asked = slot.rng.randrange(n)
    answer = things[asked]
    others = [pair for pair in told if pair[1] != answer]
    slot.rng.shuffle(others)
    rank = slot.rank(n)
    held = [HOLDS[split].format(colour=colour, thing=thing, place=slot.story)
            for colour, thing in (*others[:rank], told[asked], *others[rank:])]  # fmt: skip
    asks = ASKS[split].format(who=names[asked], place=slot.story)
    return Draft(
        text=" ".join([*owned, *held, asks]), answer=answer, others=tuple(thing for thing in things if thing != answer)
    )


FAMILY = Family(use="replay", stories={split: tuple(places.split()) for split, places in PLACES.items()}, draft=draft)
