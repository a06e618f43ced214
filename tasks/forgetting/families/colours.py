"""Of which colour familiar things are."""

from offbook.tasks.forgetting.question import Draft, Family, Slot

THINGS = {  # of a colour: test, dev, train; a comma between two things
    "yellow": ("a ripe banana, a canary, a dandelion, an egg yolk", "a lemon, a sunflower, sweetcorn",
               "butter, the inside of a pineapple, a baby chick"),
    "green": ("grass, spinach, a frog, an emerald", "a cucumber, broccoli, a cactus", "lettuce, moss, a pea"),
    "white": ("snow, milk, salt, a swan", "flour, a polar bear, cotton", "chalk, a snowman, sugar"),
    "red": ("blood, a strawberry, a ruby, a ladybird", "a ripe tomato, a stop sign",
            "a cherry, a raspberry, a chili pepper"),
    "black": ("coal, a raven, tar", "soot, a crow", "a panther, liquorice, the night sky"),
    "brown": ("chocolate, mud, a chestnut", "coffee beans, cinnamon", "a walnut, tree bark, a grizzly bear"),
    "orange": ("a carrot, a pumpkin, an apricot", "a tangerine, a basketball", "a goldfish, a clementine"),
    "blue": ("a clear sky, a sapphire, denim", "a cornflower, the deep sea", "a forget-me-not, a blueberry"),
    "pink": ("a flamingo, a piglet", "cherry blossom", "bubble gum, a boiled shrimp"),
}  # fmt: skip
FRAMES = {
    "test": "What is the usual colour of {}?",
    "dev": "Which colour does {} have?",
    "train": "A child paints {}. Which colour is the right one?",
}
SPLITS = ("test", "dev", "train")
COLOUR_OF = {thing: colour for colour, splits in THINGS.items() for things in splits for thing in things.split(", ")}


def draft(slot: Slot) -> Draft:
    """Open, between four colours of which one is right."""
    colour = COLOUR_OF[slot.story]
    return Draft(text=FRAMES[slot.split].format(slot.story), answer=colour, others=slot.wrong(colour, list(THINGS)))


FAMILY = Family(
    use="replay",
    stories={
        split: tuple(thing for splits in THINGS.values() for thing in splits[at].split(", "))
        for at, split in enumerate(SPLITS)
    },
    draft=draft,
)
