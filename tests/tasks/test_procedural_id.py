"""The word problems in distribution: solvable, easy, the same everywhere, and apart from split to split."""

import hashlib
import itertools
import json
import re
from collections import Counter
from random import Random

import pytest

from offbook.tasks.procedural import FAMILIES, SIZES, SPLITS, Problem, evaluate, generate, problems
from offbook.tasks.procedural.generate import LARGEST, LARGEST_FACTOR, fits, fitting, split_of
from offbook.tasks.procedural.people import WOMEN, people
from offbook.tasks.procedural.problem import OPERATIONS
from offbook.tasks.procedural.template import parse
from offbook.tasks.prompts.generate import generate as prompts
from offbook.tasks.prompts.generate import ngrams, shared_ngrams

DIGESTS = {
    "train": "6d6390161e263b93c8959df76718cd8a6df623426d115ef6b4d24a29322b7317",
    "dev": "6b11df6ddc625aa55d9f0ab3f567061e3e04fbc599f29e0d8657596133c1efb8",
    "test": "15a8255aadec7519a95cd2f7924f9ce837bfb1c9f2e58348f55157139f385bdf",
}
BALLS = next(p for p in problems("test", "shopping") if p.template == "balls")


@pytest.fixture(scope="module")
def every() -> dict[str, list[Problem]]:
    return {split: [p for family in FAMILIES for p in problems(split, family)] for split in SPLITS}


@pytest.mark.parametrize("split", SPLITS)
def test_the_problems_are_the_same_on_every_machine(every: dict[str, list[Problem]], split: str) -> None:
    rows = "".join(json.dumps([p.id, p.question, p.answer]) + "\n" for p in every[split])
    assert hashlib.sha256(rows.encode()).hexdigest() == DIGESTS[split]


def test_every_family_has_enough_problems_and_templates(every: dict[str, list[Problem]]) -> None:
    assert len(FAMILIES) >= 6
    for split, templates in (("train", {1: 6, 2: 9}), ("dev", {1: 6, 2: 6}), ("test", {1: 6, 2: 6})):
        assert Counter(p.family for p in every[split]) == dict.fromkeys(FAMILIES, SIZES[split])
        for family in FAMILIES:
            assert Counter(len(template.steps) for template in FAMILIES[family][split]) == templates


def test_ids_questions_and_templates_are_unique(every: dict[str, list[Problem]]) -> None:
    pool = [p for split in SPLITS for p in every[split]]
    assert len({p.id for p in pool}) == len({p.question for p in pool}) == len(pool)
    for family in FAMILIES.values():
        ids = [template.id for split in SPLITS for template in family[split]]
        assert len(set(ids)) == len(ids)


def test_a_problem_depends_on_family_split_and_number_alone() -> None:
    assert generate("test", "travel", 4) == problems("test", "travel")[:4]


def test_a_split_covers_its_templates_evenly(every: dict[str, list[Problem]]) -> None:
    for family, split in itertools.product(FAMILIES, SPLITS):
        for steps in (1, 2):
            templates = {t.id for t in FAMILIES[family][split] if len(t.steps) == steps}
            counts = Counter(p.template for p in every[split] if p.family == family and len(p.steps) == steps)
            assert counts.keys() == templates
            assert max(counts.values()) - min(counts.values()) <= 1


def test_any_first_problems_have_three_of_one_step_to_two_of_two(every: dict[str, list[Problem]]) -> None:
    for family, split in itertools.product(FAMILIES, SPLITS):
        steps = [len(p.steps) for p in every[split] if p.family == family]
        assert steps[:5] == [2, 1, 1, 2, 1]
        for n in range(1, len(steps) + 1):
            assert abs(steps[:n].count(1) - 0.6 * n) < 1


def test_no_two_splits_share_eight_words(every: dict[str, list[Problem]]) -> None:
    grams = {split: set().union(*(ngrams(p.question) for p in every[split])) for split in SPLITS}
    for one, other in itertools.combinations(SPLITS, 2):
        assert not grams[one] & grams[other]


def test_no_two_splits_share_eight_words_with_the_same_people_either() -> None:
    cast = people(Random(0))
    grams = {
        split: set().union(
            *(
                ngrams(template.problem((2,) * len(template.givens), cast, id="", family=name, split=split).question)
                for name, family in FAMILIES.items()
                for template in family[split]
            )
        )
        for split in SPLITS
    }
    for one, other in itertools.combinations(SPLITS, 2):
        assert not grams[one] & grams[other]


def test_a_test_problem_with_other_numbers_would_be_noticed() -> None:
    problem = problems("test", "reading")[0]
    leaked = problem.with_givens({given.key: given.value + 1 for given in problem.givens})
    assert leaked.question != problem.question
    assert ngrams(leaked.question) & ngrams(problem.question)


def test_no_test_prompt_of_another_suite_shares_eight_words_with_training(every: dict[str, list[Problem]]) -> None:
    assert shared_ngrams(prompts("test"), [{"prompt": p.question} for p in every["train"]]) == {}


def test_a_combination_of_numbers_belongs_to_one_split(every: dict[str, list[Problem]]) -> None:
    assert split_of((3, 4, 50)) == split_of((50, 3, 4))
    seen = {split: {tuple(sorted(g.value for g in p.givens)) for p in every[split]} for split in SPLITS}
    for one, other in itertools.combinations(SPLITS, 2):
        assert not seen[one] & seen[other]


@pytest.mark.parametrize("order", ["b {} c", "c {} b"])
def test_numbers_found_at_once_are_those_that_fit_one_by_one(order: str) -> None:
    for first, second in itertools.product(OPERATIONS, repeat=2):
        last = order.replace("b", "d").format(second)
        (template,) = parse(
            "story\n{a}, {b}, {c}?\n"
            + "".join(f"{key} 1|2|3|6|12|13|24|99|198 things: things {key}\n" for key in "abc")
            + f"d = a {first} b things: some\ne = {last} things: all"
        )
        every = itertools.product(*template.choices)
        asked = {numbers: template.problem(numbers, {}, id="", family="", split="") for numbers in every}
        found = fitting(template)
        assert found == [numbers for numbers, problem in asked.items() if fits(problem)], (first, second)
        assert found, (first, second)


def test_numbers_are_small_whole_and_all_different(every: dict[str, list[Problem]]) -> None:
    for p in itertools.chain(*every.values()):
        values = p.values
        assert len(set(values.values())) == len(p.givens) + len(p.steps), p.id
        assert min(values.values()) >= 2, p.id
        assert max(values.values()) <= LARGEST, p.id
        for step in p.steps:
            left, right = values[step.left], values[step.right]
            if step.op == "*":
                assert max(left, right) <= LARGEST_FACTOR, p.id
            if step.op == "/":
                assert max(right, values[step.key]) <= LARGEST_FACTOR, p.id


def test_numbers_of_what_is_asked_go_as_far_as_those_of_training() -> None:
    reach: dict[str, dict[str, list[int]]] = {"train": {}, "asked": {}}
    for family, split in itertools.product(FAMILIES, SPLITS):
        for template in FAMILIES[family][split]:
            if len(template.steps) == 1:
                of = reach["train" if split == "train" else "asked"].setdefault(template.steps[0].op, [])
                of += itertools.chain(*template.choices)
    for op in ("*", "/", "-"):
        assert (min(reach["train"][op]), max(reach["train"][op])) == (min(reach["asked"][op]), max(reach["asked"][op]))


def test_every_problem_uses_all_its_givens_and_earlier_results(every: dict[str, list[Problem]]) -> None:
    for p in itertools.chain(*every.values()):
        assert len(p.givens) == len(p.steps) + 1, p.id
        used = {key for step in p.steps for key in (step.left, step.right)}
        assert used == {g.key for g in p.givens} | {step.key for step in p.steps[:-1]}, p.id


def test_one_step_problems_have_small_numbers_in_short_questions(every: dict[str, list[Problem]]) -> None:
    for p in itertools.chain(*every.values()):
        if len(p.steps) == 1:
            assert max(p.values.values()) <= 100, p.id
            assert len(p.question.split()) <= 24, p.id


def test_two_step_problems_to_be_asked_have_small_numbers_in_short_questions(every: dict[str, list[Problem]]) -> None:
    for p in itertools.chain(every["dev"], every["test"]):
        if len(p.steps) == 2:
            assert max(p.values.values()) <= 70, p.id
            assert len(p.question.split()) <= 30, p.id


def test_two_step_problems_to_be_asked_take_steps_that_were_trained_on(every: dict[str, list[Problem]]) -> None:
    trained, asked = (
        {(p.family, *(step.op for step in p.steps)) for split in splits for p in every[split] if len(p.steps) == 2}
        for splits in (("train",), ("dev", "test"))
    )
    assert asked <= trained


def test_the_question_shows_every_given_once_and_not_the_answer(every: dict[str, list[Problem]]) -> None:
    for p in itertools.chain(*every.values()):
        numbers = [int(number) for number in re.findall(r"\d+", p.question)]
        assert sorted(numbers) == sorted(g.value for g in p.givens), p.id
        assert p.question.endswith("?"), p.id
        assert not set("{}") & set(p.question), p.id


def test_no_singular_article_stands_before_a_number(every: dict[str, list[Problem]]) -> None:
    for p in itertools.chain(*every.values()):
        assert not re.search(r"\ban? \d", p.question), p.id


def test_words_for_quantities_are_singular_noun_phrases(every: dict[str, list[Problem]]) -> None:
    for p in itertools.chain(*every.values()):
        for words in [g.words for g in p.givens] + [s.words for s in p.steps]:
            assert words.startswith("the "), p.id
            assert not re.match(rf"the {p.unit}\b", words) or p.unit in {"dollars"}, p.id


def test_pronouns_agree_with_the_name() -> None:
    for seed in range(40):
        cast = people(Random(seed))
        assert cast["who"] != cast["other"]
        assert (cast["she"], cast["him"], cast["her"]) == (
            ("she", "her", "her") if cast["who"] in WOMEN else ("he", "him", "his")
        )


def test_another_given_gives_another_question_and_answer() -> None:
    problem = BALLS
    changed = problem.with_givens({"m": problem.values["m"] + 1})
    assert int(changed.answer) == int(problem.answer) + 1
    assert str(problem.values["m"] + 1) in changed.question
    assert problem.named("c").value == problem.values["c"] == changed.values["c"]
    with pytest.raises(ValueError, match="expected keys of givens of shopping-test-0003, got z"):
        problem.with_givens({"z": 1})


def test_another_operation_gives_a_wrong_candidate() -> None:
    problem = BALLS
    values = problem.values
    assert int(problem.with_op("r", "+").answer) == values["m"] + values["c"]


def test_a_graph_that_does_not_come_out_is_refused() -> None:
    steps = parse("t\nWho?\na 2..3 as: the a\nb 2..3 bs: the b\nc = a / b cs: the c")[0].steps
    assert evaluate({"a": 6, "b": 3}, steps)["c"] == 2
    with pytest.raises(ValueError, match="without remainder, got 5 / 3 for the c"):
        evaluate({"a": 5, "b": 3}, steps)
    with pytest.raises(ValueError, match="without remainder, got 5 / 0"):
        evaluate({"a": 5, "b": 0}, steps)
    problem = BALLS.with_givens({"m": 1})
    with pytest.raises(ValueError, match="expected a positive result, got 1 - "):
        _ = problem.answer
    assert not fits(problem)


def test_an_unknown_split_or_family_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match="train, dev, test; got 'validation'"):
        problems("validation", "shopping")
    with pytest.raises(ValueError, match=r"shopping, .*reading; got 'poems'"):
        problems("test", "poems")


def test_running_out_of_numbers_is_said() -> None:
    with pytest.raises(ValueError, match="sharing-train runs out of numbers for 'candies'"):
        generate("train", "sharing", 1000)
