"""Makes the problems of a family and split; each is a function of family, split and number alone.

Three things keep the splits apart: every template belongs to one split, no eight consecutive words are shared between
splits (a test holds it, numbers counting as one word), and every combination of numbers belongs to one split
(`split_of`), whatever the family.

What is asked is balanced: on dev and test every template's next numbers are those whose answer has been given least, so
that no constant answer is right often. Few products are the asked splits' own, and by chance a fifth would be one.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from random import Random
from typing import Any

import numpy as np

from offbook.engine.quoting import quoted
from offbook.tasks.procedural.families import FAMILIES
from offbook.tasks.procedural.people import people
from offbook.tasks.procedural.problem import OPERATIONS, Op, Problem, evaluate
from offbook.tasks.procedural.template import Template

Numbers = tuple[int, ...]  # of a template's givens, in order
Story = tuple[str, str]  # a family and the id of a template of its

SPLITS = ("train", "dev", "test")
TURNS = (2, 1, 1, 2, 1)
BALANCED = ("dev", "test")
LARGEST = 199
LARGEST_FACTOR = 12
FACTORS: dict[Op, tuple[str, ...]] = {"*": ("left", "right"), "/": ("right", "key"), "+": (), "-": ()}


def generate(split: str, family: str, n: int) -> list[Problem]:
    """The first `n` problems of a family and split: three of one step to two of two, in `TURNS`.

    Either kind goes round the split's templates of its kind.

    Raises:
        ValueError: an unknown split or family, or more problems than there are.
    """
    if split not in SPLITS:
        msg = f"split must be one of {', '.join(SPLITS)}; got {quoted(split)}; pass one of these"
        raise ValueError(msg)
    if family not in FAMILIES:
        msg = f"family must be one of {', '.join(FAMILIES)}; got {quoted(family)}; pass one of these"
        raise ValueError(msg)
    return [_problem(split, family, number) for number in range(n)]


def split_of(numbers: Numbers) -> str:
    """The split to which a combination of numbers belongs, in whatever order: 60 % train, 15 % dev, 25 % test."""
    place = zlib.crc32(",".join(str(number) for number in sorted(numbers)).encode()) % 20
    return "train" if place < 12 else "dev" if place < 15 else "test"


def fits(problem: Problem) -> bool:
    """Whether the numbers are easy, and all different, so that no wrong way leads to a right number by chance."""
    try:
        values = problem.values
    except ValueError:
        return False
    if len(set(values.values())) < len(values) or min(values.values()) < 2 or max(values.values()) > LARGEST:
        return False
    return all(values[getattr(step, part)] <= LARGEST_FACTOR for step in problem.steps for part in FACTORS[step.op])


def fitting(template: Template) -> list[Numbers]:
    """Every combination of numbers that fits the template, in order: `fits` of all of them at once."""
    grids = np.meshgrid(*template.choices, indexing="ij")
    givens = [grid.ravel() for grid in grids]
    values: dict[str, Any] = {given.key: numbers for given, numbers in zip(template.givens, givens, strict=True)}
    fit = np.ones(len(givens[0]), dtype=bool)
    for step in template.steps:
        left, right = values[step.left], values[step.right].clip(1)  # what is smaller is found below
        result = values[step.key] = OPERATIONS[step.op](left, right)
        if step.op == "/":
            fit &= result * right == left
        for part in FACTORS[step.op]:
            fit &= values[getattr(step, part)] <= LARGEST_FACTOR
    every = np.sort(np.stack([*values.values()]), axis=0)
    fit &= (every[0] >= 2) & (every[-1] <= LARGEST) & (np.diff(every, axis=0) > 0).all(axis=0)
    return list(zip(*(numbers[fit].tolist() for numbers in givens), strict=True))


def _problem(split: str, family: str, number: int) -> Problem:
    round_, place = divmod(number, len(TURNS))
    steps = TURNS[place]
    count = round_ * TURNS.count(steps) + TURNS[:place].count(steps)
    templates = [template for template in FAMILIES[family][split] if len(template.steps) == steps]
    turn, place = divmod(count, len(templates))
    template = templates[place]
    if split in BALANCED:
        numbers = _drawn(split, steps, turn).get((family, template.id), (0, None))[1]
    else:
        numbers = next(iter(_numbers(split, family, template)[turn:]), None)
    if numbers is None:
        msg = f"{family}-{split} runs out of numbers for {template.id!r} after {turn} problems; ask for fewer"
        raise ValueError(msg)
    rng = Random(f"offbook/{family}/{split}/{number}")
    return template.problem(numbers, people(rng), id=f"{family}-{split}-{number:04d}", family=family, split=split)


@cache
def _drawn(split: str, steps: int, turn: int) -> Mapping[Story, tuple[int, Numbers]]:
    """Answer and numbers that every template of so many steps has in this turn, but for those that have run out.

    Templates of few answers come first, the others make up for them. Of answers that were given equally often, the one
    goes first that the family has had less.
    """
    drawn: dict[Story, tuple[int, Numbers]] = {}
    given, at_home, taken = Counter[int](), Counter[tuple[str, int]](), Counter[tuple[Story, int]]()

    def count(story: Story, answer: int) -> None:
        given[answer] += 1
        at_home[story[0], answer] += 1
        taken[story, answer] += 1

    for earlier in range(turn):
        for story, (answer, _) in _drawn(split, steps, earlier).items():
            count(story, answer)
    for story, numbers in _by_answer(split, steps).items():
        left = [answer for answer in numbers if taken[story, answer] < len(numbers[answer])]
        if left:
            answer = min(left, key=lambda answer: (given[answer], at_home[story[0], answer]))
            drawn[story] = answer, numbers[answer][taken[story, answer]]
            count(story, answer)
    return drawn


@cache
def _by_answer(split: str, steps: int) -> Mapping[Story, Mapping[int, Sequence[Numbers]]]:
    """The numbers of every template of so many steps by the answer they give, those of the fewest answers first."""
    found: dict[Story, dict[int, list[Numbers]]] = {}
    for family, templates in FAMILIES.items():
        for template in templates[split]:
            if len(template.steps) == steps:
                own = found[family, template.id] = defaultdict(list)
                for numbers in _numbers(split, family, template):
                    givens = dict(zip((given.key for given in template.givens), numbers, strict=True))
                    own[evaluate(givens, template.steps)[template.steps[-1].key]].append(numbers)
    return dict(sorted(found.items(), key=lambda story: len(story[1])))


@cache
def _numbers(split: str, family: str, template: Template) -> list[Numbers]:
    """Every combination of numbers that suits the template and belongs to the split, in a seeded order."""
    found = [numbers for numbers in fitting(template) if split_of(numbers) == split]
    Random(f"offbook/{family}/{split}/{template.id}").shuffle(found)
    return found
