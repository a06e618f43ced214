"""The forgetting suite: the same everywhere, balanced, and apart from what is trained on or replayed."""

import os
import subprocess
import sys
from collections import Counter, defaultdict
from fractions import Fraction
from random import Random

import pytest

from offbook.engine.students.corpus import ANSWER_LINE, instruct
from offbook.tasks import procedural
from offbook.tasks.answers import extract
from offbook.tasks.forgetting import FAMILIES, SIZES, SPLITS, Question, questions
from offbook.tasks.forgetting import generate as making
from offbook.tasks.forgetting.difficulty import LEVELS, LISTED, RARITY
from offbook.tasks.forgetting.documents import KIND, READ, REPLAY, WORDINGS, documents, prompt, score
from offbook.tasks.forgetting.question import N_CHOICES, Slot
from offbook.tasks.forgetting.replay import replay_questions
from offbook.tasks.procedural import ood
from offbook.tasks.prompts import load_prompts
from offbook.tasks.prompts.generate import ngrams

CASES = [(split, family) for family, found in FAMILIES.items() for split in SPLITS if split in found.stories]
ASKED = [(split, family) for split, family in CASES if split != "train"]
EVERY_LEVEL = {
    **dict.fromkeys(("categories", "past_tense", "capitals", "feelings", "opposites"), (1, 2)),
    **dict.fromkeys(("colours", "workers"), (1,)),
    "lookup": (1, 2, 3, 4),
    "copying": (1, 2, 3),
    "months": (2, 3, 4),
}


def body(question: Question) -> str:
    """The question without the sentence that lists its choices."""
    before, found, _ = question.question.rpartition("? ")
    return f"{before}?" if found and question.listed else question.question


def gram_set(texts: list[str]) -> set[tuple[str, ...]]:
    return {gram for text in texts for gram in ngrams(text)}


def every(split: str, *families: str) -> list[str]:
    return [q.question for family in families for q in questions(split, family)]


def test_there_are_ten_families_half_for_replay_and_half_to_read_forgetting_on() -> None:
    assert (len(REPLAY), len(READ)) == (5, 5)
    assert {*REPLAY, *READ} == set(FAMILIES) == set(LEVELS) == set(EVERY_LEVEL)
    assert not set(FAMILIES) & {*procedural.FAMILIES, *ood.FAMILIES}


@pytest.mark.parametrize(("split", "family"), ASKED)
def test_a_family_asks_thirty_test_and_twenty_dev_questions_each_from_a_story_of_its_own(
    split: str, family: str
) -> None:
    asked = questions(split, family)
    assert len(asked) == SIZES[split] == {"dev": 20, "test": 30}[split]
    assert len({q.story for q in asked}) == len({q.question for q in asked}) == len(asked)
    assert [q.id for q in asked[:2]] == [f"{family}-{split}-000", f"{family}-{split}-001"]


@pytest.mark.parametrize("family", FAMILIES)
def test_no_two_splits_share_a_story(family: str) -> None:
    stories = [story for found in FAMILIES[family].stories.values() for story in found]
    assert len(set(stories)) == len(stories)


def test_only_families_for_replay_can_be_trained_on() -> None:
    for family in REPLAY:
        assert len(questions("train", family)) >= 20
    for family in READ:
        with pytest.raises(ValueError, match=f"expected dev or test of {family}, on which .*, got train"):
            questions("train", family)


def test_what_may_be_replayed_is_the_training_questions_of_those_families_alone() -> None:
    found = dict(replay_questions())
    assert list(found) == [q.id for family in REPLAY for q in questions("train", family)]
    assert len(found) > 100
    assert not set(found.values()) & {question for split in ("dev", "test") for question in every(split, *FAMILIES)}


def test_another_process_makes_the_same_questions() -> None:
    code = "from offbook.tasks.forgetting import FAMILIES, questions\nfor f in FAMILIES: print(questions('test', f))"
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == [str(questions("test", family)) for family in FAMILIES]


@pytest.mark.parametrize(("split", "family"), CASES)
def test_a_question_has_four_choices_of_one_kind_and_one_is_right(split: str, family: str) -> None:
    for q in questions(split, family):
        assert len(set(q.choices)) == len(q.choices) == N_CHOICES, q.id
        assert q.answer in q.choices, q.id
        assert len({(len(choice.split()), choice[0].isupper()) for choice in q.choices}) == 1, q.choices
        assert not any(character.isdigit() for choice in q.choices for character in choice), q.id
        assert q.listed == (family in LISTED)
        assert q.question.endswith(f"{', '.join(q.choices[:-1])} or {q.choices[-1]}.") == q.listed, q.question


@pytest.mark.parametrize(("split", "family"), CASES)
def test_every_choice_is_understood_as_an_answer_and_only_as_itself(split: str, family: str) -> None:
    for q in questions(split, family):
        for choice in q.choices:
            assert extract(ANSWER_LINE.format(answer=choice), KIND, q.choices) == choice
            assert extract(f"{choice.capitalize()}.", KIND, q.choices) == choice


@pytest.mark.parametrize(("split", "family"), ASKED)
def test_the_right_answer_takes_every_place_as_often_and_no_constant_answer_does_well(split: str, family: str) -> None:
    asked = questions(split, family)
    places = Counter(q.choices.index(q.answer) for q in asked)
    assert max(places.values()) - min(places.values()) <= 1
    constant = max(Counter(q.answer for q in asked).values())
    assert Fraction(constant, len(asked)) <= Fraction(1, N_CHOICES) + Fraction(1, 10)


@pytest.mark.parametrize("family", ["copying", "lookup", "months"])
@pytest.mark.parametrize("split", ["dev", "test"])
def test_always_the_first_mentioned_is_as_good_as_any_other_mention(split: str, family: str) -> None:
    ranks: dict[int, Counter[int]] = defaultdict(Counter)
    for q in questions(split, family):
        mentioned = sorted((c for c in q.choices if c in body(q)), key=body(q).index)
        ranks[len(mentioned)][mentioned.index(q.answer)] += 1
    assert set(ranks) == set(LEVELS[family])
    for n, found in ranks.items():
        assert set(found) == set(range(n))
        assert max(found.values()) - min(found.values()) <= 1


@pytest.mark.parametrize("family", ["capitals", "colours", "opposites", "workers"])
@pytest.mark.parametrize("split", ["dev", "test"])
def test_no_rank_by_the_alphabet_is_right_most_of_the_time(split: str, family: str) -> None:
    ranks = Counter(sorted(q.choices).index(q.answer) for q in questions(split, family))
    assert len(ranks) == N_CHOICES
    assert Fraction(max(ranks.values()), ranks.total()) <= Fraction(1, 2)


def test_nothing_to_be_asked_shares_eight_words_with_what_is_trained_on_or_replayed() -> None:
    asked = gram_set([question for split in ("dev", "test") for question in every(split, *READ)])
    assert len(asked) > 100
    trained = [p.question for family in procedural.FAMILIES for p in procedural.problems("train", family)]
    trained += [p.prompt for p in load_prompts("train")]
    assert not asked & gram_set(trained)
    for split in SPLITS:
        assert not asked & gram_set(every(split, *REPLAY))


def test_no_capital_is_asked_for_that_an_embedded_prompt_asks_for() -> None:
    prompts = [
        p.prompt
        for split in ("train", "test")
        for p in load_prompts(split)
        if p.prompt.startswith("What is the capital")
    ]
    assert len(prompts) > 5
    for split in ("dev", "test"):
        for country in FAMILIES["capitals"].stories[split]:
            assert not any(country in text for text in prompts), country


def test_no_two_splits_share_eight_words() -> None:
    grams = {split: gram_set([q for s, family in CASES if s == split for q in every(s, family)]) for split in SPLITS}
    assert not grams["dev"] & grams["test"]
    assert not grams["train"] & (grams["dev"] | grams["test"])


@pytest.mark.parametrize("family", FAMILIES)
def test_every_story_can_be_asked_at_every_level(family: str) -> None:
    found = FAMILIES[family]
    for split, stories in found.stories.items():
        for level in EVERY_LEVEL[family]:
            for number, story in enumerate(stories):
                rng = Random(number)
                draft = found.draft(Slot(split=split, story=story, level=level, rng=rng, turns="t", number=number))
                assert len({draft.answer, *draft.others}) == N_CHOICES, (story, level)
    assert set(LEVELS[family]) <= set(EVERY_LEVEL[family])


def test_a_rarer_choice_of_stories_leaves_the_most_common_ones_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(0 <= share <= 1 for share in RARITY.values())
    monkeypatch.setitem(making.RARITY, "capitals", 0)
    making._stories.cache_clear()
    common = {q.story for q in questions("test", "capitals")}
    monkeypatch.setitem(making.RARITY, "capitals", 1)
    making._stories.cache_clear()
    rare = {q.story for q in questions("test", "capitals")}
    monkeypatch.undo()
    making._stories.cache_clear()
    assert "Russia" in common - rare
    assert "Suriname" in rare - common


@pytest.mark.parametrize(("split", "family"), CASES)
def test_a_document_says_all_that_scoring_and_statistics_need(split: str, family: str) -> None:
    instructed, plain = (documents(family, wording, split) for wording in WORDINGS)
    for q, one, other in zip(questions(split, family), instructed, plain, strict=True):
        assert one["choices"][one["right"]] == one["answer"] == q.answer
        assert one["use"] == ("replay" if family in REPLAY else "read")
        assert one["cluster"] == f"{family}/{one['story']}"
        assert {key for key in one if one[key] != other[key]} == {"wording"}
        assert prompt(one) == instruct(q.question)
        assert prompt(other) == f"{q.question}\n\nAnswer in a word or two."
        assert score(one, f"{q.answer}.") == score(other, ANSWER_LINE.format(answer=q.answer)) == 1
        assert score(one, next(choice for choice in q.choices if choice != q.answer)) == score(one, "") == 0


def test_what_is_unknown_is_refused() -> None:
    with pytest.raises(ValueError, match="split must be one of train, dev, test; got 'validation'"):
        questions("validation", "months")
    with pytest.raises(ValueError, match=r"family must be one of categories, .*opposites; got 'maths'"):
        questions("dev", "maths")
    with pytest.raises(ValueError, match="wording must be one of instructed, plain; got 'shouted'"):
        documents("months", "shouted", "dev")
