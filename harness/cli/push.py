"""`offbook push`: a student or a drafter to the Hugging Face hub, with its card."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.harness.cli.as_json import AsJson, print_json
from offbook.harness.cli.console import quiet
from offbook.harness.cli.export import CertificateFile, Records, certified, held_records
from offbook.harness.cli.options import path_or_none


def push(
    folder: Annotated[
        Path, typer.Argument(callback=path_or_none, help="Of `offbook train-student`, `train-drafter` or a run.")
    ],
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Of the hub; made where it is not there.")],
    records: Records = None,
    certificate: CertificateFile = None,
    mirror: Annotated[
        Path | None,
        typer.Option("--mirror", callback=path_or_none, help="A folder in the hub's place; nothing is sent."),
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Make a new repository public; else it is private.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "--dry_run", help="Tell what would go, and show the card.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Upload a student or a drafter with its card.

    Its files as they were sealed, README.md, and what the hub shows of its exam. Who you are there, `hf auth login` or
    HF_TOKEN says. Prints where it lies.
    """
    from offbook.harness.interchange.hub import check_repository, shipment, to_hub, to_mirror

    check_repository(repository)
    quiet()
    what = shipment(folder, held_records(records), certified(certificate))
    sizes = what.sizes()
    where = f"{mirror}/{repository}" if mirror is not None else f"the hub, {repository}"
    told = f"{len(sizes)} files, {sum(sizes.values()) / 1e6:,.1f} MB, to {where}"
    place: str | None = None
    if dry_run:
        typer.echo(f"would go: {told}; nothing was written or sent", err=True)
    else:
        typer.echo(told, err=True)
        place = to_hub(what, repository, public=public) if mirror is None else str(to_mirror(what, repository, mirror))
    if as_json:
        print_json(repository=repository, place=place, files=sizes, card=what.card)
    elif place is not None:
        typer.echo(place)
    else:
        for name, size in sizes.items():
            typer.echo(f"{size:>14,}  {name}")
        typer.echo(f"\n{what.card}")
