"""The hidden tests of the code prompts: a right answer passes, and what only has the right name does not."""

from pathlib import Path

import pytest

from offbook.tasks.prompts import hidden_tests, sandbox
from offbook.tasks.prompts.generate import generate
from offbook.tasks.prompts.hidden_tests import FILES, HELPERS, HIDDEN_TESTS, asked, asked_further, passes
from offbook.tasks.prompts.hidden_tests.matching import any_order, either, equal, near, raises, sequence
from offbook.tasks.prompts.sandbox.values import Raised
from offbook.tasks.prompts.scoring import works
from offbook.tasks.prompts.utils import score_code

sealed = pytest.mark.skipif(bool(sandbox.unavailable()), reason=sandbox.unavailable() or "there is a sandbox")
REFERENCES = Path(__file__).with_name("reference_functions.py").read_text(encoding="utf-8")


def wanted(split: str) -> list[str]:
    return [row["check"]["function"] for row in generate(split) if row["category"] == "code"]


def test_every_code_prompt_has_tests_of_its_own() -> None:
    names = wanted("test") + wanted("train")
    assert len(set(names)) == len(names)
    assert HIDDEN_TESTS.keys() == set(names)
    assert asked.CASES.keys() == set(wanted("test")[:12])
    assert asked_further.CASES.keys() == set(wanted("test")[12:])
    assert min(len(HIDDEN_TESTS[name]) for name in wanted("test")) >= 3


@sealed
def test_right_answers_pass_all_tests() -> None:
    cases = [(name, call, expected) for name, cases in HIDDEN_TESTS.items() for call, expected in cases]
    given = sandbox.run(REFERENCES, [call for _, call, _ in cases], helpers=HELPERS, files=FILES)
    assert given is not None
    judged = zip(cases, given, strict=True)
    wrong = [(call, value) for (_, call, expected), value in judged if not equal(expected, value)]
    assert wrong == []


@sealed
def test_a_function_that_gives_nothing_passes_none_of_them() -> None:
    names = [f"def {name}(*a, **k): return None" for name in HIDDEN_TESTS]
    cases = [(name, call, expected) for name, cases in HIDDEN_TESTS.items() for call, expected in cases]
    given = sandbox.run("\n".join(names), [call for _, call, _ in cases], helpers=HELPERS, files=FILES)
    assert given is not None
    failed = {name for (name, _, expected), value in zip(cases, given, strict=True) if not equal(expected, value)}
    assert failed == HIDDEN_TESTS.keys()


WRONG = {
    "count_vowels": ["return len(text)", "return text.count('a')", "return sum(c in 'aeiou' for c in text)"],
    "is_leap_year": ["return year == 40000", "return year % 4 == 0", "return year % 4 == 0 and year % 100 != 0"],
    "rotate_left": ["return items[::-1]", "return items[-k:] + items[:-k]", "return items"],
    "flatten": ["return nested", "return sorted(x for part in nested for x in part)", "return nested[0]"],
    "roman_to_int": ["return sum(dict(I=1, V=5, X=10, L=50, C=100, D=500, M=1000)[c] for c in numeral)"],
    "second_largest": ["return sorted(numbers)[-2]", "return sorted(numbers)[-2] if len(numbers) > 1 else None"],
    "merge_sorted": ["return left + right", "return sorted(set(left + right))"],
    "is_balanced": ["return text.count('(') == text.count(')') and text.count('[') == text.count(']')", "return True"],
    "run_length_encode": ["return [(c, text.count(c)) for c in dict.fromkeys(text)]", "return [[c, 1] for c in text]"],
    "collatz_steps": ["return 0 if n == 1 else n", "return 1 if n == 1 else 1 + collatz_steps(n // 2)"],
    "group_by_length": ["return {len(w): w for w in words}", "return {w: len(w) for w in words}"],
    "transpose": ["return matrix", "return [row[::-1] for row in matrix]"],
    "hamming_distance": ["return abs(len(a) - len(b))", "return len(set(a) ^ set(b))"],
    "caesar_shift": ["return ''.join(chr(ord(c) + shift) for c in text)", "return text"],
    "moving_average": ["return [sum(numbers) / len(numbers)]", "return numbers"],
    "is_triangle": ["return a + b > c", "return True", "return a + b >= c and a + c >= b and b + c >= a"],
    "digital_root": ["return sum(map(int, str(n)))", "return n % 10"],
    "is_isogram": ["return True", "return all(x != y for x, y in zip(word, word[1:]))"],
    "trailing_zeros": ["return n // 5", "return str(n).count('0')"],
    "look_and_say": ["return ''.join(f'{term.count(d)}{d}' for d in dict.fromkeys(term))", "return term + term"],
    "column_sums": ["return [sum(row) for row in matrix]", "return matrix[0]"],
    "max_profit": ["return max(prices) - min(prices)", "return max(0, prices[-1] - prices[0])"],
    "count_in_range": ["return sum(low < n < high for n in numbers)", "return high - low + 1"],
    "intervals_overlap": ["return first[1] > second[0]", "return first[0] < second[1] and second[0] < first[1]"],
    "merge_intervals": [
        "return sorted(intervals)",
        "return [[min(intervals)[0], max(intervals)[1]]] if intervals else []",
    ],
    "climb_stairs": ["return n", "return 2 ** (n - 1)"],
    "missing_letters": ["return 'xyz'", "return ''.join(sorted(set(text)))"],
    "indent": ["return ' ' * spaces + text", "return text"],
    "count_substring": ["return text.count(part)", "return int(part in text)"],
    "deep_sum": ["return sum(x for x in nested if isinstance(x, int))", "return len(nested)"],
    "argmax": ["return max(values)", "return len(values) - 1 - values[::-1].index(max(values))"],
    "only_once": ["return list(dict.fromkeys(items))", "return sorted(set(items))"],
    "quarter": ["return month // 3 + 1", "return month % 4 + 1"],
    "clock_angle": ["return abs(30 * hour - 6 * minute)", "return abs(30 * (hour % 12) + minute / 2 - 6 * minute)"],
    "knight_moves": ["return [(column + 1, row + 2), (column + 2, row + 1)]", "return []"],
    "to_base": ["return bin(n)[2:]", "return str(n)"],
    "evaluate_postfix": ["return eval(' '.join(tokens))", "return sum(int(t) for t in tokens if t.isdigit())"],
    "plus_one": ["return digits[:-1] + [digits[-1] + 1]", "return [d + 1 for d in digits]"],
    "extract_numbers": [
        "return [int(c) for c in text if c.isdigit()]",
        "return [int(w) for w in text.split() if w.isdigit()]",
    ],
    "majority": ["return max(votes, key=votes.count, default=None)", "return votes[0] if votes else None"],
}
PROMPTS = [row for row in generate("test") if row["category"] == "code"]
SIGNATURES = {row["check"]["function"]: row["prompt"].split("`")[1] for row in PROMPTS}


@sealed
@pytest.mark.parametrize("name", WRONG)
def test_a_function_that_does_something_else_is_refused(name: str) -> None:
    for body in WRONG[name]:
        assert not passes(f"def {SIGNATURES[name]}:\n    {body}", name), body


@sealed
def test_the_score_of_code_is_of_what_it_does_and_the_name_is_another_score() -> None:
    doc = {"check": {"function": "is_leap_year"}}
    rule = "year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)"
    right = f"```python\ndef is_leap_year(year):\n    return {rule}\n```"
    assert score_code(doc, [f"Sure!\n\n{right}\n\nIt divides."]) == {"acc": 1.0, "defined": 1.0}
    assert score_code(doc, [right.replace("4 ==", "40000 ==")]) == {"acc": 0.0, "defined": 1.0}
    assert score_code(doc, ["It divides by four."]) == {"acc": 0.0, "defined": 0.0}
    assert score_code(doc, ["```python\ndef is_leap_year(year)\n```"]) == {"acc": 0.0, "defined": 0.0}


@sealed
def test_equal_answers_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = []
    run = sandbox._run
    monkeypatch.setattr(sandbox, "_run", lambda job: jobs.append(job) or run(job))
    answer = "def flatten(nested):\n    return [x for part in nested for x in part]  # once"
    assert works(answer, "flatten") is True
    assert works(f"```python\n{answer}\n```", "flatten") is True
    assert len(jobs) == 1


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        (2, 2.0),
        (0.1 + 0.2, 0.3),
        ([1, [2.0]], [1, [2]]),
        ({"a": 1}, {"a": 1.0}),
        (either(1, "one"), "one"),
        (sequence(1, 2), (1, 2)),
        (any_order([2], [1]), ([1], [2])),
        (near(3.14, 0.01), 3.1416),
        (raises("ValueError"), Raised(("JSONDecodeError", "ValueError", "Exception"))),
        (float("inf"), float("inf")),
    ],
)
def test_equal_values_match(expected: object, given: object) -> None:
    assert equal(expected, given)


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        (1, True),
        (True, 1),
        (1, "1"),
        ([1], (1,)),
        ([1, 2], [1]),
        ({"a": 1}, {"a": 1, "b": 2}),
        (None, False),
        (0, None),
        (1, float("nan")),
        (10**400, 1.5),
        (either(1, 2), 3),
        (sequence(1), 1),
        (any_order(1, 1), [1, 2]),
        (near(1, 0.1), True),
        (raises("ValueError"), Raised(("KeyError",))),
        (raises("ValueError"), "ValueError"),
        (lambda given: given["no such key"] > 1, {}),
        (lambda given: given.upper() == "A", 5),
    ],
)
def test_other_values_do_not(expected: object, given: object) -> None:
    assert not equal(expected, given)


def test_what_is_expected_never_enters_the_sandbox() -> None:
    job = sandbox.Job(source="", calls=tuple(call for call, _ in HIDDEN_TESTS["collatz_steps"]), helpers=HELPERS)
    handed = sandbox._handed(job).decode()
    assert "collatz_steps(27)" in handed
    assert "111" not in handed
    assert hidden_tests.__name__ not in handed
