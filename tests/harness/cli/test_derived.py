"""A setting stands in one dataclass: options and files have its type, its bounds and its words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from annotated_types import Ge, Gt, Le
from typer.testing import CliRunner

from offbook.engine.docstrings import attributes
from offbook.harness.cli.derived import with_options
from offbook.harness.cli.main import main
from offbook.harness.settings.derived import partial_of
from offbook.harness.settings.parse import parse


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of a test.

    Attributes:
        some_number: how many, as the
            user has it; more of it.
        share: of a whole.
        kind: which.
    """

    some_number: Annotated[int, Ge(1), Le(9)] | None = None
    share: Annotated[float, Gt(0), Le(1)] = 0.5
    kind: Literal["a", "b"] = "a"


def command() -> typer.Typer:
    app = typer.Typer()

    @app.command()
    @with_options(Settings, ("some_number", "share", "kind"), into="settings")
    def run(*, name: str, settings: dict[str, Any]) -> None:
        typer.echo(f"{name} {sorted(settings.items())}")

    return app


def test_an_option_has_the_type_the_bounds_and_the_words_of_its_setting():
    runner, app = CliRunner(), command()
    asked = runner.invoke(app, ["x", "--some_number", "3", "--kind", "b"])
    assert asked.output == "x [('kind', 'b'), ('some_number', 3)]\n"
    shown = " ".join(runner.invoke(app, ["--help"]).output.replace("│", " ").split())
    assert "How many, as the user has it." in shown
    assert "more of it" not in shown
    assert runner.invoke(app, ["x", "--some-number", "10"]).exit_code == 2
    assert runner.invoke(app, ["x", "--kind", "c"]).exit_code == 2


def test_a_file_has_the_same_bounds():
    derived = partial_of(Settings, name="Derived", leave_out=("kind",))
    assert set(derived.model_fields) == {"some_number", "share"}
    assert parse(derived, {}, source="f").share is None
    for wrong in ({"some_number": 10}, {"share": 0}, {"share": "0.5"}, {"kind": "a"}):
        with pytest.raises(ValueError, match=f"f: {next(iter(wrong))}"):
            parse(derived, wrong, source="f")


def test_docstrings_tell_attributes_to_their_end():
    assert attributes(Settings) == {
        "some_number": "how many, as the user has it; more of it.",
        "share": "of a whole.",
        "kind": "which.",
    }


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["train-drafter", "eagle2", "--set", "noise=-1"],
            "command line: noise: Input should be greater",
        ),
        (
            ["train-student", "mind", "--set", "training.clip_norm=0"],
            "training.clip_norm: Input should be greater",
        ),
        (["evaluate", "--tasks", "qa", "--set", "no.such=1"], "--set: no: unknown key"),
        (["reproduce", "--set", "training.gradient_tokens=0"], "training.gradient_tokens: Input should be greater"),
    ],
)
def test_what_is_set_by_its_path_is_checked_as_in_a_file(arguments, complaint, tmp_path: Path, capsys):
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--output", str(tmp_path / "out")])
    assert end.value.code == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "out").exists()
