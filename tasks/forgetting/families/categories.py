"""What kind of thing a word names."""

from offbook.tasks.forgetting.question import Draft, Family, Slot

WORDS = {  # of a class: test, dev, train
    "fruit": ("pear mango apricot", "plum papaya", "cherry banana peach melon"),
    "bird": ("eagle sparrow pelican", "owl heron", "robin parrot goose pigeon"),
    "tool": ("hammer saw chisel", "wrench drill", "screwdriver axe pliers spade"),
    "flower": ("rose tulip daisy", "lily orchid", "daffodil poppy sunflower violet"),
    "fish": ("salmon trout herring", "tuna cod", "shark carp sardine mackerel"),
    "vehicle": ("truck bicycle tram", "bus ferry", "car train helicopter motorcycle"),
    "vegetable": ("carrot cabbage leek", "onion spinach", "potato turnip celery radish"),
    "insect": ("ant beetle wasp", "bee moth", "mosquito butterfly grasshopper termite"),
    "instrument": ("violin trumpet harp", "piano flute", "guitar drum cello clarinet"),
    "garment": ("jacket skirt glove", "scarf sweater", "shirt coat sock trousers"),
    "furniture": ("wardrobe sofa bookcase", "chair stool", "table bed desk cupboard"),
    "metal": ("copper iron zinc", "silver nickel", "gold tin platinum aluminium"),
}
CLOSE = (  # classes that are easily taken for each other
    ("fruit", "vegetable", "flower"),
    ("bird", "fish", "insect"),
    ("tool", "instrument", "vehicle"),
    ("garment", "furniture", "metal"),
)
FRAMES = {
    "test": "What kind of thing does the word '{}' name?",
    "dev": "Which kind of thing is called '{}'?",
    "train": "Somebody says '{}'. What sort of thing is meant?",
}
SPLITS = ("test", "dev", "train")
CLASS_OF = {word: kind for kind, splits in WORDS.items() for words in splits for word in words.split()}


def draft(slot: Slot) -> Draft:
    """One of four classes; at level 2 two of the others lie close by."""
    kind = CLASS_OF[slot.story]
    close = next(group for group in CLOSE if kind in group)
    near = tuple(other for other in close if other != kind) if slot.level > 1 else ()
    return Draft(text=FRAMES[slot.split].format(slot.story), answer=kind, others=slot.wrong(kind, list(WORDS), near))


def _in_turn(place: int) -> tuple[str, ...]:
    """The words of a split, the first of every class before the second of any."""
    columns = [splits[place].split() for splits in WORDS.values()]
    return tuple(word for row in zip(*columns, strict=True) for word in row)


FAMILY = Family(use="replay", stories={split: _in_turn(at) for at, split in enumerate(SPLITS)}, draft=draft)
