import re
from typing import Any

import pytest

from offbook.harness.settings.matrix import Matrix
from offbook.harness.settings.overrides import overridden
from offbook.harness.settings.parse import parse
from offbook.harness.settings.strict_yaml import parse_yaml

FILE = """
schema_version: 2
description: d
models: {m: {}, org/name-1.5: {}}
students: {one: {method: mind}}
training: {gradient_tokens: 100}
decoders: {autoregressive: {}}
suites: {qa: {}}
temperatures: [{temperature: 0}, {temperature: 1, limit: 3}]
"""
RIVALS = {"ours": "one", "static": "one", "random": "one", "singles": ["one"]}


def matrix(*settings: str, **changes: Any) -> Matrix:
    return parse(Matrix, overridden(parse_yaml(FILE, source="f") | changes, settings), source="f")


@pytest.mark.parametrize(
    ("setting", "read"),
    [
        ("training.gradient_tokens=30000", lambda m: m.training.gradient_tokens == 30000),
        ("training.learning_rate=1e-4", lambda m: m.training.learning_rate == 1e-4),
        ("seeds=[1, 2]", lambda m: m.seeds == (1, 2)),
        ("suites.qa.limit=3", lambda m: m.suites["qa"].limit == 3),
        ("suites.maths={limit: 2}", lambda m: "maths" in m.suites and m.suites["maths"].limit == 2),
        ("temperatures.1.limit=4", lambda m: m.temperatures[1].limit == 4),
        ("models.org/name-1.5.dtype=bfloat16", lambda m: m.models["org/name-1.5"].dtype == "bfloat16"),
        ("decoders.eagle2.options.total_tokens=8", lambda m: m.decoders.keys() > {"autoregressive"}),
        ("description=a=b", lambda m: m.description == "a=b"),
    ],
)
def test_a_setting_on_the_command_line_stands_over_the_files(setting, read):
    assert not read(matrix())
    assert read(matrix(setting))


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("training.gradient_tokens", "expected NAME=VALUE, such as training.gradient_tokens=30000"),
        ("training..x=1", "expected NAME=VALUE"),
        ("training.gradient_token=1", "f: training.gradient_token: unknown key"),
        ('training.gradient_tokens="1"', "f: training.gradient_tokens: Input should be a valid integer, got '1'"),
        ("training.gradient_tokens.x=1", "expected settings by name before 'x', got 100"),
        ("temperatures.2.limit=4", "expected the place of one of 2 entries, from 0, got '2'"),
        ("seeds=[1", "expected plain YAML"),
    ],
)
def test_a_setting_that_fits_nowhere_is_refused_in_one_line(setting, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)) as error:
        matrix(setting)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"suites": {}}, "expected decoders and suites together, or exams, got no suites"),
        ({"decoders": {}}, "expected decoders and suites together, or exams, got no decoders"),
        ({"suites": {}, "decoders": {}, "students": {}}, "got no decoders; add them"),
        ({"hypotheses": {"h": RIVALS | {"static": "two"}}}, "hypotheses.h: expected some of one, got 'two'; add it"),
        ({"hypotheses": {"h": RIVALS | {"singles": []}}}, "hypotheses.h.singles: "),
        ({"students": {"untouched": {"method": "mind"}}}, "expected no student named 'untouched', got one"),
        ({"students": {"x": {"method": "mind", "models": ["n"]}}}, "students.x.models: expected some of m, .* got 'n'"),
        ({"include": [{"decoders": "eagle2"}]}, "include.decoders: expected some of autoregressive, got 'eagle2'"),
        ({"include": [{"students": ["two"]}]}, "include.students: expected some of untouched, one, got 'two'"),
        ({"exclude": [{"temperatures": 0.5}]}, "exclude.temperatures: expected some of 0.0, 1.0, got 0.5"),
        ({"exclude": [{"suite": "qa"}]}, "exclude.0.suite: unknown key"),
        ({"seeds": []}, "seeds"),
        ({"schema_version": 1}, "schema_version"),
        ({"models": {"m": {"revision": "r"}}}, "expected base models without a revision, got one of 'm'"),
    ],
)
def test_a_matrix_that_does_not_fit_together_is_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint) as error:
        matrix(**changes)
    assert "\n" not in str(error.value)
