"""The month of one date among several."""

from offbook.tasks.forgetting.question import N_CHOICES, Draft, Family, Slot

PLACES = {
    "test": "zoo, museum, castle, harbour, airport, stadium, library, hospital, market, theatre, palace, hotel, "
    "university, aquarium, monastery, campsite, mall, botanical garden, racecourse, railway station, town hall, "
    "fairground, sports centre, winery, holiday park, art gallery, observatory, youth hostel, marina, circus school",
    "dev": "factory, farm, island, beach, mine, abbey, vineyard, shipyard, concert hall, ski resort, spa, barracks, "
    "brewery, cathedral, ranch, research station, fishing village, boarding school, caravan site, oil rig",
}
THINGS = {
    "test": ("café", "gift shop", "cinema", "rose garden", "pool", "playground", "terrace", "restaurant"),
    "dev": ("sauna", "workshop", "nursery", "chapel", "archive", "stable", "canteen", "laundry"),
}
MONTHS = (
    *("January", "February", "March", "April", "June", "July", "August"),  # without May, which is also a verb
    *("September", "October", "November", "December"),
)
BEGINS = {"test": "New at the {place}:", "dev": "The {place} will have to do without some things."}
TOLD = {"test": "the {thing} opens on {day} {month}", "dev": "Its {thing} shuts on {day} {month}."}
ASKED = {"test": "In which month does the {thing} open?", "dev": "What month is it when the {thing} shuts?"}


def draft(slot: Slot) -> Draft:
    """Open; as many dates as the level says, two at least. Their months are among the choices."""
    split, n = slot.split, slot.level
    things = slot.rng.sample(THINGS[split], n)
    months = slot.rng.sample(MONTHS, N_CHOICES)
    told = [
        TOLD[split].format(thing=thing, day=slot.rng.randint(2, 28), month=month)
        for thing, month in zip(things, months, strict=False)
    ]
    at = slot.rank(n)
    listed = f"{', '.join(told[:-1])} and {told[-1]}." if split == "test" else " ".join(told)
    return Draft(
        text=f"{BEGINS[split].format(place=slot.story)} {listed} {ASKED[split].format(thing=things[at])}",
        answer=months[at],
        others=tuple(month for month in months if month != months[at]),
    )


FAMILY = Family(use="read", stories={split: tuple(p.split(", ")) for split, p in PLACES.items()}, draft=draft)
