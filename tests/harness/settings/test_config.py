import math
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from offbook.engine.students import distiller
from offbook.harness.artifacts.train_student import TrainStudentSpec
from offbook.harness.roster import decoder_options as options
from offbook.harness.settings.drafters import DrafterTrainingSpec
from offbook.harness.settings.evaluate import EvaluateSpec
from offbook.harness.settings.hypotheses import HypothesisSpec, OutcomeSpec
from offbook.harness.settings.matrix import (
    BaseModelSpec,
    CellPlace,
    Cells,
    DecoderSpec,
    Drafters,
    ExamsSpec,
    Matrix,
    StudentSpec,
    SuiteSpec,
    TemperatureSpec,
)
from offbook.harness.settings.parse import load_config, parse
from offbook.harness.settings.profiles import load_profile, profile_names
from offbook.harness.settings.strict import Strict
from offbook.harness.settings.strict_yaml import MAX_BYTES, load_yaml, parse_yaml
from offbook.harness.settings.students import CorpusSpec, StudentTrainingSpec
from offbook.methods.mind.options import MindOptions


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1.5E+3", 1500.0),
        (".5", 0.5),
        ("010", 10),
        ("-3", -3),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", "False"),
        ("null", None),
        ("~", None),
        ("", None),
        ("2026-01-02", "2026-01-02"),
        ("12:30:45", "12:30:45"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("a: {b: [1, 2.0, x]}", {"a": {"b": [1, 2.0, "x"]}}),
        ("'1e-4'", "1e-4"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text, value):
    got = parse_yaml(text, source="x.yaml")
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\na: 2", "line 2: expected plain YAML, got: key 'a' twice"),
        ("a: &x 1\nb: *x", "line 1: expected plain values, got an anchor or alias"),
        ("a: *x", "got an anchor or alias"),
        ("[" * 5000, "expected at most 50 levels of nesting"),
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("a: .inf", ".inf is not finite"),
        ("a: .nan", ".nan is not finite"),
        ("a: 1e999", "1e999 is not finite"),
        ("1: a", "a key that is not text"),
        ("? [a]\n: b", "a key that is not text"),
        ("a: [1", "expected plain YAML"),
        ("a: b: c", "expected plain YAML"),
        ("\x00", "expected plain YAML"),
        ("a: 1\n---\nb: 2", "but found another document"),
        ("\t- x: 1", "expected plain YAML"),
    ],
)
def test_doubtful_yaml_is_refused_in_one_line(text, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)) as error:
        parse_yaml(text, source="x.yaml")
    assert str(error.value).startswith("x.yaml: ")
    assert "\n" not in str(error.value)


@given(st.text(max_size=200) | st.text(alphabet="[]{}:,-&*!?|>'\"#%@ \n\tab01.e", max_size=200))
@example("--- !!binary x")
@example("%YAML 9.9\n---\na")
def test_any_text_gives_plain_data_or_a_one_line_value_error(text):
    complaint = ""
    try:
        parse_yaml(text, source="x.yaml")
    except ValueError as error:
        complaint = str(error)
    assert "\n" not in complaint


def test_a_file_that_is_no_small_utf8_text_is_refused(tmp_path: Path):
    missing, large, binary = tmp_path / "missing.yaml", tmp_path / "large.yaml", tmp_path / "binary.yaml"
    large.write_text("#" * (MAX_BYTES + 1))
    binary.write_bytes(b"a: \xff")
    for path, complaint in ((missing, "found none"), (large, "at most"), (binary, "expected UTF-8")):
        with pytest.raises(ValueError, match=complaint) as error:
            load_yaml(path)
        assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"modle": "x"}, "file.yaml: modle: unknown key, got 'x'; known keys are apply_chat_template, "),
        ({"temperature": -1}, "file.yaml: temperature: Input should be greater than or equal to 0, got -1"),
        ({"limit": "many"}, "file.yaml: limit: Input should be a valid integer"),
        ({"options": {"eagle2": 3}}, "file.yaml: options.eagle2: Input should be an object, got 3"),
        ([1], "file.yaml: the whole: Input should be an object"),
        (None, "file.yaml: the whole: "),
    ],
)
def test_a_complaint_names_file_key_and_value(data, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)) as error:
        parse(EvaluateSpec, data, source="file.yaml")
    assert "\n" not in str(error.value)


def test_every_profile_that_is_shipped_loads():
    assert {"laptop", "smoke"} <= set(profile_names())
    for name in profile_names():
        _, profile = load_profile(name)
        assert next(iter(profile.decoders), "autoregressive") == "autoregressive"
        assert profile.decoders or profile.students


def test_no_profile_that_runs_on_a_cpu_fixes_a_number_format_that_not_every_cpu_has():
    profiles = {name: load_profile(name)[1] for name in profile_names()}
    asked = {
        name: {profile.training.mixed_precision, *(s.training.mixed_precision for s in profile.students.values())}
        for name, profile in profiles.items()
        if profile.students
    }
    assert asked.pop("paper") == {"bf16", None}
    assert set(asked) >= {"laptop", "smoke", "cross", "full", "svamp"}
    assert all(found in ({"auto", None}, {"no", None}) for found in asked.values())
    pieces = ("study", "pilot", "tries", "recipe", "perspectives", "secondary", "real", "cross")
    assert all(asked[name] == {"no", None} for name in pieces), "pieces of one study may lie on machines that differ"


def test_a_profile_may_be_the_users_own_file(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "schema_version: 2\ndescription: d\nmodels: {m: {}}\ndecoders: {autoregressive: {}}\n"
        "suites: {qa: {max_new_tokens: 3}}\n"
    )
    name, profile = load_profile(str(path))
    assert (name, profile.suites["qa"].max_new_tokens, profile.temperatures[0].temperature) == ("mine", 3, 0.0)


@pytest.mark.parametrize(
    "change",
    [{"schema_version": 1}, {"suites": {}}, {"suites": {"qa": {"max_new_tokens": 0}}}, {"temperatures": []}],
)
def test_a_profile_without_content_is_refused(tmp_path: Path, change):
    _, profile = load_profile("smoke")
    with pytest.raises(ValueError, match=next(iter(change))):
        parse(Matrix, profile.model_dump(exclude_defaults=True) | change, source="p")


def test_an_unknown_profile_is_told_its_nearest_name():
    with pytest.raises(ValueError, match=r"did you mean laptop\?"):
        load_profile("labtop")


def test_a_configuration_file_is_read_as_its_model(tmp_path: Path):
    path = tmp_path / "e.yaml"
    path.write_text("tasks: [qa, maths]\ntemperature: 1e-1\n")
    spec = load_config(path, EvaluateSpec)
    assert (spec.tasks, spec.temperature) == (("qa", "maths"), 0.1)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"seed": True}, "f.yaml: seed: Input should be a valid integer, got True"),
        ({"seed": 1e3}, "f.yaml: seed: Input should be a valid integer, got 1000.0"),
        ({"limit": "3"}, "f.yaml: limit: Input should be a valid integer, got '3'"),
        ({"apply_chat_template": 1}, "f.yaml: apply_chat_template: Input should be a valid boolean, got 1"),
        ({"apply_chat_template": "yes"}, "f.yaml: apply_chat_template: Input should be a valid boolean"),
        ({"temperature": "0"}, "f.yaml: temperature: Input should be a valid number"),
        ({"temperature": True}, "f.yaml: temperature: Input should be a valid number"),
        ({"temperature": float("nan")}, "f.yaml: temperature: Input should be a finite number"),
        ({"decoders": []}, "f.yaml: decoders: "),
        ({"decoders": [""]}, "f.yaml: decoders.0: expected text, got none"),
        ({"decoders": "eagle2"}, "f.yaml: decoders: Input should be a valid array"),
        ({"tasks": ""}, "f.yaml: tasks: expected text, got none"),
        ({"tasks": []}, "f.yaml: tasks: Tuple should have at least 1 item after validation, not 0, got []"),
        ({"tasks": 5}, "f.yaml: tasks: Input should be a valid string or a valid array, got 5"),
        ({"tasks": ["qa", 5]}, "f.yaml: tasks.1: Input should be a valid string, got 5"),
        ({"output": "a\0b"}, r"f.yaml: output: expected a name of printable characters, got 'a\x00b'"),
        ({"model": " "}, "f.yaml: model: expected text, got none"),
        ({"drafter": {"eagle2": ""}}, "f.yaml: drafter.eagle2: expected text, got none"),
    ],
)
def test_nothing_is_coerced_and_nothing_is_empty(data, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)) as told:
        parse(EvaluateSpec, data, source="f.yaml")
    assert "\n" not in str(told.value)


SETTINGS = (
    *(Matrix, BaseModelSpec, DecoderSpec, SuiteSpec, TemperatureSpec, ExamsSpec, Cells, StudentSpec, HypothesisSpec),
    OutcomeSpec,
    *(EvaluateSpec, DrafterTrainingSpec, Drafters, TrainStudentSpec, StudentTrainingSpec, CorpusSpec),
    *(options.PromptLookupOptions, options.SuffixOptions, options.NgramTableOptions, options.TreeOptions),
    *(options.LookupElseTreeOptions, options.TokenRecyclingOptions),
    *(options.TransformersPromptLookupOptions, MindOptions),
)
WRONG = ("", " ", "x", 5, -1, math.inf, True, None, [], [""], [5], [[]], {}, {"": 5}, {"x": 5}, {"x": [5]})
MACHINERY = re.compile(r"function-|\[type=|pydantic|https?:|tuple\[|list\[|dict\[|instance of|\[key\]|validation error")


def test_the_settings_that_are_tried_are_all_there_are():
    own = {k for k in Strict.__subclasses__() if k.__module__.startswith("offbook.") and k.__name__[0] != "_"}
    assert own - {CellPlace} <= set(SETTINGS), "a place is made of settings, and none itself"


@pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: f"{kind.__module__.rpartition(chr(46))[2]}.{kind.__name__}")
def test_a_complaint_about_settings_names_the_users_fields_and_nothing_of_the_checker(kind):
    needed = {name: "mind" for name, field in kind.model_fields.items() if field.is_required()}
    if kind is HypothesisSpec:
        needed["singles"] = ["mind"]
    if kind is ExamsSpec:
        needed["suites"] = {"id": ["qa"]}
    if kind is Matrix:
        exams = {"suites": {"id": ["qa"]}}
        needed = {"schema_version": 2, "description": "d", "models": {"m": {}}, "exams": exams}
    told = {}
    for name in (*kind.model_fields, "no_such_field"):
        for wrong in WRONG:
            try:
                parse(kind, needed | {name: wrong}, source="f.yaml")
            except ValueError as error:
                told[name, repr(wrong)] = str(error)
    assert {name for name, _ in told} == {*kind.model_fields, "no_such_field"}
    for (name, wrong), line in told.items():
        assert re.match(rf"f\.yaml: ({name}\b|the whole: )", line), (name, wrong, line)
        assert not MACHINERY.search(line), line
        assert "\n" not in line


@pytest.mark.parametrize("options", [{"beta": []}, {"beta": {"a": [1]}}, {"no_such": 1}, {"perspectives": [5]}])
def test_a_complaint_about_a_methods_options_names_nothing_of_the_checker(options):
    with pytest.raises(ValueError, match=f"^{next(iter(options))}.*; the method's settings are: ") as error:
        distiller.checked_options(options, MindOptions)
    assert not MACHINERY.search(str(error.value))
