"""The past of irregular verbs."""

import re

from offbook.tasks.forgetting.question import N_CHOICES, Draft, Family, Slot

VERBS = {  # the verb, its past, its participle where that is another word; the most common ones first
    "test": """
        catch caught, hold held, fight fought, lead led, draw drew drawn, sing sang sung, ride rode ridden,
        wear wore worn, hide hid hidden, forget forgot forgotten, rise rose risen, shake shook shaken,
        steal stole stolen, blow blew blown, shoot shot, feed fed, stick stuck, ring rang rung, tear tore torn,
        bite bit bitten, freeze froze frozen, swear swore sworn, lend lent, dig dug, sweep swept, bend bent,
        swing swung, seek sought, bind bound, spin spun, sting stung, creep crept, grind ground, cling clung,
        weave wove woven, flee fled, fling flung, tread trod trodden, stride strode stridden, slay slew slain
    """,
    "dev": """
        make made, say said, get got, become became, mean meant, understand understood, spend spent,
        deal dealt, strike struck, slide slid, wake woke woken, awake awoke awoken, sink sank sunk,
        forgive forgave forgiven, bear bore borne, arise arose arisen, spring sprang sprung, shrink shrank shrunk,
        wind wound, overcome overcame, withdraw withdrew withdrawn, weep wept, breed bred, stink stank stunk, spit spat,
        string strung, wring wrung
    """,
    "train": """
        go went gone, see saw seen, eat ate eaten, take took taken, give gave given, come came, know knew known,
        run ran, write wrote written, speak spoke spoken, drink drank drunk, swim swam swum, begin began begun,
        fly flew flown, drive drove driven, break broke broken, choose chose chosen, fall fell fallen, grow grew grown,
        throw threw thrown, find found, think thought, bring brought, buy bought, teach taught, sleep slept, keep kept,
        leave left, feel felt, meet met, lose lost, sell sold, tell told, hear heard, sit sat, win won, stand stood,
        pay paid, build built, send sent
    """,
}
FRAMES = {
    "test": "What is the past tense of the verb '{}'?",
    "dev": "Which word is the past tense of '{}'?",
    "train": "Put the verb '{}' into the simple past. What does it become?",
}
FORMS = {
    split: {verb: tuple(forms) for verb, *forms in (row.split() for row in rows.strip().split(","))}
    for split, rows in VERBS.items()
}


def draft(slot: Slot) -> Draft:
    """At level 1 the others are pasts of other verbs; at level 2 forms of the verb, and pasts where it has too few."""
    past, *participle = FORMS[slot.split][slot.story]
    pasts = [forms[0] for forms in FORMS[slot.split].values()]
    forms = (*participle, weak(slot.story), third_person(slot.story))[: N_CHOICES - 1] if slot.level > 1 else ()
    return Draft(text=FRAMES[slot.split].format(slot.story), answer=past, others=slot.wrong(past, pasts, forms))


def weak(verb: str) -> str:
    """The past that a verb would have if it were regular."""
    if re.search("[^aeiou]y$", verb):
        return f"{verb[:-1]}ied"
    return f"{verb}d" if verb.endswith("e") else f"{verb}ed"


def third_person(verb: str) -> str:
    """The form that goes with he and she."""
    if re.search("[^aeiou]y$", verb):
        return f"{verb[:-1]}ies"
    return f"{verb}es" if re.search("(?:[sx]|[cs]h|o)$", verb) else f"{verb}s"


FAMILY = Family(use="replay", stories={split: tuple(verbs) for split, verbs in FORMS.items()}, draft=draft)
