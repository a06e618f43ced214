"""How hard the questions of the forgetting suite are: every knob of every family, to be turned on dev only.

`python -m offbook.harness.trials.headroom_benchmark` says what the untouched model makes of dev, and which families
miss the rule: at least 20 points above guessing and at most 85 % right, in both wordings, by likelihood and by the
written answer, and the lower end of the interval at least 10 points above guessing.
"""

LEVELS: dict[str, tuple[int, ...]] = {  # a family's levels take turns from question to question
    "categories": (1, 2),  # wrong answers: 1 of any class, 2 of classes close by
    "colours": (1,),
    "lookup": (2, 3),  # how many people the text tells of, 1 to 4
    "past_tense": (2,),  # wrong answers: 1 other verbs in the past, 2 other forms of the verb
    "workers": (1,),
    "capitals": (1, 2),  # wrong answers: 1 capitals of the world, 2 of the same continent
    "copying": (2, 3),  # how many pairs of words the text holds, 1 to 3
    "feelings": (1, 2),  # 1 what happens and what is done about it, 2 what happens alone
    "months": (2, 3),  # how many dates the text holds, 2 to 4
    "opposites": (1, 2),  # wrong answers: 1 of other words, 2 one that means nearly the same as the word
}
RARITY: dict[str, float] = {  # which of a split's stories are asked: from 0, the most common ones, to 1, the rarest
    "past_tense": 0.5,
    "capitals": 0.5,
    "opposites": 0.5,
}
LISTED = frozenset({"categories", "lookup", "feelings", "opposites"})  # families whose questions name their choices
