"""The further development questions: from stories that no split has, solvable, and behind those of the split dev."""

import itertools
import re
from collections import Counter
from random import Random

import pytest

from offbook.tasks.procedural import FAMILIES, SPLITS, generate, problems
from offbook.tasks.procedural.development import MORE, development_documents, more_problems, templates
from offbook.tasks.procedural.documents import documents, score
from offbook.tasks.procedural.generate import fits, split_of
from offbook.tasks.procedural.people import people
from offbook.tasks.prompts.generate import generate as prompts
from offbook.tasks.prompts.generate import ngrams, shared_ngrams

MOST = 7 * 40
EVERY = {family: more_problems(family, MORE) for family in FAMILIES}


def test_the_questions_of_the_split_dev_come_first_family_by_family():
    rounds = zip(*(documents(family, "dev") for family in FAMILIES), strict=True)
    assert development_documents(140) == list(itertools.chain.from_iterable(rounds))
    assert [doc["id"] for doc in development_documents(147)][-7:] == [f"{f}-development-0000" for f in FAMILIES]


def test_two_hundred_come_from_more_stories_than_the_split_has():
    found = [doc["cluster"] for doc in development_documents(203)]
    assert len(set(found)) == 7 * 10
    assert len({doc["id"] for doc in development_documents(MOST)}) == MOST
    assert max(Counter(found).values()) <= 5


def test_more_than_there_are_is_refused():
    with pytest.raises(ValueError, match=f"dev_questions: expected at most {MOST} for the procedural corpus, got 281"):
        development_documents(MOST + 1)


def test_every_answer_follows_from_its_question_and_numbers_are_of_dev():
    for found in itertools.chain.from_iterable(EVERY.values()):
        assert fits(found), found.id
        assert split_of(tuple(given.value for given in found.givens)) == "dev"
        shown = re.findall(r"\d+", found.question)
        assert sorted(map(int, shown)) == sorted(given.value for given in found.givens)
        assert found.answer not in shown
    for doc in development_documents(MOST)[140:]:
        assert score(doc, f"The answer is {doc['answer']}.") == 1


def test_steps_take_turns_as_in_the_splits():
    for found in EVERY.values():
        assert [len(p.steps) for p in found[:5]] == [2, 1, 1, 2, 1]
        assert {len(p.steps) for p in found} == {1, 2}


def test_no_story_shares_eight_words_with_one_of_a_split_or_a_test_prompt():
    cast = people(Random(0))
    own = {
        gram
        for family in FAMILIES
        for template in templates(family)
        for gram in ngrams(template.problem((2,) * len(template.givens), cast, id="", family=family, split="").question)
    }
    for family, split in itertools.product(FAMILIES, SPLITS):
        for template in FAMILIES[family][split]:
            question = template.problem((2,) * len(template.givens), cast, id="", family=family, split=split).question
            assert not own & ngrams(question), template.id
    told = [{"prompt": p.question} for p in itertools.chain.from_iterable(EVERY.values())]
    assert shared_ngrams(prompts("test"), told) == {}


def test_ids_of_stories_are_of_this_set_alone():
    for family in FAMILIES:
        ids = [template.id for template in templates(family)]
        assert len(set(ids)) == len(ids) == 4
        assert not set(ids) & {template.id for split in SPLITS for template in FAMILIES[family][split]}


def test_the_splits_are_as_they_were():
    assert [p.id for p in problems("dev", "travel")] == [p.id for p in generate("dev", "travel", 20)]
