"""How hard the questions out of distribution are: every knob of every family.

A family's levels take turns from question to question. What a level counts is the family's own matter.
"""

LEVELS: dict[str, tuple[int, ...]] = {
    "dates": (2, 4, 6),  # the most days to count on or back
    "swaps": (1, 2, 3),  # how many swaps
    "ordering": (3, 3, 4),  # how many are compared
    "logic": (1, 2, 3),  # how many rules or conditions
    "letters": (3, 4, 5),  # how many letters a word has; of words to put together, one less
    "counting": (5, 6, 7),  # how many things are listed
}
N_CHOICES = 3  # how many answers a question offers, where it is not a matter of yes or no
SEED = 0  # under which no question comes twice and no constant answer does well; after turning a knob, test again
