"""Shells complete commands, options and the names that everybody has; the scripts come from the library."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import offbook
from offbook.harness.cli import completing
from offbook.harness.roster.decoders import contenders
from offbook.tasks.suite_names import suite_names

ENVIRON = os.environ | {"PYTHONPATH": str(Path(offbook.__file__).parent.parent)}


def asked(shell: str, *words: str) -> list[str]:
    """What a shell is told to offer behind these words, of which the last is not finished."""
    line = " ".join(("offbook", *words))
    environ = ENVIRON | {
        "_OFFBOOK_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words)),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    command = [sys.executable, "-m", "offbook.harness.cli"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_offered_commands(shell: str) -> None:
    offered = "\n".join(asked(shell, "comp"))
    assert "compare" in offered
    assert "report" not in offered


def test_options_and_names_are_offered() -> None:
    assert "--decoder" in asked("bash", "generate", "hi", "--dec")
    assert asked("bash", "generate", "hi", "--decoder", "prompt") == ["prompt_lookup"]
    assert asked("bash", "evaluate", "--decoders", "autoregressive,prompt") == ["autoregressive,prompt_lookup"]
    assert asked("bash", "reproduce", "--profile", "lap") == ["laptop"]
    assert asked("bash", "train-student", "min") == ["mind"]
    assert "packed" in asked("bash", "generate", "hi", "--layout", "pa")


def test_half_a_value_does_not_end_in_an_error() -> None:
    assert asked("bash", "generate", "hi", "--seed", "1_0", "--decoder", "eagle3") == ["eagle3"]


@pytest.mark.parametrize(("shell", "words"), [("bash", "complete "), ("zsh", "compdef "), ("fish", "complete ")])
def test_the_script_of_a_shell_is_printed(shell: str, words: str) -> None:
    environ = ENVIRON | {"_OFFBOOK_COMPLETE": f"source_{shell}"}
    command = [sys.executable, "-m", "offbook.harness.cli"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert words in done.stdout
    assert "offbook" in done.stdout


def test_the_names_are_those_of_the_roster() -> None:
    assert completing.decoders("") == [*contenders()]
    assert completing.several_suites("") == [*suite_names()]
    assert set(completing.trained("")) < set(completing.decoders(""))
    assert completing.several_decoders("eagle2,eagle") == ["eagle2,eagle", "eagle2,eagle3"]
