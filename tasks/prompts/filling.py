"""Fills a text template with seeded choices, so that one template gives several different, reproducible passages.

The notation inside a template:

- ``[sunny|wet|windy]`` chooses one alternative, without a name;
- ``<tool=spade/rake/hoe>`` chooses one alternative and remembers it as ``tool``;
- ``<n=3..9>`` draws a whole number from 3 to 9 and remembers it as ``n``;
- ``<who=person>`` draws from the pool of that name (see ``POOLS``) and remembers it as ``who``; two draws from one pool
  in one passage never coincide;
- ``<tool>`` repeats what was remembered.
"""

import re
from random import Random

PERSONS = (
    "Amara Okafor", "Ben Lindqvist", "Carla Mendes", "Daniel Frost", "Elena Petrova", "Farid Haddad", "Grace Whitlock",
    "Hiro Tanaka", "Isla Morgan", "Jonas Weber", "Kavita Rao", "Liam Doyle", "Marta Kowalska", "Nadia Rahman",
    "Oscar Nilsson", "Priya Nair", "Quentin Moreau", "Rosa Delgado", "Samuel Adeyemi", "Tessa Vink", "Umar Siddiqui",
    "Vera Novak", "Walter Hobbs", "Xenia Pappas", "Yusuf Demir", "Zoe Carter", "Anton Berg", "Bianca Ricci",
    "Colin Mackay", "Dina Shapiro",
)  # fmt: skip
TOWNS = (
    "Ashcombe", "Bexley Falls", "Carrowmore", "Dunmere", "Eastwick", "Fennport", "Glenhollow", "Harrowgate Bay",
    "Inverlake", "Juniper Hill", "Kestrel Point", "Larkfield", "Millbrook", "Northam", "Oakridge", "Penrose",
    "Quarry Bank", "Redcliff", "Stonebridge", "Thornbury", "Upper Marsh", "Valewood", "Westhaven", "Yarrow Springs",
)  # fmt: skip
FIRMS = (
    "Alder Textiles", "Bluefin Logistics", "Copperleaf Bakery", "Delta Optics", "Evergreen Supplies", "Foxglove Media",
    "Granite Tools", "Harbour Prints", "Indigo Travel", "Juno Kitchens", "Kite Software", "Lantern Books",
    "Meridian Cycles", "Nimbus Heating", "Orchard Foods", "Pinnacle Glass", "Quill Stationery", "Rowan Interiors",
)  # fmt: skip
STREETS = (
    "Acorn Lane", "Bridge Street", "Chapel Road", "Dock Row", "Elm Avenue", "Ferry Walk", "Garden Terrace", "Hill Rise",
    "Ivy Close", "Kiln Yard", "Linden Way", "Mercer Street", "Old Mill Road", "Park Crescent",
)  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
POOLS: dict[str, tuple[str, ...]] = {
    "person": PERSONS,
    "town": TOWNS,
    "firm": FIRMS,
    "street": STREETS,
    "month": MONTHS,
    "weekday": WEEKDAYS,
}
_SLOT = re.compile(r"<(\w+)(?:=([^<>]+))?>|\[([^\[\]]*\|[^\[\]]*)\]")


def fill(template: str, rng: Random, values: dict[str, str] | None = None) -> str:
    """Return `template` with every slot filled; `values` carries what was remembered from one template to the next."""
    known = {} if values is None else values

    def replace(match: re.Match[str]) -> str:
        name, spec, alternatives = match[1], match[2], match[3]
        if alternatives is not None:
            return rng.choice(str(alternatives).split("|"))
        if spec is not None:
            assert name not in known, f"slot <{name}> is drawn twice in: {template}"
            known[name] = _draw(spec, rng, taken=set(known.values()))
        return known[name]

    return _SLOT.sub(replace, template)


def _draw(spec: str, rng: Random, taken: set[str]) -> str:
    if spec in POOLS:
        return rng.choice([entry for entry in POOLS[spec] if entry not in taken])
    if spec == "email":
        first, last = rng.choice(PERSONS).lower().split(" ")
        return f"{first}.{last}@{rng.choice(FIRMS).split(' ')[0].lower()}.example"
    if spec == "phone":
        return f"555-{rng.randint(100, 999)}-{rng.randint(1000, 9999)}"
    if spec == "date":
        return f"{rng.randint(1, 28)} {rng.choice(MONTHS)}"
    if spec == "amount":
        return f"${rng.randint(12, 980)}.{rng.choice(['00', '25', '40', '50', '75', '90'])}"
    if spec == "time":
        return f"{rng.randint(1, 12)}:{rng.choice(['00', '15', '30', '45'])} {rng.choice(['am', 'pm'])}"
    if spec == "code":
        return f"{rng.choice('ABCDEFGHKLMNPRST')}{rng.choice('ABCDEFGHKLMNPRST')}-{rng.randint(1000, 9999)}"
    if ".." in spec:
        low, high = spec.split("..")
        return str(rng.randint(int(low), int(high)))
    return rng.choice(spec.split("/"))
