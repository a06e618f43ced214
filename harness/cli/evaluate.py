"""`offbook evaluate`: decoders compared on suites."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from offbook.engine.decoding.layouts.names import LayoutName
from offbook.engine.progress import progress as bar
from offbook.harness.cli.as_json import AsJson
from offbook.harness.cli.completing import several_decoders, several_suites
from offbook.harness.cli.console import quiet, resumable, store_folder
from offbook.harness.cli.derived import SetSettings, with_options
from offbook.harness.cli.options import (
    MODEL,
    Config,
    DrafterFolders,
    IncludePath,
    OptionSettings,
    Revision,
    TuningFile,
)
from offbook.harness.settings.heat import HeatSettings


@with_options(HeatSettings, [field.name for field in fields(HeatSettings)], into="heat")
def evaluate(
    *,
    config: Config = None,
    model: Annotated[str | None, typer.Option("--model", help=f"Alias, folder or id; by default {MODEL}.")] = None,
    tasks: Annotated[
        str | None, typer.Option("--tasks", "--suite", autocompletion=several_suites, help="Suites, comma-separated.")
    ] = None,
    decoders: Annotated[
        str | None,
        typer.Option("--decoders", autocompletion=several_decoders, help="Comma-separated; see `offbook ls`."),
    ] = None,
    drafter: DrafterFolders = None,
    option: OptionSettings = None,
    heat: dict[str, Any],
    chat_template: Annotated[
        bool | None, typer.Option("--apply-chat-template/--no-chat-template", help="By default where there is one.")
    ] = None,
    revision: Revision = None,
    layout: Annotated[LayoutName | None, typer.Option("--layout", help="Form of the weights in memory.")] = None,
    tuning: TuningFile = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "--output-path", "--output_path", help="A folder; by default a new one below runs/."),
    ] = None,
    include_path: IncludePath = None,
    settings: SetSettings = None,
    as_json: AsJson = False,
) -> None:
    """Compare decoders on suites.

    One heat a suite: every decoder on every document, interleaved, scored by lm-eval.
    """
    from offbook.harness.roster.decoders import contender
    from offbook.harness.settings.evaluate import EvaluateSpec
    from offbook.harness.settings.overrides import overridden
    from offbook.harness.settings.parse import parse
    from offbook.harness.settings.strict_yaml import load_yaml

    file = parse(
        EvaluateSpec, overridden(load_yaml(config) if config else {}, settings or []), source=str(config or "--set")
    )
    from offbook.harness.artifacts.folders import new_folder
    from offbook.harness.cli.flags import parse_drafters, parse_options
    from offbook.harness.cli.show import show
    from offbook.harness.matrix.evaluate import evaluate as run
    from offbook.harness.matrix.evaluate import merge

    flags = {
        "model": model,
        "tasks": tasks,
        "decoders": None if decoders is None else [name.strip() for name in decoders.split(",")],
        "drafter": parse_drafters(drafter or []),
        "options": parse_options(option or []),
        "apply_chat_template": chat_template,
        "revision": revision,
        "layout": layout,
        "tuning": None if tuning is None else str(tuning),
        **heat,
        "output": output,
    }
    spec = merge(file, flags)
    for name in spec.decoders or ():
        contender(name)
    folder = store_folder(Path(spec.output)) if spec.output else new_folder("evaluate")
    spec = spec.model_copy(update={"output": str(folder)})
    quiet()
    with resumable(folder):
        with bar() as progress:
            done = run(spec, progress, include_path=include_path)
        show(done.tables, as_json=as_json, folder=str(done.folder), lossless=done.lossless)
    typer.echo(f"records and leaderboard in {done.folder}", err=True)
    raise typer.Exit(0 if done.lossless else 1)
