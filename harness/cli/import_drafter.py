"""`offbook import-drafter`: a draft model that others published, as a drafter of offbook's."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.engine.progress import progress as bar
from offbook.harness.cli.console import quiet
from offbook.harness.cli.options import Device, DType, Model, Output, Revision, path_or_none


def import_drafter(
    folder: Annotated[
        Path,
        typer.Argument(callback=path_or_none, help="The draft model as its authors publish it: config and weights."),
    ],
    model: Model,
    output: Output = None,
    dtype: DType = "float32",
    device: Device = "auto",
    revision: Revision = None,
) -> None:
    """Take over a draft model that others published.

    Reads EAGLE-1, EAGLE-2, HASS, EAGLE-3, Jakiro and Medusa, and runs nothing in their files. Prints the drafter's
    folder, which --drafter takes.
    """
    from offbook.harness.artifacts.import_drafter import import_drafter as take_over

    quiet()
    with bar() as progress:
        made = take_over(folder, model, progress, output=output, dtype=dtype, device=device, revision=revision)
    typer.echo(str(made))
