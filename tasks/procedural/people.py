"""The people of the stories, with their pronouns.

Slots: `{who}` and `{other}` are two names; `{she}`, `{She}`, `{him}`, `{her}` and `{Her}` speak of `{who}`, where
`{him}` is the object (her, him) and `{her}` the possessive (her, his).
"""

from random import Random

WOMEN = (
    "Ada", "Chloe", "Esther", "Gita", "Ines", "Kira", "Lucy", "Mina", "Nora", "Olga", "Priya", "Ruth", "Tara", "Zoe",
)  # fmt: skip
MEN = (
    "Adam", "Bruno", "Carlos", "Daniel", "Felix", "Hugo", "Jamal", "Leo", "Noah", "Omar", "Pedro", "Sami", "Tom", "Vik",
)  # fmt: skip


def people(rng: Random) -> dict[str, str]:
    """Two different people for the slots of a template."""
    who = rng.choice(WOMEN + MEN)
    other = rng.choice([name for name in WOMEN + MEN if name != who])
    she, him, her = ("she", "her", "her") if who in WOMEN else ("he", "him", "his")
    return {
        "who": who,
        "other": other,
        "she": she,
        "She": she.capitalize(),
        "him": him,
        "her": her,
        "Her": her.capitalize(),
    }
