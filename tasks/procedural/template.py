"""Reads story templates, as the families write them.

    notebooks
    {who} buys {n} notebooks at {p} dollars each and hands over {m} dollars.
    How many dollars does {she} get back?
    n 3..9 notebooks: the number of notebooks
    p 3..9 dollars a notebook: the price of a notebook
    m 50|60|100 dollars handed over: the money handed over
    c = n * p dollars: the cost of the notebooks
    r = m - c dollars: the change

An id, the question, the givens (key, numbers it may take, unit, words), the steps. A blank line separates templates.
Numbers, results included, are never below two, so units can stand in the plural.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from offbook.tasks.procedural.problem import Op, Problem, Quantity, Step

_GIVEN = re.compile(r"([a-z]) (\d[\d.|]*) ([^:]+): (.+)")
_STEP = re.compile(r"([a-z]) = ([a-z]) ([-+*/]) ([a-z]) ([^:]+): (.+)")


@dataclass(frozen=True, kw_only=True)
class Template:
    """A story with slots for names and numbers.

    Attributes:
        id: its name within the family and split.
        wording: the question; number slots carry the givens' keys, name slots are those of `people.py`.
        givens: the numbers' words and units; their values mean nothing yet.
        choices: the values each given may take, in the order of the givens.
        steps: the way to the answer.
    """

    id: str
    wording: str
    givens: tuple[Quantity, ...]
    choices: tuple[tuple[int, ...], ...]
    steps: tuple[Step, ...]

    def problem(
        self, numbers: tuple[int, ...], people: Mapping[str, str], *, id: str, family: str, split: str
    ) -> Problem:
        """The story with these numbers (in the order of the givens) and these people."""
        slots = {given.key: f"{{{given.key}}}" for given in self.givens} | dict(people)
        return Problem(
            id=id,
            family=family,
            template=self.id,
            split=split,
            wording=self.wording.format_map(slots),
            givens=tuple(
                replace(given, value=value, words=given.words.format_map(people), unit=given.unit.format_map(people))
                for given, value in zip(self.givens, numbers, strict=True)
            ),
            steps=tuple(
                replace(step, words=step.words.format_map(people), unit=step.unit.format_map(people))
                for step in self.steps
            ),
        )


def parse(text: str) -> tuple[Template, ...]:
    """The templates of a text, in order."""
    return tuple(_template(block.splitlines()) for block in re.split(r"\n\s*\n", text.strip()))


def _template(lines: list[str]) -> Template:
    givens, choices, steps, wording = [], [], [], []
    for line in lines[1:]:
        if match := _GIVEN.fullmatch(line):
            givens.append(Quantity(key=match[1], value=0, unit=match[3], words=match[4]))
            choices.append(_choices(match[2]))
        elif match := _STEP.fullmatch(line):
            key, left, op, right, unit, words = match.groups()
            steps.append(Step(key=key, op=cast("Op", op), left=left, right=right, unit=unit, words=words))
        else:
            wording.append(line)
    assert givens, f"template {lines[0]!r} lacks givens"
    assert steps, f"template {lines[0]!r} lacks steps"
    return Template(
        id=lines[0], wording=" ".join(wording), givens=tuple(givens), choices=tuple(choices), steps=tuple(steps)
    )


def _choices(text: str) -> tuple[int, ...]:
    if ".." in text:
        low, high = text.split("..")
        return tuple(range(int(low), int(high) + 1))
    return tuple(int(number) for number in text.split("|"))
