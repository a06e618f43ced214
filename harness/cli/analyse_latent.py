"""`offbook analyse-latent`: what perspectives leave in the hidden states of students."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.engine.progress import progress as bar
from offbook.harness.cli.console import quiet, resumable, writable_folder
from offbook.harness.cli.options import MODEL, Device, DType, path_or_none


def analyse_latent(
    output: Annotated[
        Path, typer.Option("--output", "--output-path", "--output_path", callback=writable_folder, help="A folder.")
    ],
    base: Annotated[
        str, typer.Option("--base", help="The untouched model: alias, folder, or Hugging Face id.")
    ] = MODEL,
    student: Annotated[
        list[str] | None, typer.Option("--student", metavar="NAME=FOLDER", help="A student of it; repeatable.")
    ] = None,
    corpus: Annotated[
        Path | None,
        typer.Option("--corpus", callback=path_or_none, help="Rationales, JSON Lines; by default procedural ones."),
    ] = None,
    questions: Annotated[
        int, typer.Option("--questions", min=2, help="Questions to read; as many other texts of each kind.")
    ] = 48,
    encoder: Annotated[
        str, typer.Option("--encoder", help="Text encoder, a control: alias, folder, or id.")
    ] = "all-minilm-l6-v2",
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31, help="Of folds, mixture and maps.")] = 0,
    device: Device = "auto",
    dtype: DType = "float32",
) -> None:
    """Analyse what perspectives leave in students.

    Hidden states of students and their base model: tables and pictures; after an interruption the same command goes on.
    """
    from offbook.harness.latent.analysis import LatentSpec, analyse, parse_students

    spec = LatentSpec(
        base=base,
        students=parse_students(student or []),
        corpus=corpus,
        questions=questions,
        encoder=encoder,
        output=output,
        device=device,
        dtype=dtype,
        seed=seed,
    )
    quiet()
    with bar() as progress, resumable():
        path = analyse(spec, progress)
    typer.echo(str(path))
