"""Cases hang on names: whatever is added to a table, all cases that do not need it stay as they were."""

from collections import Counter

import pytest

from offbook.harness.cli.main import COMMANDS as COMMAND_LINE
from tests.fuzz import command_lines as module
from tests.fuzz.command_lines import COMMANDS, OFTEN, command_line
from tests.fuzz.files import KINDS
from tests.fuzz.keyed import pick, share, some

CASES = range(400)


def test_every_command_is_fuzzed():
    assert {*COMMANDS} == {*COMMAND_LINE, "lm-eval", "work"}
    assert {command for number in CASES for command in command_line(number)[:1]} >= {*COMMANDS}


def test_a_command_that_is_added_wins_some_cases_and_changes_no_other(monkeypatch: pytest.MonkeyPatch):
    before = {number: command_line(number) for number in CASES}
    monkeypatch.setitem(module.COMMANDS, "brand-new", ((), {}, ()))
    changed = {number for number in CASES if command_line(number) != before[number]}
    assert changed == {n for n in CASES if pick(f"command line {n}", [*COMMANDS, *OFTEN]) == "brand-new"}
    assert 4 < len(changed) < 40


def test_an_option_that_is_added_changes_only_cases_that_have_it(monkeypatch: pytest.MonkeyPatch):
    before = {number: command_line(number) for number in CASES}
    places, options, bounds = COMMANDS["generate"]
    monkeypatch.setitem(module.COMMANDS, "generate", (places, options | {"--brand-new": ("1",)}, bounds))
    monkeypatch.setattr(module, "_mutated", lambda words, rng: words)
    plain = {number: command_line(number) for number in CASES}
    monkeypatch.setitem(module.COMMANDS, "generate", (places, options, bounds))
    unslipped = {number: command_line(number) for number in CASES}
    changed = {number for number in CASES if plain[number] != unslipped[number]}
    assert changed == {number for number in CASES if "--brand-new" in plain[number]}
    assert changed
    assert before != unslipped, "there are slips"


def test_a_value_that_is_added_changes_only_choices_of_it():
    values = ["a", "b", "b", "c"]
    before = [pick(f"case {number}", values) for number in CASES]
    after = [pick(f"case {number}", [*values, "d"]) for number in CASES]
    assert {new for old, new in zip(before, after, strict=True) if old != new} == {"d"}
    counts = Counter(before)
    assert 1.5 < counts["b"] / counts["a"] < 2.7, "what stands there twice is chosen twice as often"


def test_numbers_are_spread_evenly_and_long_names_are_told_apart():
    numbers = [share("case", number) for number in range(2_000)]
    assert 0 <= min(numbers) < 0.01
    assert 0.99 < max(numbers) < 1
    assert 0.47 < sum(numbers) / len(numbers) < 0.53
    assert share("x" * 1_000) != share("x" * 1_001)
    assert share("a", "bc") != share("ab", "c")
    assert 0 <= share("\ud800") < 1


def test_some_are_as_many_as_asked_for_and_there_are_kinds_of_files():
    assert len({*some("case", COMMANDS, 5)}) == 5
    assert {pick(f"file {number}", [*KINDS]) for number in range(300)} == {*KINDS}
