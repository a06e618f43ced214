"""`offbook tune`: what drafting costs and promises on this machine, written down for runs to come."""

from typing import Annotated

import typer

from offbook.engine.decoding.layouts.names import LayoutName
from offbook.engine.paths import user_path
from offbook.engine.progress import progress as bar
from offbook.harness.cli.completing import several_decoders
from offbook.harness.cli.console import quiet
from offbook.harness.cli.options import MODEL, Device, DrafterFolders, DType, OptionSettings, Output, Revision


def tune(
    model: Annotated[str, typer.Argument(help="Alias, local folder, or Hugging Face id.")] = MODEL,
    decoders: Annotated[
        str | None,
        typer.Option(
            "--decoders",
            autocompletion=several_decoders,
            help="Comma-separated; by default all that can be built as they are.",
        ),
    ] = None,
    drafter: DrafterFolders = None,
    option: OptionSettings = None,
    layout: Annotated[
        LayoutName | None, typer.Option("--layout", help="Form of the weights; by default the fastest.")
    ] = None,
    temperature: Annotated[
        list[float] | None, typer.Option("--temperature", min=0, help="Repeatable; by default 0 and 1.")
    ] = None,
    output: Output = None,
    dtype: DType = "float32",
    device: Device = "auto",
    revision: Revision = None,
) -> None:
    """Measure what drafting costs and promises here.

    Chooses a layout and settings, and writes tuning.json, which `evaluate`, `generate` and matrix files take.
    """
    from offbook.engine.decoding.sampling import Sampling
    from offbook.harness.artifacts.folders import new_folder
    from offbook.harness.cli.flags import parse_drafters, parse_options
    from offbook.harness.matrix.tune import TEMPERATURES, whom
    from offbook.harness.matrix.tune import tune as measure
    from offbook.harness.roster.target import load_target

    names = None if decoders is None else [name.strip() for name in decoders.split(",")]
    temperatures = [Sampling(temperature=at).temperature for at in temperature or TEMPERATURES]
    folders = {name: user_path(path, what="--drafter") for name, path in parse_drafters(drafter or []).items()}
    options = parse_options(option or [])
    whom(names, options, folders)  # before a model is loaded
    quiet()
    with bar() as progress:
        target = load_target(model, dtype=dtype, device=device, revision=revision, layout="transformers")
        path = measure(
            target,
            output or new_folder("tune"),
            progress,
            decoders=names,
            options=options,
            drafters=folders,
            layout=layout,
            temperatures=temperatures,
        )
    typer.echo(str(path))
