"""Further development questions in distribution, from stories of their own: 40 a family instead of 20, in ten stories.

They choose settings and checkpoints, like the split dev, behind which they come: its questions first, the families in
turn, then these. No suite asks them. Stories share eight words with those of no split, numbers are those of dev
(`split_of`), and a problem is a function of family and number alone, as in `generate.py`.
"""

import itertools
from functools import cache
from random import Random

from offbook.tasks.procedural import FAMILIES, SIZES, Problem, problems
from offbook.tasks.procedural.documents import Document
from offbook.tasks.procedural.generate import TURNS, fitting, split_of
from offbook.tasks.procedural.people import people
from offbook.tasks.procedural.stories import STORIES
from offbook.tasks.procedural.template import Template, parse

MORE = 20  # a family
NAME = "development"  # in the place of a split's name in ids


def development_documents(count: int) -> list[Document]:
    """So many documents, those of the split dev first.

    Raises:
        ValueError: more than there are.
    """
    rounds = itertools.chain(
        zip(*(problems("dev", family) for family in FAMILIES), strict=True),
        zip(*(more_problems(family, MORE) for family in FAMILIES), strict=True),
    )
    found = list(itertools.islice(itertools.chain.from_iterable(rounds), count))
    if len(found) < count:
        most = (SIZES["dev"] + MORE) * len(FAMILIES)
        msg = f"dev_questions: expected at most {most} for the procedural corpus, got {count}"
        raise ValueError(msg)
    return [
        {
            "id": problem.id,
            "question": problem.question,
            "answer": problem.answer,
            "kind": "number",
            "choices": [],
            "cluster": f"{problem.family}/{problem.template}",
        }
        for problem in found
    ]


def more_problems(family: str, n: int) -> list[Problem]:
    """The first `n` problems of a family that are told by the stories of this module alone; steps as in `TURNS`."""
    return [_problem(family, number) for number in range(n)]


@cache
def templates(family: str) -> tuple[Template, ...]:
    """The stories of a family."""
    return parse(STORIES[family])


def _problem(family: str, number: int) -> Problem:
    round_, place = divmod(number, len(TURNS))
    steps = TURNS[place]
    count = round_ * TURNS.count(steps) + TURNS[:place].count(steps)
    kind = [template for template in templates(family) if len(template.steps) == steps]
    turn, place = divmod(count, len(kind))
    cast = people(Random(f"offbook/{family}/{NAME}/{number}"))
    numbers = _numbers(family, kind[place])[turn]
    return kind[place].problem(numbers, cast, id=f"{family}-{NAME}-{number:04d}", family=family, split="dev")


@cache
def _numbers(family: str, template: Template) -> list[tuple[int, ...]]:
    """Every combination of numbers that suits the story and belongs to dev, in a seeded order."""
    found = [numbers for numbers in fitting(template) if split_of(numbers) == "dev"]
    Random(f"offbook/{family}/{NAME}/{template.id}").shuffle(found)
    return found
