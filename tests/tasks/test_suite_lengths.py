"""Lengths of answers to development questions: asked as the suite asks, never of its test split."""

import pytest

from offbook.tasks import lengths
from offbook.tasks.forgetting.documents import documents, prompt
from offbook.tasks.lengths import development
from tests.tiny import save_tiny


def test_development_questions_are_those_of_the_validation_split_as_the_suite_asks_them() -> None:
    found = development("forgetting_months_plain")
    assert [question.asked for question in found] == [prompt(doc) for doc in documents("months", "plain", "dev")]
    assert {question.suite for question in found} == {"forgetting_months_plain"}
    assert len({question.id for question in found}) == len(found) == 20


def test_a_group_stands_for_its_suites_and_a_limit_holds_for_each() -> None:
    found = development("offbook_procedural_two_steps", 2)
    assert len(found) == 14
    assert all(question.suite.endswith("_two_steps") for question in found)


def test_a_suite_without_development_questions_is_refused() -> None:
    with pytest.raises(ValueError, match="'offbook_qa': expected development questions, a validation split, got none"):
        development("qa")
    with pytest.raises(ValueError, match="expected a suite or a group of offbook's, got 'forgeting'"):
        development("forgeting")


def test_the_command_prints_a_line_for_every_suite_and_group(tmp_path, capsys) -> None:
    folder = str(save_tiny(tmp_path / "tiny"))
    arguments = ["forgetting_copying_plain", "procedural_two_steps", "--model", folder, "--limit", "2", "--cap", "8"]
    assert lengths.main(arguments) == 0
    lines = [line.split("|")[1].strip() for line in capsys.readouterr().out.splitlines()[2:]]
    assert lines[0] == "forgetting_copying_plain"
    assert lines[-1] == "all of procedural_two_steps"
    assert len(lines) == 1 + 7 + 1
    with pytest.raises(SystemExit):
        lengths.main(["chat", "--model", folder])
    assert "got none" in capsys.readouterr().err
