"""A second reading of the forgetting suite: answers are found again from the text, or held against other tables."""

import re
from collections.abc import Mapping

import pytest

from offbook.tasks.forgetting import FAMILIES, Question, questions
from offbook.tasks.forgetting.families import categories, colours, feelings, opposites, past_tense, workers

CITIES = """
Moscow Russia, Beijing China, Copenhagen Denmark, Brussels Belgium, Abuja Nigeria, Algiers Algeria, Warsaw Poland,
Bangkok Thailand, Oslo Norway, Tehran Iran, Lima Peru, Nairobi Kenya, Hanoi Vietnam, Budapest Hungary,
Helsinki Finland, Kathmandu Nepal, Caracas Venezuela, Damascus Syria, Kingston Jamaica, Accra Ghana, Zagreb Croatia,
Belgrade Serbia, Dhaka Bangladesh, Amman Jordan, Dakar Senegal, Montevideo Uruguay, Tunis Tunisia, Harare Zimbabwe,
Riga Latvia, Kampala Uganda, Ulaanbaatar Mongolia, Khartoum Sudan, Tirana Albania, Muscat Oman, Luanda Angola,
Tegucigalpa Honduras, Vientiane Laos, Asmara Eritrea, Georgetown Guyana, Paramaribo Suriname, Edinburgh Scotland,
Manama Bahrain, Berlin Germany, Vienna Austria,
Lisbon Portugal, Stockholm Sweden, Dublin Ireland, Havana Cuba, Ankara Turkey, Baghdad Iraq,
Santiago Chile, Kabul Afghanistan, Beirut Lebanon, Bucharest Romania, Rabat Morocco, Jakarta Indonesia,
Islamabad Pakistan, Sofia Bulgaria, Tripoli Libya, Quito Ecuador, Reykjavik Iceland, Mogadishu Somalia,
Tallinn Estonia, Yerevan Armenia, Managua Nicaragua, Lusaka Zambia, Kigali Rwanda
"""
SHOWN = {  # what is done by somebody who feels so
    "happy": "danced|laughed|cheered|smiled|sang|clapped|grinned|beamed|whistled|hummed",
    "sad": "wept|cried|[Tt]ears?|sobbed|wet eyes",
    "angry": "swore|shouted|slammed|yelled|cursed|tore up|threw|screamed at|banged",
    "afraid": "trembled|screamed (?:and ran|for help)|shaking|pale|hid|shrieked|whimpered|clung",
}
PASTS = """
arose arise, awoke awake, ate eat, became become, began begin, bent bend, bit bite, blew blow, bore bear,
bought buy, bound bind, bred breed, broke break, brought bring, built build, came come, caught catch, chose choose,
clung cling, crept creep, dealt deal, drank drink, drew draw, drove drive, dug dig, fed feed, fell fall, felt feel,
fled flee, flew fly, flung fling, forgave forgive, forgot forget, fought fight, found find, froze freeze, gave give,
got get, grew grow, ground grind, heard hear, held hold, hid hide, kept keep, knew know, led lead, left leave,
lent lend, lost lose, made make, meant mean, met meet, overcame overcome, paid pay, ran run, rang ring, rode ride,
rose rise, said say, sang sing, sank sink, sat sit, saw see, sent send, shook shake, shot shoot, shrank shrink,
slept sleep, slew slay, slid slide, sold sell, sought seek, spat spit, spent spend, spoke speak, sprang spring,
spun spin, stank stink, stole steal, stood stand, strode stride, struck strike, strung string, stuck stick,
stung sting, swam swim, swept sweep, swore swear, swung swing, taught teach, thought think, threw throw, told tell,
took take, tore tear, trod tread, understood understand, went go, wept weep, withdrew withdraw, woke wake, won win,
wore wear, wound wind, wove weave, wrote write, wrung wring
"""


@pytest.mark.parametrize("family", ["copying", "lookup", "months"])
def test_what_is_told_leads_to_the_answer(family: str) -> None:
    for split in FAMILIES[family].stories:
        for q in questions(split, family):
            assert READERS[family](q) == q.answer, q.question


@pytest.mark.parametrize("split", ["dev", "test"])
def test_capitals_are_those_of_another_list(split: str) -> None:
    country_of = dict(pair.split() for pair in CITIES.replace("\n", " ").split(", "))
    for q in questions(split, "capitals"):
        country = q.question.rpartition(" ")[2].rstrip("?")
        assert [city for city in q.choices if country_of[city] == country] == [q.answer], q.question


def test_pasts_are_those_of_another_list_and_no_wrong_form_looks_like_one() -> None:
    past_of = {verb: past for past, verb in (pair.split() for pair in PASTS.replace("\n", " ").split(", "))}
    found = {verb: past for forms in past_tense.FORMS.values() for verb, (past, *_) in forms.items()}
    assert found == past_of
    for forms in past_tense.FORMS.values():
        for verb, (past, *participle) in forms.items():
            assert len({past, past_tense.weak(verb), past_tense.third_person(verb), *participle}) == 3 + len(participle)
    assert [past_tense.third_person(verb) for verb in ("fly", "catch", "go", "sing", "say")] == [
        "flies", "catches", "goes", "sings", "says"
    ]  # fmt: skip
    assert [past_tense.weak(verb) for verb in ("fly", "catch", "take", "say")] == ["flied", "catched", "taked", "sayed"]


def test_a_word_has_one_opposite_and_no_wrong_choice_is_it() -> None:
    every = [pair for kinds in opposites.PAIRS.values() for kind in kinds for pair in kind.items()]
    words = [word for word, _ in every]
    assert len(set(words)) == len(words)
    opposite_of = {word: opposite for word, (opposite, _) in every}
    for word, (opposite, near) in every:
        assert len({word, opposite, near}) == 3
        assert opposite_of.get(opposite, word) == word, f"{opposite} has another opposite than {word}"
    for split in ("dev", "test"):
        for q in questions(split, "opposites"):
            assert opposite_of[q.story] == q.answer
            assert q.story not in q.choices


@pytest.mark.parametrize(
    ("table", "family"),
    [
        (categories.CLASS_OF, "categories"),
        (colours.COLOUR_OF, "colours"),
        ({worker: worker for does in workers.DOES.values() for worker in does}, "workers"),
    ],
)
def test_a_thing_is_of_one_kind_alone(table: Mapping[str, str], family: str) -> None:
    for split, stories in FAMILIES[family].stories.items():
        assert [table[q.story] for q in questions(split, family)] == [q.answer for q in questions(split, family)]
        assert set(stories) <= set(table)
    assert sum(map(len, FAMILIES[family].stories.values())) == len(table), "a thing stands in the table twice"


def test_no_question_gives_its_answer_away() -> None:
    for family in ("categories", "colours", "workers", "capitals", "opposites", "feelings", "past_tense"):
        for split in FAMILIES[family].stories:
            for q in questions(split, family):
                asked = q.question.rpartition("? ")[0] or q.question
                assert not re.search(rf"\b{q.answer}\b", asked, re.IGNORECASE), q.question


def test_what_somebody_does_shows_the_feeling_and_no_other() -> None:
    for told in feelings.STORIES.values():
        for story, (feeling, _, done) in told.items():
            assert [name for name, signs in SHOWN.items() if re.search(rf"\b(?:{signs})\b", done)] == [feeling], story


def read_copying(q: Question) -> str:
    named = dict(re.findall(r"(\w+)'s \w+ is called (\w+ \w+)\.", q.question))
    named |= dict(re.findall(r"(\w+) named a \w+ (\w+ \w+)\.", q.question))
    asked = re.search(r"What (?:is|did) (\w+)(?:'s| name)", q.question)
    assert asked is not None
    return named[asked[1]]


def read_months(q: Question) -> str:
    found = dict(re.findall(r"(?:the|Its) ([\w ]+?) (?:opens|shuts) on \d+ ([A-Z]\w+)", q.question))
    asked = re.search(r"(?:does|when) the ([\w ]+?) (?:open|shuts)\?", q.question)
    assert asked is not None
    return str(found[asked[1]])


def read_lookup(q: Question) -> str:
    owned = r"(?:(?P<a>\w+) (?:lives|travels) in the (?P<b>\w+) \w+|The (?P<c>\w+) \w+ belongs to (?P<d>\w+))\."
    held = (
        r"(?:(?:The animal in|Inside) the (?P<a>\w+) \w+ (?:is|lies) a (?P<b>\w+)"
        r"|A (?P<c>\w+) is carried by the (?P<d>\w+) \w+)\."
    )
    colour_of = {m["a"] or m["d"]: m["b"] or m["c"] for m in re.finditer(owned, q.question)}
    thing_in = {m["a"] or m["d"]: m["b"] or m["c"] for m in re.finditer(held, q.question)}
    asked = re.search(r"(?:where|of|what) (\w+)(?: lives| travels in)?\?", q.question)
    assert asked is not None
    return thing_in[colour_of[asked[1]]]


READERS = {"copying": read_copying, "lookup": read_lookup, "months": read_months}
