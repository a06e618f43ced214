"""Every command has one voice: a sentence, an example, `--json` where it prints a table, and one list of statuses."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from offbook.harness.cli import main as cli
from offbook.harness.cli.examples import EXAMPLES
from offbook.harness.cli.exits import STATUSES
from offbook.harness.records.store import Store
from tests.harness.tables.exams import exam, filled

TABLES = {  # that print a table, a list or a verdict
    *("ls", "show", "compare", "status", "report", "evaluate", "run", "reproduce", "verify", "gc", "rescore"),
    *("certify", "push"),
}
TEXTS = {  # that print an answer, the path of what they made, or nothing
    *(
        "generate",
        "train-drafter",
        "import-drafter",
        "train-student",
        "tune",
        "synthesize",
        "analyse-latent",
        "upgrade",
    ),
    "export",
}
THEIR_OWN = {"lm-eval", "work"}  # read their arguments themselves
GROUP: Any = typer.main.get_command(cli.app)


def typed(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main([*words])
    return int(end.value.code or 0)


@pytest.fixture
def store(make_heat: Callable[..., Any], tmp_path: Path) -> Path:
    """A heat of two decoders, and an exam."""
    folder = tmp_path / "store"
    cells = make_heat()
    Store(folder).commit([(cell.record, cell.rows) for cell in cells])
    return filled(folder, [exam()])


def test_every_command_is_of_one_kind() -> None:
    assert set(GROUP.commands) == TABLES | TEXTS | THEIR_OWN
    assert len(GROUP.commands) == len(TABLES) + len(TEXTS) + len(THEIR_OWN)


@pytest.mark.parametrize("name", sorted(TABLES | TEXTS))
def test_a_command_says_what_it_does_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(name, "--help") == 0
    told = capsys.readouterr().out
    first = (GROUP.commands[name].help or "").split("\n")[0]
    assert re.fullmatch(r"[A-Z][^.]*\.", first), "one sentence"
    assert not first.split()[0].endswith("s"), "in the imperative"
    assert first in " ".join(told.split())
    assert f"Example:\n    {EXAMPLES[name]}\n" in told, "on a line of its own"


@pytest.mark.parametrize("name", sorted(TABLES | TEXTS))
def test_every_option_is_explained(name: str) -> None:
    silent = [parameter.name for parameter in GROUP.commands[name].params if not getattr(parameter, "help", None)]
    assert [option for option in silent if option != "help"] == []


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_is_a_command_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program, command, *words = shlex.split(EXAMPLES[name])
    assert (program, command) == ("offbook", name)
    assert len(EXAMPLES[name]) <= 76
    GROUP.commands[name].make_context(name, words)


@pytest.mark.parametrize("name", sorted(TABLES | TEXTS))
def test_json_is_there_where_a_table_is_printed(name: str) -> None:
    options = {option for parameter in GROUP.commands[name].params for option in parameter.opts}
    assert ("--json" in options) == (name in TABLES)


@pytest.mark.parametrize(
    ("arguments", "sections"),
    [
        ("ls", {"decoders", "methods", "suites", "profiles", "models", "layouts", "machine"}),
        ("ls STORE", {"cells", "exams"}),
        ("report STORE", {"decoders", "students", "decoders_on", "students_on", "progress"}),
        ("verify STORE", {"findings", "cells", "exams", "checked_before"}),
        ("gc STORE", {"files", "removed", "left"}),
        ("status", {"runs"}),
        ("compare FIRST SECOND", {"a", "b", "lines", "differing", "machines_a", "machines_b", "not_compared"}),
        ("run MATRIX --dry-run", {"folder", "stages"}),
        ("reproduce --profile MATRIX --dry-run", {"folder", "stages"}),
    ],
)
def test_json_is_one_object_and_nothing_else(
    arguments: str,
    sections: set[str],
    store: Path,
    tiny_folder: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    matrix = tmp_path / "matrix.yaml"
    matrix.write_text(
        f"schema_version: 2\ndescription: d\nmodels: {{{json.dumps(tiny_folder)}: {{}}}}\n"
        "decoders: {autoregressive: {}, prompt_lookup: {}}\nsuites: {qa: {max_new_tokens: 4, limit: 1}}\n"
    )
    first, second = sorted(path for path in (store / "records").iterdir() if not path.name.startswith("exam"))
    meant = {"STORE": str(store), "MATRIX": str(matrix), "FIRST": str(first), "SECOND": str(second)}
    capfd.readouterr()
    assert typed(*[meant.get(word, word) for word in arguments.split()], "--json") == 0
    content = json.loads(capfd.readouterr().out)
    assert set(content) == sections


def test_rows_of_json_have_every_field_and_null_for_what_is_not_known(
    store: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    assert typed("report", str(store), "--json") == 0
    content = json.loads(capfd.readouterr().out)
    rows = {row["decoder"]: row for row in content["decoders"]}
    assert set(rows) == {"autoregressive", "eagle2"}
    assert rows["eagle2"]["drafter_parameters"] == 1_200_000
    assert rows["autoregressive"]["acceptance_at_1"] is None
    assert [row["student"] for row in content["students"]] == ["mind", "mind"]


def test_a_refusal_leaves_standard_output_empty(store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert typed("compare", str(store), str(store), "--json") == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.startswith("offbook: error: expected two different runs or records, got ")
    assert said.err.count("\n") == 1


def test_a_comparison_is_a_table_with_what_differs_and_the_machines(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = sorted(path for path in (store / "records").iterdir() if not path.name.startswith("exam"))
    assert typed("compare", str(first), str(second)) == 0
    told = capsys.readouterr().out
    for words in (
        "A against B",
        "acceptance",
        "open",
        "fewer",
        "In what they differ",
        "A on Toy | CPU",
    ):
        assert words in told


def test_statuses_stand_in_the_help_of_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("--help") == 0
    told = capsys.readouterr().out
    for line in STATUSES.splitlines()[1:]:
        assert line.strip() in told
    page = (Path(__file__).parents[3] / "docs" / "commands.md").read_text(encoding="utf-8")
    for status in re.findall(r"^ +(\d+) ", STATUSES, re.MULTILINE):
        assert f"| {status} |" in page
