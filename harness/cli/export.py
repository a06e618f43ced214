"""`offbook export`: something of offbook's in the form of another tool."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from offbook.engine.counted import counted
from offbook.engine.paths import user_path
from offbook.harness.cli.console import quiet
from offbook.harness.cli.options import Output, path_or_none

if TYPE_CHECKING:
    from offbook.harness.interchange.certified import Certified
    from offbook.harness.records.cell import Cell
    from offbook.harness.records.exam import Exam
    from offbook.harness.suites.documents import DocumentsAtHand

Kind = Literal["kernel", "drafter", "card", "lm-eval", "every-eval-ever", "aiperf"]
Records = Annotated[
    Path | None,
    typer.Option("--records", callback=path_or_none, help="Of a card: a folder with records, told where they are its."),
]
CertificateFile = Annotated[
    Path | None,
    typer.Option("--certificate", callback=path_or_none, help="Of a card: a certificate.json of `offbook certify`."),
]


def export(
    kind: Annotated[
        Kind,
        typer.Argument(
            help="kernel: for Hugging Face's kernel hub. drafter: in its authors' layout. card: README.md of a student "
            "or drafter. lm-eval, every-eval-ever, aiperf: records as these have them."
        ),
    ],
    name: Annotated[
        str,
        typer.Argument(help="An operation, a student's or drafter's folder, or a folder with records, or one of them."),
    ],
    output: Output = None,
    records: Records = None,
    certificate: CertificateFile = None,
    organisation: Annotated[
        str, typer.Option("--organisation", help="Of every-eval-ever: who reports the records.")
    ] = "unknown",
) -> None:
    """Write something in the form of another tool.

    A kernel's folder needs nothing of offbook; a drafter's is what its method's authors publish, and `offbook
    import-drafter` takes it over again; records are written with their questions where the suites are at hand. Prints
    the folder, by default one under runs/. An earlier export of the same is replaced.
    """
    from offbook.harness.artifacts.folders import RUNS

    if kind == "kernel":
        from offbook.harness.interchange.kernel_hub import export_kernel

        folder = output or RUNS / f"kernel-{name}"
        export_kernel(name, folder)
        typer.echo(str(folder))
        return
    place = user_path(name, what="the folder")
    folder = output or RUNS / f"{kind}-{place.resolve().name}"
    quiet()
    if kind == "drafter":
        from offbook.harness.interchange.published_drafter import export_drafter

        typer.echo(f"in the layout of {export_drafter(place, folder)}", err=True)
    elif kind == "card":
        _card(place, folder, records, certificate)
    else:
        _records(kind, place, folder, organisation)
    typer.echo(str(folder))


def held_records(records: Path | None) -> "list[Cell | Exam]":
    """The records that a card may tell; none where no folder was named.

    Raises:
        ValueError: no store there, or a damaged one.
    """
    from offbook.harness.interchange.stored import stored

    return [] if records is None else stored(records)


def certified(certificate: Path | None) -> "Certified | None":
    """The certificate that goes with a card.

    Raises:
        ValueError: the file holds none.
    """
    if certificate is None:
        return None
    from offbook.engine.text import read_text
    from offbook.harness.certificates.report import read_report
    from offbook.harness.interchange.certified import Certified

    report = read_report(certificate)
    return Certified(
        subject=report.subject, paragraph=report.paragraph(), text=read_text(certificate, what="a certificate")
    )


def _card(place: Path, folder: Path, records: Path | None, certificate: Path | None) -> None:
    from offbook.engine.files import atomic_files, atomic_write_text
    from offbook.harness.interchange.model_card import card_files

    files = card_files(place, held_records(records), certified(certificate))
    with atomic_files(folder) as temporary:
        for name, text in files.items():
            atomic_write_text(temporary / name, text)


def _records(kind: str, place: Path, folder: Path, organisation: str) -> None:
    from offbook.harness.interchange.stored import stored
    from offbook.harness.suites.documents import DocumentsAtHand

    held, documents = stored(place), DocumentsAtHand()
    if kind == "aiperf":
        from offbook.harness.interchange.acceptance import write_acceptance

        written = write_acceptance(held, folder)
    elif kind == "lm-eval":
        from offbook.harness.interchange.lm_eval_results import write_lm_eval

        written = write_lm_eval(held, documents, folder)
    else:
        from offbook.harness.interchange.every_eval_ever import write_every_eval_ever

        written = write_every_eval_ever(held, documents, folder, organisation=organisation)
    _tell(len(written), documents)


def _tell(files: int, documents: "DocumentsAtHand") -> None:
    typer.echo(counted(files, "file"), err=True)
    for suite, reason in sorted(documents.missing.items()):
        typer.echo(f"without its questions: {suite}: {reason}", err=True)
