"""Makes the questions of a family and split; each is a function of family, split and number alone.

In every template, the right answer takes turns through the places among the candidates (the smallest, the first
mentioned, yes) and, in the family as a whole, through the places in the list of choices.
"""

from collections.abc import Sequence
from random import Random

from offbook.engine.quoting import quoted
from offbook.tasks.procedural.ood import counting, dates, letters, logic, ordering, swaps
from offbook.tasks.procedural.ood.difficulty import LEVELS, N_CHOICES, SEED
from offbook.tasks.procedural.ood.question import Draft, Question, Template
from offbook.tasks.turns import take_turns

SPLITS = ("dev", "test")
FAMILIES: dict[str, dict[str, tuple[Template, ...]]] = {
    module.__name__.rpartition(".")[2]: {"dev": module.DEV, "test": module.TEST}
    for module in (dates, swaps, ordering, logic, letters, counting)
}
KINDS = {"logic": "yes_no", "counting": "number"}  # of the others: option
LISTED = {"dev": "Pick your reply from these: {}.", "test": "Answer with one of: {}."}
YES_NO = {"dev": "Reply with yes or no.", "test": "Answer yes or no."}


def generate(split: str, family: str, n: int) -> list[Question]:
    """The first `n` questions of a family and split; they go round the split's templates.

    Raises:
        ValueError: an unknown split or family.
    """
    if split not in SPLITS:
        msg = f"split must be one of {', '.join(SPLITS)}; got {quoted(split)}; pass one of these"
        raise ValueError(msg)
    if family not in FAMILIES:
        msg = f"family must be one of {', '.join(FAMILIES)}; got {quoted(family)}; pass one of these"
        raise ValueError(msg)
    return [_question(split, family, number) for number in range(n)]


def _question(split: str, family: str, number: int) -> Question:
    seed = f"{SEED}/offbook/ood/{family}/{split}"
    templates, levels = FAMILIES[family][split], LEVELS[family]
    template, turn = templates[number % len(templates)], number // len(templates)
    kind = KINDS.get(family, "option")
    n_choices = 2 if kind == "yes_no" else N_CHOICES
    rng = Random(f"{seed}/{number}")
    place = take_turns(f"{seed}/{template.__name__}", turn, n_choices)
    draft, choices = _draw(template, rng, levels[turn % len(levels)], place=place, n=n_choices)
    if kind == "yes_no":
        listed = YES_NO[split]
    else:
        choices = _listed(choices, draft.answer, rng, take_turns(f"{seed}/listed", number, n_choices))
        listed = LISTED[split].format(", ".join(choices))
    return Question(
        id=f"{family}-{split}-{number:03d}",
        family=family,
        template=template.__name__,
        split=split,
        question=f"{draft.text} {listed}",
        answer=draft.answer,
        kind=kind,
        choices=tuple(choices),
    )


def _draw(template: Template, rng: Random, level: int, *, place: int, n: int) -> tuple[Draft, list[str]]:
    """A draft, and `n` of its candidates in their order, such that the answer has the place wanted among them."""
    for _ in range(1000):
        draft = template(rng, level)
        at = draft.candidates.index(draft.answer)
        before, after = draft.candidates[:at], draft.candidates[at + 1 :]
        if len(before) >= place and len(after) >= n - 1 - place:
            return draft, [*_some(before, place, rng), draft.answer, *_some(after, n - 1 - place, rng)]
    msg = f"{template.__name__} draws no question of level {level} whose answer is candidate {place + 1} of {n}"
    raise AssertionError(msg)


def _some(candidates: Sequence[str], n: int, rng: Random) -> list[str]:
    return [candidates[at] for at in sorted(rng.sample(range(len(candidates)), n))]


def _listed(choices: Sequence[str], answer: str, rng: Random, place: int) -> list[str]:
    """The choices in an order drawn at random, but for the answer's place."""
    others = rng.sample([choice for choice in choices if choice != answer], len(choices) - 1)
    return [*others[:place], answer, *others[place:]]
